"""The report of each kind of target: its own figures, tables, pictures and baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hftransfer.measures import MEASURES, headline, own, written
from hftransfer.results.pictures import curve_picture
from hftransfer.results.report import read_report
from hftransfer.results.scatter import has_points, points_picture
from hftransfer.results.views import VIEWS
from hftransfer.tasks import TARGETS

from .reports import STORIES, bounds, entities, multi_label, regression
from .test_pictures import INDIGO, share
from .test_report import HOSTILE, Elements, run
from .test_report import written as page_of


def text_of(folder: Path, facts: dict[str, Any]) -> str:
    return " ".join(Elements(page_of(folder, facts)).text.split())


def test_every_shape_of_label_has_words() -> None:
    assert set(VIEWS) == {target.shape for target in TARGETS}


def test_a_multi_label_report(tmp_path: Path) -> None:
    text = text_of(tmp_path, multi_label())
    for phrase in (
        "to give each row any of 4 labels",
        "71.0 % F1 (micro)",
        "Label Precision Recall F1 Average precision Threshold Rows joy 80.0 70.0 75.0 80.0 0.31 80",
        "no <b>feeling</b>",
        # Both of the first two labels for all of 200 rows: 140 right of 400 given, of 200 there are.
        "Always giving the 2 most frequent labels would get 46.7 %",
    ):
        assert phrase in text
    assert "What is taken for what" not in text and "Answers against the truth" not in text
    assert not (tmp_path / "confusion_matrix.png").exists()


def test_a_regression_report_is_in_the_numbers_own_unit(tmp_path: Path) -> None:
    text = text_of(tmp_path, regression())
    for phrase in (
        "to answer with a number",
        "8.432 Root mean squared error",
        "8.432 8.010 – 8.854",
        "Always answering with the mean would miss by 52.29, and have an R² of 0",
        "angle 8.432 52.29 6.300 0.974 0.988 0.986 200",
        "Answers against the truth",
    ):
        assert phrase in text
    figures = text.partition("Figures")[2].partition("Answers")[0]
    assert "%" not in figures.replace("95 %", "")
    assert (tmp_path / "true_and_predicted.png").is_file()
    assert read_report(tmp_path)["points"]["angle"][0][0] == pytest.approx(regression()["points"]["angle"][0][0])


def test_several_numbers_are_each_told_and_drawn(tmp_path: Path) -> None:
    one, several = tmp_path / "one", tmp_path / "several"
    one.mkdir(), several.mkdir()
    text_of(one, regression())
    text = text_of(several, regression("width", "高度"))
    assert "to answer with 2 numbers" in text and "高度 8.432 52.29" in text and "would miss by 52.29" in text
    assert (several / "true_and_predicted.png").stat().st_size > (one / "true_and_predicted.png").stat().st_size


def test_a_report_of_entities(tmp_path: Path) -> None:
    text = text_of(tmp_path, entities())
    for phrase in (
        "to find entities of 3 kinds",
        "67.8 % F1 (entities)",
        "Kind Precision Recall F1 Entities person 80.0",
    ):
        assert phrase in text
    assert "Always" not in text, "who marks nothing finds nothing: there is no baseline"


def test_a_run_that_went_on_says_what_was_before(tmp_path: Path) -> None:
    old = {"source": "old.csv", "before": {"f1_micro": bounds(0.9)}, "after": {"f1_micro": bounds(0.85)}}
    text = text_of(tmp_path, multi_label(before={"f1_micro": bounds(0.4), "map": bounds(0.5)}, forgetting=old))
    assert "mine.csv F1 (micro) 40.0 % 71.0 %" in text and "old.csv F1 (micro) 90.0 % 85.0 %" in text
    assert "What it was before" not in text_of(tmp_path, multi_label(before={}, forgetting=None))


@pytest.mark.parametrize("story", STORIES)
def test_any_fact_of_any_kind_may_be_absent(story: str, tmp_path: Path) -> None:
    facts = STORIES[story]()
    for name in facts:
        rest = {other: value for other, value in facts.items() if other not in (name, "history", "points")}
        assert "fine-tuned" in page_of(tmp_path, rest)


def test_names_of_numbers_become_no_markup_and_break_no_picture(tmp_path: Path) -> None:
    elements = Elements(page_of(tmp_path, regression(HOSTILE, "$\\frac$")))
    plain = Elements(page_of(tmp_path, run()))
    assert {tag for tag, _ in elements.tags} <= {tag for tag, _ in plain.tags}


def test_points_are_drawn_and_what_is_none_is_left_out(tmp_path: Path) -> None:
    points = {"a": [[1.0, 1.0]], "b": [[0.0, None], [2.0, 3.0]], "none": [[None, 1.0]]}
    points_picture(points, tmp_path / "light.png")
    points_picture({"a": np.zeros((2000, 2)).tolist()}, tmp_path / "dark.png", dark=True)
    assert share(tmp_path / "light.png", INDIGO) > 0
    assert has_points(points) and not has_points({"none": points["none"]}) and not has_points({})


def test_the_curve_shows_the_tasks_own_figure(tmp_path: Path) -> None:
    loss_alone = [{"step": step, "loss": 1 / step, "eval_loss": 1 / step, "eval_runtime": 3.0} for step in range(1, 4)]
    curve_picture(loss_alone, tmp_path / "one.png")
    curve_picture([{**record, "eval_r2": -3.0} for record in loss_alone], tmp_path / "two.png")
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "two.png") as two:
        assert two.height > one.height


def test_the_headline_is_the_figure_that_says_most() -> None:
    for names, first in (
        (("f1_macro", "accuracy", "roc_auc"), "accuracy"),
        (("map", "f1_macro", "f1_micro"), "f1_micro"),
        (("r2", "pearson", "mae", "rmse"), "rmse"),
        (("recall", "precision", "f1"), "f1"),
        (("unknown",), "unknown"),
        ((), None),
    ):
        assert headline(names) == first
    assert {target.best for target in TARGETS} <= set(MEASURES)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("accuracy", 0.8, "80.0%"),
        ("r2", -1.5, "-1.500"),
        ("rmse", 12.3456, "12.35"),
        ("mae", 1234567.8, "1,234,568"),
        ("mae", 0.01234, "0.01234"),
        ("unknown", 3.25, "3.250"),
        ("f1", None, ""),
    ],
)
def test_figures_are_written_by_their_kind(name: str, value: float | None, text: str) -> None:
    assert written(name, value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0.000"), (-7, "-7.000"), (1e-9, "1.000e-09"), (5e20, "5.000e+20")])
def test_numbers_of_any_size_are_short(value: float, text: str) -> None:
    assert own(value) == text
