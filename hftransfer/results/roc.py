"""The area under the ROC curve, by ranks, with a bootstrap over weighted rows.

The area is the chance that a row of the label scores above a row of another, ties
counting half (Hanley & McNeil, 1982). Scores are sorted once; a resample only
changes how much each row weighs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ..values import Interval
from .intervals import affordable, interval, resampled_rows


def roc_auc(scores: np.ndarray, truth: np.ndarray, seed: int) -> Interval | None:
    """Of two labels, the second's area; of more, the mean of one against the rest over labels that occur.

    Args:
        scores: [N, L] float32.
        truth: [N] label numbers.

    Returns:
        None where there is none: a single label occurs, or a score is not finite.
        The interval is of 1,000 resamples, of fewer (at least 100) above 100,000 rows times labels.
    """
    present = np.unique(truth)
    if len(present) < 2 or not np.isfinite(scores).all():
        return None
    labels = [1] if scores.shape[1] == 2 else present.tolist()
    drawn = resampled_rows(len(scores), affordable(len(scores) * len(labels)), seed)
    once = np.ones((len(scores), 1), dtype=np.uint8)
    areas = np.stack([_areas(_rank(scores[:, label], truth == label), [once, *drawn]) for label in labels])
    means = _mean_of_finite(areas)
    return interval(means[0], means[1:])


@dataclass(frozen=True)
class _Ranking:
    """Where the rows stand: `own` [M, N] adds the label's rows up by distinct score,
    `others` [M + 1, N] the other rows by the first of those scores that they lie below."""

    own: csr_array
    others: csr_array


def _rank(scores: np.ndarray, mine: np.ndarray) -> _Ranking:
    own, others = np.flatnonzero(mine), np.flatnonzero(~mine)
    distinct, places = np.unique(scores[own], return_inverse=True)
    # A row that ties with one of the label's own counts half below it: half a step early, half a step late.
    bins = np.concatenate([np.searchsorted(distinct, scores[others], side) for side in ("left", "right")])
    halves = np.full(len(bins), 0.5, dtype=np.float32)
    return _Ranking(
        csr_array((np.ones(len(own), dtype=np.float32), (places, own)), shape=(len(distinct), len(scores))),
        csr_array((halves, (bins, np.tile(others, 2))), shape=(len(distinct) + 1, len(scores))),
    )


def _areas(ranking: _Ranking, blocks: list[np.ndarray]) -> np.ndarray:
    """The area under each column of weights [N, R]; NaN where a column leaves one side empty."""
    return np.concatenate([_weighted(ranking, block.astype(np.float32)) for block in blocks])


def _weighted(ranking: _Ranking, weights: np.ndarray) -> np.ndarray:
    own, others = ranking.own @ weights, ranking.others @ weights
    below = np.cumsum(others, axis=0, dtype=np.float64)
    pairs = below[-1] * own.sum(axis=0, dtype=np.float64)
    won = (own * below[:-1]).sum(axis=0)
    return _divide(won, pairs)


def _mean_of_finite(areas: np.ndarray) -> np.ndarray:
    """The mean over labels [L, R] of those that a resample holds."""
    finite = np.isfinite(areas)
    return _divide(np.where(finite, areas, 0).sum(axis=0), finite.sum(axis=0))


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return quotient
