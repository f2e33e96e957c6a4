"""Everything that follows from a confusion matrix: `matrix[i, j]` counts rows of label i that were given j.

The definitions are scikit-learn's with `zero_division=0`; macro figures are means over
the labels that occur, as truth or as answer.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from ..values import Interval
from .intervals import interval, resampled_counts


def count(truth: np.ndarray, given: np.ndarray, labels: int) -> np.ndarray:
    """The confusion matrix [L, L] (int64) of label numbers [N]."""
    cells = np.bincount(truth.astype(np.int64) * labels + given, minlength=labels * labels)
    return cells.reshape(labels, labels)


def figures(matrix: np.ndarray) -> dict[str, float]:
    """Accuracy, and macro and weighted precision, recall and F1, exactly."""
    return {name: float(values[0]) for name, values in _figures(*_sums(matrix)).items()}


def intervals(matrix: np.ndarray, seed: int) -> dict[str, Interval]:
    """The same figures with bootstrap intervals.

    Rows of one cell are alike, so resampling rows is a multinomial draw over the
    cells that hold any: the cost hardly depends on how many rows there are.
    """
    truth, given = np.nonzero(matrix)
    counts = matrix[truth, given]
    sums = [_selector(places, len(matrix)) for places in (np.where(truth == given, truth, -1), truth, given)]
    blocks = [_figures(*(rows @ drawn.T for rows in sums)) for drawn in resampled_counts(counts, seed)]
    exact = figures(matrix)
    return {name: interval(exact[name], np.concatenate([block[name] for block in blocks])) for name in exact}


def per_label(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, F1 and support of each label, [L] each; 0 where there is nothing to divide by."""
    right, truth, given = (side[:, 0] for side in _sums(matrix))
    precision, recall, f1 = _ratios(right, truth, given)
    return {"precision": precision, "recall": recall, "f1": f1, "support": truth}


def _sums(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Right answers, rows and answers of each label, [L, 1]."""
    return matrix.diagonal()[:, None], matrix.sum(axis=1)[:, None], matrix.sum(axis=0)[:, None]


def _selector(places: np.ndarray, labels: int) -> csr_array:
    """[L, K] ones that add cell k to label `places[k]` (-1: to none)."""
    cells = np.flatnonzero(places >= 0)
    ones = np.ones(len(cells), dtype=np.int64)
    return csr_array((ones, (places[cells], cells)), shape=(labels, len(places)))


def _ratios(right: np.ndarray, truth: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return _divide(right, given), _divide(right, truth), _divide(2 * right, truth + given)


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
    return quotient


def _figures(right: np.ndarray, truth: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    """From sums by label and resample, [L, R] each: every figure, [R]."""
    rows = truth.sum(axis=0)
    occurring = ((truth + given) > 0).sum(axis=0)
    ratios = dict(zip(("precision", "recall", "f1"), _ratios(right, truth, given), strict=True))
    macro = {f"{name}_macro": values.sum(axis=0) / occurring for name, values in ratios.items()}
    weighted = {f"{name}_weighted": (values * truth).sum(axis=0) / rows for name, values in ratios.items()}
    return {"accuracy": right.sum(axis=0) / rows, **macro, **weighted}
