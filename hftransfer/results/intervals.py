"""95 % bootstrap intervals: how far a figure might move with other rows.

The rows are drawn again with replacement, the figure is taken anew, and the middle
95 % of what comes out is the interval (the percentile method: Efron & Tibshirani,
*An Introduction to the Bootstrap*, 1993, chapter 13). It sees the luck of the rows
alone: not another seed's training, and a model without one error gets no width.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..values import Interval

RESAMPLES = 1000
FEWEST = 100
AT_ONCE = 4_000_000  # numbers of a block of resamples: a few tens of MB


def interval(value: float, samples: np.ndarray) -> Interval:
    """The figure with the middle 95 % of its resampled values [R].

    NaNs are resamples that the figure does not exist for. Bounds that exclude the
    figure are widened to it: few rows a label make resamples lean to one side.
    """
    samples = samples[np.isfinite(samples)]
    low, high = np.percentile(samples, (2.5, 97.5)) if len(samples) else (value, value)
    return Interval(float(value), float(min(low, value)), float(max(high, value)))


def resampled_counts(counts: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Draw as many rows again as `counts` [K] holds; blocks of [R, K] new counts, `RESAMPLES` in all."""
    generator = np.random.default_rng(seed)
    rows = int(counts.sum())
    step = max(1, AT_ONCE // len(counts))
    for start in range(0, RESAMPLES, step):
        yield generator.multinomial(rows, counts / rows, size=min(step, RESAMPLES - start))


def resampled_rows(rows: int, resamples: int, seed: int) -> list[np.ndarray]:
    """How often each row is drawn: blocks of [rows, at most 64] bytes, `resamples` columns in all."""
    generator = np.random.default_rng(seed)

    def draw() -> np.ndarray:
        # A count above 255 has no chance worth the name, and bytes keep many rows small.
        return np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.uint8)

    sizes = [min(64, resamples - start) for start in range(0, resamples, 64)]
    return [np.stack([draw() for _ in range(size)], axis=1) for size in sizes]


def affordable(work: int) -> int:
    """The resamples for a figure that costs `work` operations each: 1,000, falling to 100 above a million."""
    return min(RESAMPLES, max(FEWEST, 100_000_000 // max(work, 1)))
