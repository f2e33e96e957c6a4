"""New data for an old model: its head goes on, with the same labels or with more."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hftransfer import Predictor, Recipe, fine_tune
from hftransfer.values import Event
from tests.flow.test_tasks import GLAD, jsonl, texts
from tests.tiny import text_backbone

MOODS = {"lovely": "good", "happy": "good", "sad": "bad", "awful": "bad"}


def moods(path: Path, moods: dict[str, str], seed: int) -> Path:
    """Texts with one telling word each."""
    words = np.random.default_rng(seed).choice(sorted(moods), 120)
    return jsonl(path, [{"text": f"the day was {w} {n % 10}", "label": moods[w]} for n, w in enumerate(words)])


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("old")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTRANSFER_HOME", str(folder / "home"))
        recipe = Recipe(backbone=str(text_backbone(folder / "b", width=64)), strategy="feature-extraction")
        yield fine_tune(moods(folder / "old.jsonl", MOODS, 0), recipe, output=folder / "model")


def go_on(old: Predictor, source: Path, folder: Path, strategy: str = "feature-extraction") -> Predictor:
    recipe = Recipe(backbone=str(old.folder), strategy=strategy, epochs=1)
    return fine_tune(source, recipe, output=folder / "new")


@pytest.fixture
def home(old: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFTRANSFER_HOME", str(old.folder.parent / "home"))


def head(model: Predictor) -> torch.Tensor:
    return model.backbone.model.classifier.weight.detach()


@pytest.mark.parametrize("strategy", ["feature-extraction", "full"])
def test_with_more_labels_its_rows_are_kept_and_new_ones_added(
    strategy: str, old: Predictor, home: None, tmp_path: Path
) -> None:
    source = moods(tmp_path / "n.jsonl", {**MOODS, "1": "number", "2": "number", "3": "number"}, 1)
    new = go_on(old, source, tmp_path, strategy)
    assert new.labels == (*old.labels, "number")
    assert new.predict("the day was 2 2").prediction == "number"
    assert new.predict("the day was sad 2").prediction == "bad"
    report = new.report
    accuracy = report["metrics"]["accuracy"]["value"]
    assert 0.3 < report["before"]["accuracy"]["value"] < accuracy  # it knows two of three labels
    assert report["forgetting"]["before"] == old.report["metrics"]
    assert report["forgetting"]["after"]["accuracy"]["value"] > 0.9


def test_what_a_label_that_new_data_lacks_loses_is_told(old: Predictor, home: None, tmp_path: Path) -> None:
    source = moods(tmp_path / "n.jsonl", {"lovely": "good", "happy": "good", "1": "number", "2": "number"}, 1)
    new = go_on(old, source, tmp_path)
    assert new.labels == ("bad", "good", "number")
    assert torch.equal(head(new)[0], head(old)[0])  # that it is never right was no lesson
    lost = new.report["forgetting"]
    assert lost["after"]["accuracy"]["value"] < lost["before"]["accuracy"]["value"]


def test_data_that_teaches_nothing_new_leaves_the_head_nearly_as_it_is(
    old: Predictor, home: None, tmp_path: Path
) -> None:
    new = go_on(old, moods(tmp_path / "n.jsonl", MOODS, 2), tmp_path)
    assert new.labels == old.labels
    assert torch.dist(head(new), head(old)) < 0.5 * head(old).norm()


def test_disjoint_labels_get_a_new_head_which_is_said(old: Predictor, home: None, tmp_path: Path) -> None:
    new = go_on(old, moods(tmp_path / "n.jsonl", {"lovely": "x", "sad": "y"}, 2), tmp_path)
    assert new.labels == ("x", "y") and "before" not in new.report
    assert any(problem["code"] == "new-head" for problem in new.report["problems"])


def test_where_the_old_data_is_gone_it_is_said(old: Predictor, tmp_path: Path) -> None:
    heard: list[Event] = []
    recipe = Recipe(backbone=str(old.folder), strategy="feature-extraction")
    source = moods(tmp_path / "n.jsonl", MOODS, 2)
    new = fine_tune(source, recipe, output=tmp_path / "new", on_event=heard.append)
    assert new.report["forgetting"] is None and new.report["before"]["accuracy"]["value"] > 0.9
    assert any("what is forgotten is not known" in event.message for event in heard)


def test_where_its_data_lies_is_noted_at_home_and_not_beside_the_model(old: Predictor) -> None:
    noted = list((old.folder.parent / "home" / "origins").iterdir())
    assert any("old.jsonl" in file.read_text(encoding="utf-8") for file in noted)
    assert not (old.folder / noted[0].name).exists()


def test_several_labels_and_numbers_go_on_too(home: None, tmp_path: Path) -> None:
    backbone = str(text_backbone(tmp_path / "b", width=64))
    rows = [{"text": " ".join(words), "label": sorted(set(words) & {"lovely", "sad"})} for words in texts(200)]
    first = Recipe(backbone=backbone, strategy="feature-extraction")
    old = fine_tune(jsonl(tmp_path / "a.jsonl", rows), first, output=tmp_path / "a")
    rows = [{"text": " ".join(words), "label": sorted(set(words) & set(GLAD))} for words in texts(200, 1)]
    new = go_on(old, jsonl(tmp_path / "b.jsonl", rows), tmp_path)
    assert new.labels == ("lovely", "sad", "awful", "happy")
    assert set(json.loads((new.folder / "config.json").read_text())["thresholds"]) == set(new.labels)
    assert new.report["metrics"]["map"]["value"] > new.report["before"]["map"]["value"]
    assert new.report["forgetting"]["after"]["map"]["value"] > 0.7
