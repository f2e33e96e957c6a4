"""How to use a model of each task: a card's code and the zip's script are run, and the proof compares every score."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from transformers import pipeline

from hftransfer import usage
from hftransfer.publish.card import card
from hftransfer.publish.checkpoint import open_checkpoint, read_json, task_of
from hftransfer.publish.proof import answers, disagreement, synthetic_samples
from hftransfer.publish.targets import ABOUT
from hftransfer.tasks import TARGETS, TASKS, get_task
from hftransfer.ui.publish.take_away import extras
from tests import tiny

from ..results.reports import entities, multi_label, regression
from .models import model_of

TAGS = ("O", "B-person", "I-person", "B-place", "I-place")
LABELS: dict[str, tuple[str, ...]] = {"flags": ("joy", "anger", "愤怒"), "numbers": ("angle",), "tags": TAGS}
CASES = [
    *((name, LABELS.get(task.target.shape, ()), False) for name, task in TASKS.items()),
    ("image-regression", ("width", "height"), False),
    ("text-classification", (), True),
    ("text-regression", ("score",), True),
    ("text-multi-label", ("a", "b"), True),
]
ids = ["-".join([name, str(len(labels)), "pair" * pair]) for name, labels, pair in CASES]
every = pytest.mark.parametrize(("name", "labels", "pair"), CASES, ids=ids)


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def said(code: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch, file: Path) -> str:
    """What a program prints."""
    monkeypatch.setattr(sys, "argv", ["predict.py", *arguments])
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, str(file), "exec"), {"__name__": "__main__", "__file__": str(file)})
    return out.getvalue()


@every
def test_the_cards_code_and_the_zips_script_run(
    name: str, labels: tuple[str, ...], pair: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_of(tmp_path / "model", name, *labels, pair=pair)
    (tmp_path / "photo.jpg").write_bytes(tiny.picture("amber", 0))
    monkeypatch.chdir(tmp_path)
    text = card(report_of(folder), repo="alice/mine")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0].replace("alice/mine", str(folder))
    out = said(code, [], monkeypatch, tmp_path / "card.py")
    arguments = ["photo.jpg"] if name.startswith("image") else ["a text", "another"]
    script = extras(folder)["predict.py"]
    lines = said(script, arguments, monkeypatch, tmp_path / "predict.py").splitlines()
    assert len(lines) == len(arguments) // (1 + pair) or get_task(name).target.shape == "tags"
    if get_task(name).target.shape == "numbers":
        assert set(re.findall(r"'(\w+)': -?\d+\.\d+", out)) == set(labels)
        assert all(f"{label} " in lines[0] for label in labels)
    elif get_task(name).target.shape != "tags":
        assert any(label in out for label in (labels or ("one", "two", "three"))) or out == "[]\n"


def test_the_code_gives_the_labels_that_reach_their_thresholds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_of(tmp_path, "text-multi-label", *LABELS["flags"])
    ask = pipeline("text-classification", model=str(folder), device="cpu")
    scores = {row["label"]: row["score"] for row in ask("a text of yours", top_k=3)}
    middle = sorted(scores.values())[1]
    config = json.loads((folder / "config.json").read_text())
    config["thresholds"] = dict.fromkeys(scores, middle) | {max(scores, key=scores.__getitem__): 1.0}
    (folder / "config.json").write_text(json.dumps(config))
    code = usage.example(get_task("text-multi-label"), str(folder))
    reached = [label for label, score in scores.items() if score == middle]
    assert said(code, [], monkeypatch, tmp_path / "x.py") == f"{reached}\n"


@every
def test_every_score_is_proved(name: str, labels: tuple[str, ...], pair: bool, tmp_path: Path) -> None:
    folder = model_of(tmp_path, name, *labels, pair=pair)
    task = open_checkpoint(folder).task
    assert task is get_task(name)
    assert task_of(read_json(folder / "config.json"), "there").target is task.target
    samples = synthetic_samples(task.modality.name)
    found = answers(folder, task, samples)
    assert len(found) == len(samples) and all(found)
    if task.target.shape == "tags":
        assert {key.split()[1] for scores in found for key in scores} <= set(TAGS)
    else:
        assert all(len(scores) == len(labels or ("one", "two", "three")) for scores in found)
    assert not disagreement(found, found)
    key = next(iter(found[0]))
    other = [{**found[0], key: found[0][key] + 1e-3}, *found[1:]]
    assert "sample 1 is off" in disagreement(found, other)


def test_pairs_are_compared_as_two_texts(tmp_path: Path) -> None:
    folder = model_of(tmp_path, "text-regression", "score", pair=True)
    task = get_task("text-regression")
    one, swapped, alone = (
        answers(folder, task, samples) for samples in ([["no", "the"]], [("the", "no")], ["no", "the"])
    )
    assert one[0] != swapped[0] and one[0] == alone[0] and swapped[0] == alone[1]


def test_large_numbers_are_compared_by_their_size() -> None:
    assert not disagreement([{"price": 100_000.0}], [{"price": 100_000.5}])
    assert "off by" in disagreement([{"price": 100_000.0}], [{"price": 100_002.0}])
    assert not disagreement([{}], [{}])


def test_every_shape_of_label_has_code_and_words() -> None:
    shapes = {target.shape for target in TARGETS}
    assert shapes == set(usage.CODES) == set(ABOUT)


@pytest.mark.parametrize(
    ("run", "pipeline_tag", "phrases", "absent"),
    [
        (
            multi_label(),
            "text-classification",
            ("Gives texts any of 4 labels", "| joy | 0.800 | 0.700 | 0.750 | 0.800 | 0.310 | 80 |", "its threshold"),
            ("Sorts", "## Confusion"),
        ),
        (
            regression(),
            "image-classification",
            ("Answers images with a number", "## Numbers\n\n`angle`", "| angle | 8.432 |", "(true_and_predicted.png)"),
            ("| label |", "| angle | 800 |"),
        ),
        (
            entities(),
            "token-classification",
            ("Finds entities of 3 kinds", "`creative-work`", 'aggregation_strategy="first"', "| kind | entities |"),
            ("`B-person`", "Sorts"),
        ),
        (regression("score", task="text-regression", text_pair=True), "text-classification", ("pairs of texts",), ()),
    ],
    ids=["multi-label", "regression", "entities", "pairs"],
)
def test_the_card_of_each_kind(
    run: dict[str, Any], pipeline_tag: str, phrases: tuple[str, ...], absent: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "README.md"
    file.write_text(card({**run, "points": run.get("points") and {"angle": [[1, 2]]}}), encoding="utf-8")
    found = ModelCard.load(file)
    assert found.data.pipeline_tag == pipeline_tag
    assert {result.task_type for result in found.data.eval_results or ()} == {pipeline_tag}
    assert ("widget" in found.data) == (run["task"].startswith(("text", "token")) and not run.get("text_pair"))
    for phrase in phrases:
        assert phrase in found.text
    assert not [phrase for phrase in absent if phrase in found.text]
