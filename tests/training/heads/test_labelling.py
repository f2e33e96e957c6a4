"""Rows without labels: a probe labels them, the surest join train, and validation and test stay what they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftransfer.data import labels_of, load_data
from hftransfer.errors import OutputError, SourceError
from hftransfer.models import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.training import Leg, probing, with_pseudo_labels
from hftransfer.training.heads import labelling
from hftransfer.training.heads.labelling import Judged
from hftransfer.training.heads.probe import features_of, see
from hftransfer.training.heads.solving import HeadProblem, Split, refit
from tests.flow.test_tasks import several
from tests.tiny import TEXTS, table, text_backbone


@pytest.fixture
def leg(tmp_path: Path) -> Leg:
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), precision="fp32", confidence=0.8)
    data = load_data(table(tmp_path / "t.csv"), recipe)
    return probing(load_backbone(get_task(data.task), data.labels, recipe), data, recipe)


def asked(leg: Leg, path: Path) -> Leg:
    return probing(leg.backbone, leg.data, leg.recipe.with_(pseudo_label=str(path)))


def now(name: str, choose: Callable[[], Any]) -> Any:
    return choose()


def test_what_a_probe_is_sure_of_joins_train_alone(leg: Leg, tmp_path: Path) -> None:
    fresh = [text.format(n=n) for text in TEXTS.values() for n in range(20, 28)]
    held = [leg.data.splits[name]["text"][0] for name in leg.data.splits]  # copies of a row of each split
    (tmp_path / "u.txt").write_text("\n".join([*fresh, *held, f"  {held[1]}  ", fresh[0]]), encoding="utf-8")
    data, told = with_pseudo_labels(asked(leg, tmp_path / "u.txt"), now)
    train, before = data.splits["train"], leg.data.splits["train"]
    joined = train.select(range(len(before), len(train)))
    assert told["pseudo_labelled"] | {"least_sure": 0} == {
        **{"rows": 16, "by_label": {"bad": 8, "good": 8}, "unlabelled": 21, "copies": 5, "least_sure": 0}
    }
    assert sorted(joined["text"]) == sorted(fresh) and train.select(range(len(before)))["text"] == before["text"]
    assert all(origin.startswith("pseudo-labelled: u.txt:") for origin in joined["origin"])
    assert all(("lovely" in row["text"]) == (data.labels[row["label"]] == "good") for row in joined)
    for split in ("validation", "test"):
        assert data.splits[split] is leg.data.splits[split] and data.digests[split] == leg.data.digests[split]
    assert data.digests["train"] != leg.data.digests["train"] and len(labels_of(train)) == data.rows["train"]


def test_rows_of_several_labels_join_too(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("\n".join(text.format(n=n) for text in TEXTS.values() for n in range(20, 28)))
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), precision="fp32", confidence=0.6)
    data = load_data(several(tmp_path), recipe)
    leg = probing(load_backbone(get_task(data.task), data.labels, recipe), data, recipe)
    enlarged, told = with_pseudo_labels(asked(leg, tmp_path / "u.txt"), now)
    assert enlarged.rows["train"] == data.rows["train"] + told["pseudo_labelled"]["rows"] > data.rows["train"]
    assert labels_of(enlarged.splits["train"]).shape[1] == len(data.labels)


def test_no_row_goes_through_the_backbone_twice(leg: Leg, tmp_path: Path) -> None:
    texts = [text.format(n=n) for text in TEXTS.values() for n in range(20, 28)]
    (tmp_path / "u.txt").write_text("\n".join(texts), encoding="utf-8")
    data, _ = with_pseudo_labels(asked(leg, tmp_path / "u.txt"), now)
    rows: list[int] = []
    handle = leg.backbone.model.register_forward_pre_hook(
        lambda model, args, kwargs: rows.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    enlarged = probing(leg.backbone, data, leg.recipe)
    seen = see(enlarged)
    assert sum(rows) <= 4  # the example that anatomy is told by
    handle.remove()
    whole = probing(leg.backbone, load_data(table(tmp_path / "t.csv"), leg.recipe), leg.recipe)
    first = features_of(whole, seen.anatomy, "train", seen.views)
    assert seen.features["train"].shape[0] == data.rows["train"] == len(seen.labels["train"])
    assert np.array_equal(seen.features["train"][: len(first)], first)


def test_a_run_that_goes_on_learns_from_the_same_rows(leg: Leg, tmp_path: Path) -> None:
    path, kept = tmp_path / "u.txt", {}
    path.write_text("\n".join(text.format(n=n) for text in TEXTS.values() for n in range(20, 28)))

    def once(name: str, choose: Callable[[], Any]) -> Any:
        return kept.setdefault(name, None) or kept.update({name: choose()}) or kept[name]

    first, _ = with_pseudo_labels(asked(leg, path), once)
    again, _ = with_pseudo_labels(asked(leg, path), lambda name, choose: kept[name])
    assert again.digests == first.digests and again.splits["train"]["text"] == first.splits["train"]["text"]
    path.write_text("the day was lovely 7 7\n")
    with pytest.raises(OutputError, match="changed"):
        with_pseudo_labels(asked(leg, path), once)
    with pytest.raises(SourceError, match="no such file"):
        with_pseudo_labels(asked(leg, tmp_path / "nothing.txt"), once)


def test_no_class_outgrows_the_others(leg: Leg) -> None:
    """Of an easy class a hundred rows are sure, of the others ten and none."""
    judged = Judged(
        np.array([0] * 100 + [1] * 10 + [2] * 5), np.concatenate([np.linspace(0.9, 1, 110), np.full(5, 0.5)])
    )
    fresh = np.ones(115, dtype=bool)
    fresh[[99, 109]] = False
    chosen = labelling._chosen(leg, np.repeat([0, 1, 2], 4), judged, fresh)
    counts = np.bincount(judged.labels[chosen], minlength=3)
    assert counts.tolist() == [9, 9, 0]  # the middle one found 9, two and a quarter for each that it had
    assert chosen[:9].tolist() == list(range(90, 99))  # the surest


@pytest.mark.parametrize(("told", "low", "high"), [(0.0, 3.0, 16.0), (4.0, 0.2, 1.5)])
def test_a_head_that_is_too_sure_is_cooled(leg: Leg, told: float, low: float, high: float) -> None:
    """By rows that it has not seen: those of noise it has learned by heart."""
    generator = np.random.default_rng(0)

    def split(rows: int) -> Split:
        labels = np.arange(rows) % 2
        features = generator.normal(size=(rows, 16)) + told * labels[:, None]
        return Split(features.astype(np.float32), labels)

    train, validation = split(40), split(10)
    anatomy = see(leg).anatomy
    solved = refit(HeadProblem(train, validation, 2, anatomy.activation), 100.0)
    assert low <= labelling._temperature(leg, anatomy, solved, train, validation, np.arange(40)) <= high
    copies = Split(np.repeat(train.features, 2, axis=0), np.repeat(train.labels, 2))
    learned = refit(HeadProblem(copies, validation, 2, anatomy.activation), 100.0)
    apart = [
        labelling._temperature(leg, anatomy, learned, copies, validation, units)
        for units in (np.arange(40).repeat(2), np.arange(80))
    ]
    by_heart = not told
    assert (apart[0] > apart[1]) == by_heart


def test_a_cooled_probe_is_less_sure(leg: Leg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling, "_temperature", lambda *_: 1e6)
    (tmp_path / "u.txt").write_text("\n".join(text.format(n=77) for text in TEXTS.values()))
    data, told = with_pseudo_labels(asked(leg, tmp_path / "u.txt"), now)
    assert data is leg.data and told["pseudo_labelled"]["rows"] == 0
