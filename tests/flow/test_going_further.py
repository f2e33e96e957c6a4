"""New data for an old model: its head goes on, with the same labels or with more."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hftransfer import Predictor, Recipe, fine_tune
from hftransfer.errors import BackboneError, SourceError
from hftransfer.values import Event
from tests.flow.test_tasks import GLAD, jsonl, texts
from tests.tiny import text_backbone

MOODS = {"lovely": "good", "happy": "good", "sad": "bad", "awful": "bad"}


def moods(path: Path, moods: dict[str, str], seed: int) -> Path:
    """Texts with one telling word each."""
    words = np.random.default_rng(seed).choice(sorted(moods), 120)
    return jsonl(
        path,
        [{"text": f"the day was {w} {' '.join(f'{n:03}')}", "label": moods[w]} for n, w in enumerate(words)],
    )


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
    assert new.predict("the day was 2 0 2 2").prediction == "number"
    assert new.predict("the day was sad 0 2 2").prediction == "bad"
    report = new.report
    accuracy = report["metrics"]["accuracy"]["value"]
    assert 0.3 < report["before"]["accuracy"]["value"] < accuracy  # it knows two of three labels
    assert report["forgetting"]["before"] == old.report["metrics"]
    assert report["forgetting"]["after"]["accuracy"]["value"] > 0.7


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


def test_a_pair_models_backbone_serves_single_texts(home: None, tmp_path: Path) -> None:
    rows = [
        {"text": f"a {one}", "text_pair": f"the {two}", "label": GLAD[one] - GLAD[two] + 0.5}
        for one in GLAD
        for two in GLAD
    ]
    first = Recipe(backbone=str(text_backbone(tmp_path / "b", width=64)), strategy="feature-extraction")
    pairs = fine_tune(jsonl(tmp_path / "p.jsonl", rows * 3), first, output=tmp_path / "p")
    assert (
        pairs.pairs
        and pairs.predict(("a sad", "the happy")).prediction != pairs.predict(("a sad", "the sad")).prediction
    )
    assert pairs.predict({"text": "a sad", "text_pair": "the sad"}).prediction is not None
    single = go_on(pairs, moods(tmp_path / "n.jsonl", MOODS, 2), tmp_path)
    assert not single.pairs and single.predict("the day was sad 0 1 1").prediction == "bad"
    with pytest.raises(SourceError, match="where pairs of texts are needed"):
        pairs.evaluate(tmp_path / "n.jsonl", Recipe(task="text-regression", label_column="text"))


def test_rows_that_were_learned_from_tell_nothing_of_forgetting(old: Predictor, home: None, tmp_path: Path) -> None:
    """New data that holds the old: what of the old test is trained on now is left out, and the other way round."""
    whole = tmp_path / "all.jsonl"
    fresh = moods(tmp_path / "n.jsonl", {**MOODS, "1": "number"}, 5).read_text(encoding="utf-8")
    whole.write_text((old.folder.parent / "old.jsonl").read_text(encoding="utf-8") + fresh, encoding="utf-8")
    report = go_on(old, whole, tmp_path).report
    assert report["forgetting"]["rows"] < old.report["rows"]["test"]


def test_another_folder_finds_the_data_too(old: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moods(tmp_path / "a.jsonl", MOODS, 1)
    moods(tmp_path / "t.jsonl", MOODS, 2)
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(backbone=str(old.folder), strategy="feature-extraction", test="t.jsonl")
    first = fine_tune("a.jsonl", recipe, output="a")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = recipe.with_(backbone=str(tmp_path / "a"), test=None)
    second = fine_tune(moods(tmp_path / "n.jsonl", MOODS, 3), again, output=tmp_path / "b")
    assert first.labels == second.labels and second.report["forgetting"] is not None


@pytest.mark.parametrize("damage", ["{", "[]", '{"rows": {}}'])
def test_a_damaged_report_is_told(damage: str, old: Predictor, tmp_path: Path) -> None:
    copy = old.save(tmp_path / "copy")
    (copy / "report.json").write_text(damage, encoding="utf-8")
    with pytest.raises(BackboneError, match=r"report.json cannot be read"):
        fine_tune(moods(tmp_path / "n.jsonl", MOODS, 3), Recipe(backbone=str(copy)), output=tmp_path / "b")


def test_known_labels_stay_whole(home: None, tmp_path: Path) -> None:
    """A name with a comma is read as the model knows it, where nothing else says how labels are parted."""
    rows = [{"text": f"{a} {b} day", "label": f"{NAMES[a]}|{NAMES[b]}"} for a in NAMES for b in NAMES if a < b] * 12
    first = Recipe(backbone=str(text_backbone(tmp_path / "b", width=64)), strategy="feature-extraction")
    model = fine_tune(jsonl(tmp_path / "a.jsonl", rows), first, output=tmp_path / "a")
    assert "food, drink" in model.labels
    alone = jsonl(tmp_path / "b.jsonl", [{"text": f"{word} day", "label": NAMES[word]} for word in NAMES] * 3)
    assert model.evaluate(alone).rows == 9


NAMES = {"lovely": "food, drink", "sad": "cars", "happy": "music"}
