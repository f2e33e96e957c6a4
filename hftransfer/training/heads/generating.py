"""Features drawn for classes of few rows, from Gaussians that are calibrated by the other classes.

After Yang, Liu and Xu 2021, "Free Lunch for Few-Shot Learning: Distribution Calibration"
(https://arxiv.org/abs/2101.06395): a few rows say roughly where a class lies and nothing of
its spread; classes near it that have rows enough know more of both. Here those classes are of
the same data; where it has none, the spread is that of all classes' rows around their means.
Drawn rows are features alone: nothing but the head that is solved on them ever sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import RecipeError
from ...recipe import Recipe
from ...tasks import Task
from .solving import Split

NEAREST = 2  # classes that a class's spread is borrowed from, as in the paper
LEAST_FILLED = 10  # rows of a class that others may borrow from
ROOT = 0.5  # Tukey's power for features that are never negative, which it makes nearly normal
RESIDUALS = 2000  # rows that a spread is told by, at most
AT_ONCE = 1000  # rows that are drawn: each takes a number for every residual


@dataclass(frozen=True)
class Gaussian:
    """A mean [width], and a covariance as shares of those of some residuals [rows, width] around nought."""

    mean: np.ndarray
    spreads: tuple[tuple[float, np.ndarray], ...]

    def draw(self, rows: int, chance: np.random.Generator) -> np.ndarray:
        """Normal combinations of residuals have exactly their covariance, and no matrix need be made of it."""
        found = np.tile(self.mean, (rows, 1))
        for share, residuals in self.spreads:
            size = (share / len(residuals)) ** 0.5
            for part in np.array_split(found, range(AT_ONCE, rows, AT_ONCE)):
                part += size * chance.standard_normal((len(part), len(residuals)), dtype=np.float32) @ residuals
        return found


def refuse_generating(task: Task, recipe: Recipe) -> None:
    """Raises RecipeError where rows are to be drawn for labels that are no classes of rows."""
    if recipe.generate is not None and task.target.shape != "class":
        raise RecipeError(
            f"{task.name} has no classes that rows could be drawn for", place="--generate", fix="leave it out"
        )


def lacking(labels: np.ndarray, least: int) -> dict[int, int]:
    """How many rows are to be drawn for each class that has some, but fewer than `least`."""
    found, counts = np.unique(labels, return_counts=True)
    if counts.max() < 2:
        return {}  # nothing says how far rows lie from each other
    return {int(label): int(least - count) for label, count in zip(found, counts, strict=True) if count < least}


def with_drawn(split: Split, least: int, seed: int) -> Split:
    """The split with rows drawn for each class that has fewer than `least`, after its own."""
    wanted = lacking(split.labels, least)
    if not wanted:
        return split
    power = ROOT if split.features.min() >= 0 else 1.0
    seen = split.features**power
    chance = np.random.default_rng(seed)
    drawn = [
        gaussian.draw(rows, chance)
        for rows, gaussian in zip(wanted.values(), calibrated(seen, split.labels, list(wanted), least), strict=True)
    ]
    features = np.concatenate(drawn) if power == 1.0 else np.maximum(np.concatenate(drawn), 0.0) ** (1 / power)
    labels = np.repeat(list(wanted), list(wanted.values())).astype(split.labels.dtype)
    whole = np.concatenate([split.features, features.astype(split.features.dtype)])
    return Split(whole, np.concatenate([split.labels, labels]))


def calibrated(features: np.ndarray, labels: np.ndarray, small: Sequence[int], least: int) -> list[Gaussian]:
    """The Gaussian of each class of few rows."""
    found, place = np.unique(labels, return_inverse=True)
    means = np.stack([features[place == at].mean(0) for at in range(len(found))])
    residuals = _unbiased(features - means[place], place)
    counts = np.bincount(place)
    filled = np.flatnonzero(counts >= max(least, LEAST_FILLED))
    pooled = residuals[counts[place] > 1]
    return [
        _calibrated(means, residuals, place, int(counts[at]), int(at), filled, pooled)
        for at in np.searchsorted(found, small)
    ]


def _calibrated(
    means: np.ndarray,
    residuals: np.ndarray,
    place: np.ndarray,
    rows: int,
    at: int,
    filled: np.ndarray,
    pooled: np.ndarray,
) -> Gaussian:
    """The class's own mean counts its rows, each near class one more: as in the paper, where a class has one.

    The near classes' spread is trusted by how many rows tell it, against its width.
    """
    near = filled[np.argsort(((means[filled] - means[at]) ** 2).sum(1))[:NEAREST]]
    mean = (rows * means[at] + means[near].sum(0)) / (rows + len(near))
    borrowed = residuals[np.isin(place, near)]
    share = len(borrowed) / (len(borrowed) + residuals.shape[1])
    spreads = [(share, borrowed), (1 - share, pooled)]
    return Gaussian(mean, tuple((part, _some(told)) for part, told in spreads if part > 0))


def _unbiased(residuals: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Residuals around a class's own mean are too small by what that mean took of them."""
    counts = np.bincount(place)[place]
    return residuals * np.sqrt(counts / np.maximum(counts - 1, 1))[:, None].astype(residuals.dtype)


def _some(rows: np.ndarray) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, min(RESIDUALS, len(rows))).astype(int)]
