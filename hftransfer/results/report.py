"""A run's report: `report.json` for programs, a page and two pictures for people."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SourceError, SourceMissing
from .page import render
from .pictures import confusion_picture, curve_picture, has_curve
from .scatter import has_points, points_picture

REPORT = "report.json"
PAGE = "report.html"
CONFUSION = "confusion_matrix.png"
CURVE = "learning_curve.png"
POINTS = "true_and_predicted.png"

# What the reader wants first comes first; names not listed follow by alphabet.
ORDER = (
    "model",
    "task",
    "backbone",
    "backbone_revision",
    "strategy",
    "tried",
    "source",
    "labels",
    "evaluated_on",
    "rows",
    "metrics",
    "train_metrics",
    "advice",
    "before",
    "forgetting",
    "cross_validation",
    "pseudo_labelled",
    "per_label",
    "confusion",
    "points",
    "seconds",
    "peak_memory_mb",
    "notes",
    "problems",
    "recipe",
    "history",
    "versions",
)


def write_report(run: Mapping[str, Any], folder: Path) -> None:
    """Write report.json, report.html and, where there is something to draw, the pictures.

    Args:
        run: what `ORDER` names; whatever is absent is left out of the page. Metrics
            are {name: {value, low, high}}, `confusion` is [L][L] in the order of
            `labels`, `history` a list of {phase, step, loss?, eval_loss?, …}.
        folder: an existing folder.
    """
    facts = _plain(run)
    pictures: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="hftransfer-report-") as scratch:
        for name, (file, draw) in _drawn(facts).items():
            pictures |= {name: folder / file, f"{name}_dark": Path(scratch) / file}
            draw(pictures[name], dark=False)
            draw(pictures[f"{name}_dark"], dark=True)
        _write(folder / PAGE, render(facts, pictures))
    _write(folder / REPORT, json.dumps(_ordered(facts), ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def _drawn(facts: Mapping[str, Any]) -> dict[str, tuple[str, Callable[..., None]]]:
    """The pictures that there is something to draw for: each one's file, and how it is drawn there."""
    history, points = facts.get("history") or [], facts.get("points") or {}
    pictures = {
        "confusion": (CONFUSION, partial(confusion_picture, facts), facts.get("confusion") and facts.get("labels")),
        "points": (POINTS, partial(points_picture, points), has_points(points)),
        "curve": (CURVE, partial(curve_picture, history), has_curve(history)),
    }
    return {name: (file, draw) for name, (file, draw, there) in pictures.items() if there}


def read_report(folder: Path) -> dict[str, Any]:
    """The report that lies in a folder.

    Raises:
        SourceMissing: there is none.
        SourceError: it cannot be read, or holds something else.
    """
    path = folder / REPORT
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceMissing(
            "there is no report here",
            place=str(path),
            fix="give the folder of a model that was trained with hftransfer",
        ) from None
    except (OSError, ValueError) as error:
        raise SourceError(
            f"the report cannot be read: {error}", place=str(path), fix="restore the file, or train the model again"
        ) from error
    if not isinstance(report, dict):
        raise SourceError("the report holds no table of facts", place=str(path), fix="restore the file, or train again")
    return report


def _plain(value: Any) -> Any:
    """What JSON can say: values as mappings, NumPy's numbers as Python's, figures that are none as null."""
    if hasattr(value, "to_json"):
        value = value.to_json()
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _ordered(facts: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in ORDER if name in facts] + sorted(set(facts) - set(ORDER))
    return {name: facts[name] for name in names}


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
