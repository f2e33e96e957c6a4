"""The confusion matrix and the learning curve, drawn calmly: one hue, light or dark paper.

Figures are made without pyplot, whose global state is not safe between threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..measures import MEASURES, SHARE, headline, measure
from ..tasks import TARGETS
from ..values import Report
from .lettering import letter

NUMBERED = 30  # cells carry their counts up to so many labels
NAMED = 25  # above that, about so many labels are named on an axis


@dataclass(frozen=True)
class Paper:
    """Colours: `hue` is the accent, `pale` its quiet companion, `empty` a cell without rows."""

    ground: str
    ink: str
    muted: str
    rule: str
    hue: str
    pale: str
    on_hue: str
    empty: str


LIGHT = Paper("#ffffff", "#1e1b2e", "#6b7280", "#e5e7eb", "#4f46e5", "#a5b4fc", "#ffffff", "#f4f4fb")
DARK = Paper("#191822", "#ecebf5", "#9a99ab", "#34323f", "#8b86f5", "#6562a8", "#12111a", "#232130")


def confusion_picture(report: Report | Mapping[str, Any], path: Path, *, dark: bool = False) -> None:
    """Draw a confusion matrix as a PNG: colour is the share of the true label's rows.

    Args:
        report: a report, or a mapping with its `labels` and `confusion` [L][L].
        path: where to write.
        dark: for dark pages.
    """
    labels, rows = (report.labels, report.confusion) if isinstance(report, Report) else _pair(report)
    matrix, paper = np.asarray(rows, dtype=np.int64), DARK if dark else LIGHT
    side = min(9.0, max(3.6, 2.4 + 0.46 * len(labels)))
    figure, axes = _sheet(side, side, paper)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    few = len(labels) <= NUMBERED
    # The square root keeps a rare confusion visible beside a full diagonal.
    axes.pcolormesh(
        np.sqrt(shares), cmap=_shades(paper), vmin=0, vmax=1, edgecolors=paper.ground, linewidth=1.5 if few else 0
    )
    axes.set(aspect="equal")
    axes.invert_yaxis()
    _name_axes(axes, labels, paper)
    if few:
        _number(axes, matrix, shares, paper, size=min(11.0, 190 / max(len(labels), 14)))
    save(figure, path)


def curve_picture(history: Sequence[Mapping[str, Any]], path: Path, *, dark: bool = False) -> None:
    """Draw the losses, and below them what was best of validation's figures where one was measured, as a PNG.

    Args:
        history: {phase, step, loss?, eval_loss?, eval_FIGURE?, …} as training went;
            where steps start anew with a phase, the phases are laid end to end.
        path: where to write.
        dark: for dark pages.
    """
    paper, (records, borders) = DARK if dark else LIGHT, _end_to_end(history)
    name = _measured(records)
    best = _line(records, f"eval_{name}")
    titles = ("Loss", f"{measure(name).title} on validation") if name else ("Loss",)
    figure = Figure(figsize=(6.2, 0.8 + 2.2 * len(titles)), facecolor=paper.ground, layout="constrained")
    panels = figure.subplots(len(titles), 1, sharex=True, squeeze=False)[:, 0]
    _plot(panels[0], _line(records, "loss"), "training", paper.pale, marked=False)
    _plot(panels[0], _line(records, "eval_loss"), "validation", paper.hue, marked=True)
    _plot(panels[-1], best, "validation", paper.hue, marked=True)
    for panel, title in zip(panels, titles, strict=True):
        rule(panel, title, borders, paper)
    panels[0].set(xlim=(0, None), ylim=(0, None))
    panels[-1].set_xlabel("step", color=paper.muted, fontsize=10)
    if name and measure(name).kind == SHARE:
        panels[1].yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))
    place: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.99), "borderaxespad": 0.0}
    panels[0].legend(frameon=False, labelcolor=paper.muted, fontsize=10, ncols=2, **place)
    save(figure, path)


def _measured(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The figure besides the loss that validation was measured by: the one that the best model was kept by first."""
    names = dict.fromkeys(name.removeprefix("eval_") for record in records for name in record if "eval_" in name)
    drawn = [name for name in names if name in MEASURES and _line(records, f"eval_{name}")]
    return next((target.best for target in TARGETS if target.best in drawn), headline(drawn))


def has_curve(history: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there is a loss to draw."""
    records, _ = _end_to_end(history)
    return bool(_line(records, "loss") or _line(records, "eval_loss"))


def _pair(report: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[Sequence[int]]]:
    return report["labels"], report["confusion"]


def _sheet(width: float, height: float, paper: Paper) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), facecolor=paper.ground, layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor(paper.ground)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=paper.muted)
    return figure, axes


def _shades(paper: Paper) -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("hue", [paper.empty, paper.hue])


def _name_axes(axes: Axes, labels: Sequence[str], paper: Paper) -> None:
    lettering = letter(labels)
    places = np.arange(0, len(labels), 1 if len(labels) <= NUMBERED else math.ceil(len(labels) / NAMED))
    names = [lettering.shown[place] for place in places]
    slanted = len(labels) > 6 or max(map(len, names)) > 9
    font = FontProperties(family=list(lettering.families), size=10 if len(labels) <= 20 else 8)
    axes.set_xticks(places + 0.5, names)
    axes.set_yticks(places + 0.5, names)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set(fontproperties=font, color=paper.ink, parse_math=False)
    if slanted:
        for text in axes.get_xticklabels():
            text.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    axes.set_xlabel("label given", color=paper.muted, fontsize=10)
    axes.set_ylabel("true label", color=paper.muted, fontsize=10)


def _number(axes: Axes, matrix: np.ndarray, shares: np.ndarray, paper: Paper, size: float) -> None:
    for row, column in np.argwhere(matrix > 0):
        colour = paper.on_hue if shares[row, column] > 0.3 else paper.ink
        text = f"{matrix[row, column]}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour, fontsize=size)


def _end_to_end(history: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[float]]:
    """Records whose steps run on from phase to phase, and the steps where a phase began."""
    records: list[dict[str, Any]] = []
    borders: list[float] = []
    offset, phase = 0.0, None
    for record in history:
        last = records[-1]["step"] if records else 0.0
        if records and record.get("phase") != phase:
            borders.append(last)
            offset = last if record.get("step", 0) <= last else 0.0
        phase = record.get("phase")
        records.append({**record, "step": offset + record.get("step", 0)})
    return records, borders


def _line(records: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    points = ((record["step"], record.get(name)) for record in records)
    return [(step, value) for step, value in points if isinstance(value, int | float) and math.isfinite(value)]


def _plot(axes: Axes, points: list[tuple[float, float]], name: str, colour: str, *, marked: bool) -> None:
    if points:
        marker = "o" if marked or len(points) == 1 else None
        axes.plot(*zip(*points, strict=True), color=colour, label=name, linewidth=2, marker=marker, markersize=4.5)


def rule(axes: Axes, title: str, borders: list[float], paper: Paper) -> None:
    axes.set_title(title, loc="left", color=paper.ink, fontsize=11)
    axes.set_facecolor(paper.ground)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=paper.muted, labelsize=10)
    axes.grid(axis="y", color=paper.rule, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    for border in borders:
        axes.axvline(border, color=paper.muted, linewidth=0.8, linestyle=(0, (2, 3)))


def save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=160, facecolor=figure.get_facecolor())
