"""True against predicted numbers, and by how much they miss: a row of two panels a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator

from .lettering import letter
from .pictures import DARK, LIGHT, Paper, save

MOST = 8  # numbers that are drawn
BINS = 31  # of the misses: an odd number has one around nought
Points = Mapping[str, Sequence[Sequence[float | None]]]


def has_points(points: Points) -> bool:
    return any(len(_pairs(found)) for found in points.values())


def points_picture(points: Points, path: Path, *, dark: bool = False) -> None:
    """Draw the points of a report as a PNG.

    Args:
        points: of each number, pairs of its true and its predicted value.
        path: where to write.
        dark: for dark pages.
    """
    paper = DARK if dark else LIGHT
    drawn = {name: pairs for name, found in points.items() if len(pairs := _pairs(found))}
    names = list(drawn)[:MOST]
    figure = Figure(figsize=(7.4, 3.5 * len(names) + 0.2), facecolor=paper.ground, layout="constrained")
    rows = figure.subplots(len(names), 2, squeeze=False)
    lettering = letter(names)
    font = FontProperties(family=list(lettering.families), size=11)
    for name, shown, (left, right) in zip(names, lettering.shown, rows, strict=True):
        _scatter(left, drawn[name], paper)
        _misses(right, drawn[name], paper)
        left.set_title(shown, loc="left", color=paper.ink, fontproperties=font, parse_math=False)
    save(figure, path)


def _pairs(found: Sequence[Sequence[float | None]]) -> np.ndarray:
    """The pairs that are whole, [points, 2]."""
    pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
    return pairs[np.isfinite(pairs).all(axis=1)]


def _scatter(axes: Axes, pairs: np.ndarray, paper: Paper) -> None:
    """Both axes reach alike, so that the line of right answers is the diagonal."""
    low, high = float(pairs.min()), float(pairs.max())
    room = 0.04 * (high - low) or 0.5
    reach = (low - room, high + room)
    _frame(axes, paper)
    axes.plot(reach, reach, color=paper.muted, linewidth=1, linestyle=(0, (3, 3)))
    size, see_through = (22, 0.75) if len(pairs) <= 150 else (10, 0.45)
    axes.scatter(pairs[:, 0], pairs[:, 1], s=size, color=paper.hue, alpha=see_through, linewidths=0)
    axes.set(xlim=reach, ylim=reach, aspect="equal")
    axes.set_xlabel("true", color=paper.muted, fontsize=10)
    axes.set_ylabel("predicted", color=paper.muted, fontsize=10)


def _misses(axes: Axes, pairs: np.ndarray, paper: Paper) -> None:
    missed = pairs[:, 1] - pairs[:, 0]
    far = float(np.abs(missed).max()) or 0.5
    _frame(axes, paper)
    axes.hist(missed, bins=np.linspace(-far, far, BINS + 1).tolist(), color=paper.hue, rwidth=0.86)
    axes.axvline(0, color=paper.muted, linewidth=1, linestyle=(0, (3, 3)))
    axes.set(xlim=(-far, far))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.set_xlabel("predicted minus true", color=paper.muted, fontsize=10)
    axes.set_ylabel("rows", color=paper.muted, fontsize=10)


def _frame(axes: Axes, paper: Paper) -> None:
    axes.set_facecolor(paper.ground)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=paper.muted, labelsize=9)
    axes.grid(color=paper.rule, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
