"""Backbones side by side: scores of rows that no head saw, the cheapest of the best, and features that train finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hftransfer
from hftransfer import Recipe, cli, fine_tune
from hftransfer.data import load_data
from hftransfer.errors import BackboneError, SourceError
from hftransfer.models import backbones
from hftransfer.models.anatomy import Anatomy
from hftransfer.models.views import END
from hftransfer.recommending import Candidate, recommend
from hftransfer.recommending import rows as drawing
from hftransfer.recommending.bench import Bench
from hftransfer.recommending.offered import _affordable, at_hand
from hftransfer.recommending.rows import FOLDS, fold_rows, sample, strata
from hftransfer.recommending.verdict import Tried, concluded
from hftransfer.tasks import get_task
from hftransfer.terminal import lines
from hftransfer.training import machine_for
from hftransfer.values import Dataset, Event
from tests.flow.test_tasks import BEST, SOURCES
from tests.tiny import image_backbone, pictures, table, text_backbone

TEXTS = get_task("text-classification")


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One cross-validation is enough here."""
    monkeypatch.setattr(drawing, "REPEATS", ())


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_backbone(tmp_path_factory.mktemp("bert"))


def tried(name: str, right: np.ndarray, size: float, seed: int = 0) -> Tried:
    """A candidate that is right on some rows."""
    draws = np.random.default_rng(seed).integers(0, len(right), (200, len(right)))
    candidate = Candidate(name, float(right.mean()), 0.0, 1.0, size, 10.0)
    return Tried(candidate, right[draws].mean(1))


def test_the_cheapest_of_those_within_noise_is_chosen() -> None:
    best = np.arange(400) % 20 != 0
    near, worse = best.copy(), best.copy()
    near[[1, 2, 3, 5, 20, 40, 60]] ^= True  # wins some, loses some
    worse[1:60] = False
    found = concluded([tried("worse", worse, 1), tried("best", best, 90), tried("near", near, 30)], "accuracy", 400)
    assert found.choice == "near" and near.mean() < best.mean()
    assert "95.0%" in found.why and "best" in found.why
    assert concluded([tried("worse", worse, 1), tried("best", best, 90)], "accuracy", 400).choice == "best"
    assert [one.backbone for one in found.candidates][-1] == "worse"


def test_noise_is_that_of_the_difference() -> None:
    """A point less on the same rows, each time, is no noise, however wide either interval is."""
    right = np.arange(100) % 3 != 0
    lower = right.copy()
    lower[[1, 2, 4]] = False
    assert concluded([tried("a", right, 9), tried("b", lower, 1)], "accuracy", 100).choice == "a"


def test_no_head_has_seen_what_it_is_scored_on() -> None:
    """Labels by chance, and features enough to learn each row by heart."""
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(120, 1, 200)).astype(np.float32), np.arange(120) % 2
    bench = Bench(TEXTS, ("a", "b"), Anatomy("head"), (END,), features, labels, np.arange(120))
    logits, _ = bench.scores(generator.permutation(120) % FOLDS)
    score, resampled = bench.judged([logits], seed=0)
    assert 0.3 < score < 0.7 and score == (logits.argmax(1) == labels).mean()
    low, high = np.percentile(resampled, (2.5, 97.5))
    assert low < score < high and 0.05 < high - low < 0.3


def test_training_afterwards_reads_no_features(bert: Path, tmp_path: Path) -> None:
    """What is tried is what train would read: of the same rows, at the same depths, in the same precision."""
    for source, folder in (
        (table(tmp_path / "t.csv"), bert),
        (pictures(tmp_path / "p.zip"), image_backbone(tmp_path / "vit")),
    ):
        passes: list[list[Event]] = [[], []]
        found = hftransfer.recommend(source, Recipe(), [str(folder)], on_event=passes[0].append)
        recipe = Recipe(backbone=found.choice, strategy="feature-extraction")
        fine_tune(source, recipe, output=tmp_path / f"{folder.name}-model", on_event=passes[1].append)
        first, second = ([event for event in heard if event.stage == "features"] for heard in passes)
        assert first and not second


def test_of_much_data_a_part_is_tried_with_the_same_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"a day {n},{'rare' if n % 5 == 0 else 'usual'}" for n in range(400)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    data = load_data(tmp_path / "t.csv")
    assert sample(data, 0).splits.keys() == {"train", "validation"} and sample(data, 0).digests == data.digests
    monkeypatch.setattr(drawing, "SAMPLE", 100)
    drawn = sample(data, 0)
    assert drawn.splits.keys() == {"train"} and drawn.digests["train"] != data.digests["train"]
    assert np.bincount(strata(drawn, "train")).tolist() == [20, 80]
    folds = fold_rows(drawn, 0)
    assert [np.bincount(strata(drawn, "train")[folds == fold]).tolist() for fold in range(FOLDS)] == [[4, 16]] * FOLDS


def test_copies_of_a_row_are_in_one_part(tmp_path: Path) -> None:
    rows = [f"a day {n // 4},{'rare' if n % 3 == 0 else 'usual'}" for n in range(120)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    data = load_data(tmp_path / "t.csv")
    drawn = sample(data, 0)
    read = [text for rows in drawn.splits.values() for text in rows["text"]]
    parts = {text: set(fold_rows(drawn, 0)[np.array(read) == text]) for text in read}
    assert len(read) > len(parts) and all(len(found) == 1 for found in parts.values())
    assert set.union(*parts.values()) == set(range(FOLDS))


def test_a_fault_of_ours_is_not_the_backbones(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bench, "of", lambda leg: {}["nothing"])
    with pytest.raises(KeyError):
        recommend(table(tmp_path / "t.csv", rows=10), Recipe(), [str(bert)])


@pytest.mark.parametrize(
    "name", [pytest.param("text-multi-label", marks=pytest.mark.slow), "text-regression", "token-classification"]
)
def test_every_kind_of_label_is_tried(name: str, tmp_path: Path) -> None:
    make, write = SOURCES[name]
    found = recommend(write(tmp_path), Recipe(), [str(make(tmp_path / "b", width=64))])
    (candidate,) = found.candidates
    assert found.metric == BEST[get_task(name).target.name]
    assert candidate.score and 0.5 < candidate.low <= candidate.score <= candidate.high <= 1.0


def test_what_cannot_be_tried_is_listed(bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = table(tmp_path / "t.csv", rows=10)
    with pytest.raises(SystemExit) as ended:
        cli.main(["recommend", str(source), "--backbone", str(bert), "--backbone", "no/where", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert not ended.value.code and set(found) == {"candidates", "choice", "why"}
    good, bad = found["candidates"]
    keys = {"backbone", "score", "low", "high", "size_mb", "latency_ms", "seconds"}
    assert set(good) == keys and set(bad) == {*keys, "error"} and bad["score"] is None
    assert good["low"] <= good["score"] <= good["high"] and good["latency_ms"] > 0
    assert found["choice"] == str(bert) and "the only one that could be tried" in found["why"]
    told = lines.recommended(found, metric="accuracy", rows=16)
    assert f"* {bert}" in told and "not tried: 'no/where'" in told and "(on 16 rows)" in told
    with pytest.raises(BackboneError, match="no/where"):
        recommend(source, Recipe(), ["no/where"])


def test_too_few_rows_are_refused(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="too few to compare"):
        recommend(table(tmp_path / "t.csv", rows=3), Recipe(), [str(bert)])


def texts(folder: Path, text: str) -> Dataset:
    lines = [f"{text} {n},{n % 2}" for n in range(40)]
    (folder / "t.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    return load_data(folder / "t.csv", Recipe(label_column="label"))


def test_where_none_is_named_what_fits_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, heard = machine_for(Recipe(device="cpu")), []
    english = texts(tmp_path, "the day was lovely")
    names, note = at_hand(english, machine, heard.append)
    assert names == ["starter:text", "sentence-transformers/all-MiniLM-L6-v2"]
    assert note == heard[0].message and "HF_HUB_OFFLINE" in note
    monkeypatch.setattr("hftransfer.recommending.offered.silence", lambda **_: None)  # a Hub that answers
    chinese = texts(tmp_path, "房间很干净早餐也不错")
    several = ["google-bert/bert-base-chinese", "intfloat/multilingual-e5-small"]
    assert at_hand(chinese, machine, heard.append) == (several, "") and "883 MB" in heard[-1].message


def test_where_nothing_here_reads_the_texts_that_is_said(tmp_path: Path) -> None:
    texts(tmp_path, "房间很干净早餐也不错")
    with pytest.raises(
        BackboneError, match="HF_HUB_OFFLINE is set; there are google-bert/bert-base-chinese"
    ) as refused:
        recommend(tmp_path / "t.csv", Recipe(label_column="label"))
    assert "--backbone" in refused.value.fix


def test_downloads_are_bounded() -> None:
    rows = [row for row in backbones.RECOMMENDED if row.modality == "image"]
    small = _affordable(rows, "cpu")
    assert max(row.parameters for row in small) <= 30 and sum(row.megabytes for row in small) <= 900
    many = _affordable(rows, "cuda")
    assert sum(row.megabytes for row in many) <= 2000 and len(many) > len(small)
    large = [replace(row, parameters=100.0) for row in rows]
    assert len(_affordable(large, "cpu")) == 2
