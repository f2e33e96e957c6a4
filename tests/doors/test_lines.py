"""Results of every task as lines to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hftransfer.cli.commands import cli
from hftransfer.cli.options import GROUPS
from hftransfer.data import check
from hftransfer.recipe import STRATEGIES
from hftransfer.terminal import lines

from ..results.reports import bounds, entities, multi_label, regression

TEXT = "Ada went to New York."
ADA = {"label": "person", "text": "Ada", "start": 0, "end": 3, "score": 0.9}
YORK = {"label": "place", "text": "New York", "start": 12, "end": 20, "score": 0.8}


@pytest.mark.parametrize(
    ("prediction", "score", "given", "line"),
    [
        ("good", 0.873, "a text", "good  87.3%  a text"),
        (["joy", "anger"], 0.9, "a text", "joy, anger  90.0%  a text"),
        ([], 0.1, "a text", "no label  10.0%  a text"),
        (3.14159, None, "a.png", "3.142  a.png"),
        ({"width": 2.0, "height": -31.5}, None, "a.png", "width 2.000, height -31.50  a.png"),
        ([YORK, ADA], None, TEXT, "[Ada: person] went to [New York: place]."),
        ([ADA], 0.9, TEXT, "[Ada: person] went to New York."),
        ([], None, TEXT, TEXT),
        (4.5, None, ["one", "another"], "4.500  one | another"),
    ],
)
def test_an_answer_is_a_line(prediction: Any, score: float | None, given: Any, line: str) -> None:
    answer = {"input": given, "prediction": prediction, "score": score, "scores": {}, "unfamiliar": None}
    assert lines.predicted(answer) == line


def report(run: dict[str, Any]) -> dict[str, Any]:
    return {"rows": 200, "metrics": run["metrics"], "per_label": run["per_label"]}


def test_figures_stand_in_their_own_unit() -> None:
    assert "  f1_micro             71.0%   (66.0% to 76.0%)" in lines.evaluated(report(multi_label()))
    assert "average precision 0.80  threshold 0.31  of 80" in lines.evaluated(report(multi_label()))
    told = lines.evaluated(report(regression()))
    assert "  rmse                 8.432   (8.010 to 8.854)" in told and "%)" not in told
    assert "angle" in told and "r2 0.974" in told
    assert "creative-work" in lines.evaluated(report(entities()))


def test_a_run_of_numbers_is_told() -> None:
    told = lines.trained({**regression(), "metrics": {"r2": bounds(0.5), "rmse": bounds(8.0)}})
    assert told.index("rmse") < told.index("r2"), "the headline comes first"


def test_numbers_are_told_by_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,score\n" + "".join(f"a text of {n} days,{n / 10}\n" for n in range(101)))
    found = check(tmp_path / "t.csv")
    (spread,) = found["numbers"].values()
    assert spread["quarters"] == [0.0, 2.5, 5.0, 7.5, 10.0] and sum(spread["counts"]) == 101
    told = lines.checked(found)
    assert "from 0 to 10, half of them between 2.5 and 7.5, the middle one 5" in told


def test_help_lists_the_choices_by_group_with_what_none_means(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["train", "-h"], standalone_mode=False)
    told = " ".join(capsys.readouterr().out.split())
    parts = [told.index(f" {title}: -") for title in ("Options", *GROUPS.values())]
    assert parts == sorted(parts) and told.index("--backbone") > told.index(" Model: -")
    assert "such as 90s, 10m or 2h. [default: unlimited]" in told and "For --pseudo-label. [default: 0.95]" in told
    assert all(f"{name}: {does}" in told for name, does in STRATEGIES.items() if "-" not in name)  # which break


def test_a_finished_comparison_is_told() -> None:
    one = {"backbone": "b/one", "score": 0.9, "low": 0.8, "high": 1.0, "size_mb": 9.0, "latency_ms": 3.0, "seconds": 2}
    result = {"candidates": [one], "choice": "b/one", "why": "it is quick", "metric": "accuracy", "rows": 40}
    told = {"job": "j", "kind": "recommend", "state": "done", "stage": "train", "step": 0, "steps": 0, "metrics": {}}
    shown = lines.job({**told, "error": None, "result": result, "output": None})
    assert "b/one: it is quick" in shown and "90.0%" in shown
