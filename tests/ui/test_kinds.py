"""What the pages show of each kind of target, as HTML and as CSV: whatever a user wrote stays text."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hftransfer.jobs.states import Job, State
from hftransfer.tasks import TARGETS, TASKS
from hftransfer.ui import pieces
from hftransfer.ui.data import understood
from hftransfer.ui.marked import COLOURS, kinds_of, marked, short
from hftransfer.ui.train import step as train_step
from hftransfer.ui.trial import answers
from hftransfer.ui.trial.about import About
from hftransfer.ui.trial.table import TOLD, WRITTEN, as_csv, table
from hftransfer.ui.words import EN, say

from ..results.reports import FEELINGS, KINDS, entities, multi_label, regression

HOSTILE = '<img src=x onerror="alert(1)">'
TEXT = f"Ada of {HOSTILE} saw Paris"
FOUND = [
    {"label": "place", "text": "Paris", "start": TEXT.index("Paris"), "end": len(TEXT), "score": 0.7},
    {"label": HOSTILE, "text": HOSTILE, "start": 7, "end": 7 + len(HOSTILE), "score": 0.6},
    {"label": "person", "text": "Ada", "start": 0, "end": 3, "score": 0.9},
]


class Seen(HTMLParser):
    """Every element with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.parts).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.tags if name == tag]


def job(result: dict[str, Any], model: str | None = None) -> Job:
    return Job(id="j", owner="ann", key="k", kind="train", name="mine", state=State.DONE, output=model, result=result)


def answered(prediction: Any, score: float | None = None, scores: dict[str, float] | None = None, given: Any = TEXT):
    return {"input": given, "prediction": prediction, "score": score, "scores": scores or {}, "unfamiliar": None}


def test_every_shape_and_every_task_is_shown() -> None:
    shapes = {target.shape for target in TARGETS}
    for rows in (answers.CARDS, TOLD, WRITTEN, understood.LABELS, pieces.AMOUNTS):
        assert set(rows) == shapes
    assert {f"task.{name}" for name in TASKS} <= set(EN)
    assert {f"metric.{target.best}" for target in TARGETS} <= set(EN)


def test_labels_that_reach_their_thresholds_are_chosen_and_marked() -> None:
    about = About(shape="flags", thresholds={"joy": 0.3, HOSTILE: 0.8})
    scores = {"joy": 0.4, HOSTILE: 0.7, "awe": 0.5}
    seen = Seen(answers.card(answered(["awe", "joy"], 0.7, scores), about, 0.5))
    assert seen.text.startswith("awejoyThose that reach")
    ticks = {given["title"]: given["style"] for given in seen.of("s")}
    assert ticks == {"0.30": "left:30.0%", "0.80": "left:80.0%", "0.50": "left:50.0%"}
    short_of = [given for given in seen.of("i") if "hft-short" in str(given.get("class"))]
    assert len(short_of) == 1 and not seen.of("img")
    assert "No label" in Seen(answers.card(answered([], 0.2, scores), about, 0.5)).text


def test_a_number_lies_on_the_scale_of_those_that_were_measured() -> None:
    about = About(shape="numbers", reach={"angle": (-90.0, 90.0)})
    seen = Seen(answers.card(answered(45.0, scores={"angle": 45.0}), about, 0.5))
    assert seen.of("i")[0]["style"] == "left:75.0%" and seen.text.startswith("45angle-90")
    beyond = Seen(answers.card(answered(500.0, scores={"angle": 500.0}), about, 0.5))
    assert beyond.of("i")[0]["style"] == "left:100.0%"
    several = Seen(answers.card(answered({"a": 1.0, HOSTILE: 2.0}, scores={"a": 1.0, HOSTILE: 2.0}), about, 0.5))
    assert HOSTILE in several.text and not several.of("img") and not several.of("i")


def test_entities_are_marked_in_their_text() -> None:
    about = About(shape="tags", kinds=("person", "place"))
    seen = Seen(answers.card(answered(FOUND), about, 0.5))
    assert [given["class"] for given in seen.of("mark")] == ["hft-kind-0", "hft-kind-0", "hft-kind-1"]
    assert not seen.of("img") and seen.text.count(HOSTILE) == 4
    assert "Nothing was found" in Seen(answers.card(answered([]), about, 0.5)).text


def test_marks_that_overlap_lose_no_letter() -> None:
    both = [{"label": "a", "start": 0, "end": 4}, {"label": "b", "start": 2, "end": 6}]
    html = marked("abcdefgh", both, ["a", "b"])
    assert Seen(html.replace("<small>a</small>", "").replace("<small>b</small>", "")).text == "abcdefgh"
    kinds = [str(number) for number in range(COLOURS + 1)]
    assert "hft-kind-0" in marked("x", [{"label": str(COLOURS), "start": 0, "end": 1}], kinds)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_of_all_kinds() -> None:
    scores = {"joy": 0.9, "=awe": 0.2}
    (row,) = read(as_csv([answered(["joy"], 0.9, scores, "=cmd")], About(shape="flags"), 0.5))
    assert (row["input"], json.loads(row["prediction"]), row["score"]) == ("'=cmd", ["joy"], "0.900000")
    assert row["'=awe"] == "0.200000" and "unfamiliar" not in row
    (row,) = read(as_csv([answered(-7.5, None, {"angle": -7.5}, "a.png")], About(shape="numbers"), 0.5))
    assert row == {"input": "a.png", "prediction": "-7.500000", "error": ""}
    (row,) = read(as_csv([answered({"w": 1, "h": 2}, None, {"w": 1.0, "h": 2.0})], About(shape="numbers"), 0.5))
    assert (json.loads(row["prediction"]), row["w"], row["h"]) == ({"w": 1, "h": 2}, "1.000000", "2.000000")
    (row, error) = read(as_csv([answered(FOUND), {"input": "x", "error": "no"}], About(shape="tags"), 0.5))
    assert json.loads(row["prediction"]) == FOUND and error["error"] == "no"
    pairs = [answered(3.0, None, {"s": 3.0}, given) for given in ('["one", "two"]', ["one", "two"])]
    assert [(row["text"], row["text_pair"]) for row in read(as_csv(pairs, About(shape="numbers", pair=True), 0.5))] == [
        ("one", "two")
    ] * 2


def test_rows_of_all_kinds_are_shown() -> None:
    about = About(shape="tags", kinds=("person", "place"))
    seen = Seen(table([answered(FOUND), {"input": HOSTILE, "error": "no"}], about, 0.5, "link"))
    assert "Ada (person)" in seen.text and "Score" not in seen.text and not seen.of("img")
    pair = Seen(table([answered(3.0, None, {"s": 3.0}, [HOSTILE, "two"])], About("numbers", pair=True), 0.5, "link"))
    assert len(pair.of("q")) == 2 and HOSTILE in pair.text


def test_what_is_known_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"thresholds": {"joy": 0.3}, "text_pair": True}))
    about = About.of(job(multi_label(), str(tmp_path)))
    assert (about.shape, about.pair, about.threshold("joy"), about.threshold("awe")) == ("flags", True, 0.3, 0.5)
    points = {"angle": [[-3.0, 1.0], [None, 2.0], [4.0, 4.0]]}
    about = About.of(job(regression(points=points), str(tmp_path / "gone")))
    assert (about.images, about.reach, about.pair) == (True, {"angle": (-3.0, 4.0)}, False)
    assert About.of(job(entities())).kinds == KINDS == tuple(kinds_of(entities()["labels"]))
    assert About.of(None) == About()


@pytest.mark.parametrize(
    ("run", "figure", "name"),
    [
        (multi_label(), "71.0%", "F1 (micro)"),
        (regression(), "8.432", "root mean squared error"),
        (entities(), "67.8%", "F1 of"),
    ],
)
def test_a_run_shows_the_figure_of_its_task(run: dict[str, Any], figure: str, name: str) -> None:
    done = job(run)
    assert figure in pieces.ended(done) and name in pieces.ended(done) and figure in pieces.runs([done])


def test_a_run_shows_what_it_did_beside_its_figure() -> None:
    """What was asked for beside the training, and what is to be known of the figure, but for what the data told."""
    crossed = {"folds": 5, "rows": 34, "metrics": {"accuracy": {"value": 0.81, "low": 0.7, "high": 0.9}}}
    noted = {"notes": ["known", "the rows that are reported"], "problems": [{"message": "known"}]}
    run = {"cross_validation": crossed, "pseudo_labelled": {"rows": 3, "unlabelled": 1040}, **noted}
    shown = Seen(pieces.ended(job({"metrics": {"accuracy": {"value": 0.8, "low": 0.7, "high": 0.9}}, **run}))).text
    assert "5 folds over 34 rows: accuracy 81.0% (70.0% – 90.0%)" in shown
    assert "Examples without labels: 1,040. Joined the training rows: 3." in shown
    assert "The rows that are reported" in shown and "nown" not in shown


def test_the_curve_is_that_of_the_task() -> None:
    lines = {"loss": [(1, 1.0)], "eval_r2": [(1, -9.0), (2, 0.5)], "eval_accuracy": []}
    plot = train_step._best(lines, [0, 2])
    assert plot.title == "R² on validation" and plot.y_lim == [train_step.LEAST, 1]


def test_the_data_card_of_each_kind() -> None:
    spread = {"quarters": [0.0, 2.5, 5.0, 7.5, 10.0], "counts": [1, 0, 4]}
    found = {"task": "text-regression", "rows": 5, "labels": {"score": 5}, "problems": [], "numbers": {"score": spread}}
    numbers = Seen(understood.card(job({**found, "examples": {"score": [{"value": 2.5, "input": [HOSTILE, "b"]}]}})))
    assert "5 examples · a number each" in numbers.text and "half of them between 2.5 and 7.5" in numbers.text
    assert HOSTILE in numbers.text and not numbers.of("img") and len(numbers.of("q")) == 2
    flags = {"task": "text-multi-label", "rows": 9, "labels": dict.fromkeys(FEELINGS, 3), "problems": []}
    assert "9 examples · 4 labels" in Seen(understood.card(job({**flags, "examples": {"joy": [["a", "b"]]}}))).text
    tags = {"task": "token-classification", "rows": 9, "labels": {"person": 3, HOSTILE: 1}, "problems": []}
    example = {"input": TEXT, "entities": [{key: one[key] for key in ("label", "start", "end")} for one in FOUND]}
    seen = Seen(understood.card(job({**tags, "examples": {"person": [example]}})))
    assert "9 examples · 2 kinds of entities" in seen.text and len(seen.of("mark")) == 3 and not seen.of("img")
    assert say("data.kind") in pieces.summary("mine", {**tags, "labels": {"person": 3}})


def test_pictures_of_numbers_are_those_of_the_check() -> None:
    found = {"task": "image-regression", "rows": 5, "labels": {"a": 5}, "problems": [], "numbers": {}}
    spread = {"quarters": [0.0] * 5, "counts": [0]}
    shown = {**found, "numbers": {"a": spread}, "examples": {"a": [{"value": 1.0, "input": "0-0.jpg"}]}}
    assert Seen(understood.card(job(shown))).of("img")[0]["src"] == "picture/check/j/0-0.jpg?key=k"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-31.25, "-31.25"), (1234567.0, "1,234,567"), (2e20, "2.000e+20")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text
