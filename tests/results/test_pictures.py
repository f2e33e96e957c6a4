"""The pictures: that they are drawn whatever the labels, and say what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hftransfer.results import lettering
from hftransfer.results.lettering import LONGEST, letter
from hftransfer.results.pictures import confusion_picture, curve_picture, has_curve
from hftransfer.values import Report

INDIGO = (0x4F, 0x46, 0xE5)


def diagonal(labels: int, rows: int = 10) -> list[list[int]]:
    return (np.eye(labels, dtype=int) * rows).tolist()


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).reshape(-1, 3)


def share(path: Path, colour: tuple[int, int, int]) -> float:
    return float((pixels(path) == colour).all(axis=1).mean())


@pytest.mark.parametrize("labels", [1, 2, 10, 31, 100])
def test_a_confusion_matrix_of_any_size(labels: int, tmp_path: Path) -> None:
    path = tmp_path / "matrix.png"
    confusion_picture({"labels": [f"label {n}" for n in range(labels)], "confusion": diagonal(labels)}, path)
    with Image.open(path) as image:
        assert 500 <= image.width <= 1500 and image.width == image.height
    # A full diagonal is one labels-th of the square.
    assert 0.3 / labels < share(path, INDIGO) <= 1 / labels


def test_a_report_is_drawn_like_its_mapping(tmp_path: Path) -> None:
    report = Report(20, ("a", "b"), {}, {}, ((10, 0), (3, 7)))
    confusion_picture(report, tmp_path / "one.png")
    confusion_picture({"labels": ["a", "b"], "confusion": [[10, 0], [3, 7]]}, tmp_path / "two.png")
    assert np.array_equal(pixels(tmp_path / "one.png"), pixels(tmp_path / "two.png"))


def test_dark_paper_is_dark(tmp_path: Path) -> None:
    confusion_picture({"labels": ["a", "b"], "confusion": diagonal(2)}, tmp_path / "dark.png", dark=True)
    assert pixels(tmp_path / "dark.png")[0].max() < 60


ODD = [
    "退款",
    "物流 🚚",
    "$x^2$",
    "$\\frac$",
    "<img onerror=x>",
    "",
    "two\nlines\tand tabs",
    "long " * 20,
    "مرحبا",
    "한국어",
]


def test_odd_labels_are_drawn_without_a_warning(tmp_path: Path) -> None:
    confusion_picture({"labels": ODD, "confusion": diagonal(len(ODD))}, tmp_path / "odd.png")
    assert share(tmp_path / "odd.png", INDIGO) > 0


def test_labels_that_no_font_can_write_become_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "WIDER", ())
    found = letter(["cat", "猫", "café"])
    assert (found.shown, found.numbered) == (("cat", "no. 2", "café"), (2,))
    confusion_picture({"labels": ["cat", "猫", "café"], "confusion": diagonal(3)}, tmp_path / "numbers.png")


def test_long_labels_are_cut_and_lines_joined() -> None:
    cut, joined = letter(["a" * 50, "one\n two"]).shown
    assert len(cut) == LONGEST and cut.endswith("…")
    assert joined == "one two"


HISTORY = [
    {"phase": "head", "step": 1, "loss": 2.0, "eval_loss": 2.1, "eval_accuracy": 0.4},
    {"phase": "head", "step": 2, "loss": float("nan")},
    {"phase": "full", "step": 1, "loss": 1.0, "eval_loss": 1.2, "eval_accuracy": 0.7},
]


def test_a_learning_curve(tmp_path: Path) -> None:
    curve_picture(HISTORY, tmp_path / "curve.png")
    curve_picture([{"step": 1, "loss": 3.0}], tmp_path / "short.png")
    assert share(tmp_path / "curve.png", INDIGO) > 0
    with Image.open(tmp_path / "curve.png") as both, Image.open(tmp_path / "short.png") as loss_alone:
        assert both.height > loss_alone.height


@pytest.mark.parametrize(
    ("history", "drawn"),
    [
        (HISTORY, True),
        ([{"step": 1, "eval_loss": 1.0}], True),
        ([], False),
        ([{"step": 1, "loss": None}, {"step": 2, "loss": float("inf")}, {"eval_accuracy": 0.5}], False),
    ],
)
def test_a_curve_needs_a_loss(history: list[dict[str, float]], drawn: bool) -> None:
    assert has_curve(history) is drawn
