"""What a model does that gives a row a number, or several."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata

from .intervals import RESAMPLES, interval, resampled_rows
from .streams import RowsOfNumbers, Running, by_label, matrix

SHOWN = 500  # points, for a picture


class RegressionMetrics(RowsOfNumbers):
    """Predictions and references are numbers [B, L], float32 both.

    `mae` and `rmse` are in the numbers' own unit; of several numbers each figure is the
    mean. A correlation that does not exist (all predictions alike) is 0. Under resampling,
    ranks stay those of all rows.
    """

    def checked(self, scores: Any, labels: Any) -> tuple[Any, Any]:
        scores, labels = super().checked(scores, np.ascontiguousarray(labels, dtype=np.float32))
        if labels.shape != scores.shape or not np.isfinite(labels).all():
            raise ValueError(f"labels {labels.shape} are no finite numbers for {scores.shape}")
        return scores, labels

    def _compute(self, *, predictions: Any = None, references: Any = None, **_: Any) -> dict[str, Any]:
        width = len(self._labels)
        given, truth = matrix(predictions, width).astype(np.float64), matrix(references, width).astype(np.float64)
        drawn = resampled_rows(len(truth), RESAMPLES, self.seed)
        exact = figures(truth, given)
        blocks = [_means(_figures(truth, given, block.astype(np.float64))) for block in drawn]
        metrics = {
            name: interval(float(exact[name].mean()), np.concatenate([block[name] for block in blocks]))
            for name in exact
        }
        return {
            "rows": len(truth),
            "labels": self._labels,
            "metrics": metrics,
            "per_label": by_label(self._labels, exact | {"support": np.full(width, len(truth))}),
            "points": dict(zip(self._labels, _points(truth, given), strict=True)),
        }


def figures(truth: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    """Every figure of each number, [L] each, of true and predicted numbers [N, L]."""
    return {name: values[:, 0] for name, values in _figures(truth, given, np.ones((len(truth), 1))).items()}


def _figures(truth: np.ndarray, given: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The same under each column of the rows' weights [N, R]: [L, R] each."""
    whole = weights.sum(0)
    error = given - truth
    squares = (error**2).T @ weights
    spread = _covariance(truth, truth, weights, whole) * whole
    return {
        "mae": (np.abs(error).T @ weights) / whole,
        "rmse": np.sqrt(squares / whole),
        "r2": 1 - np.divide(squares, spread, out=np.full(spread.shape, np.nan), where=spread > 0),
        "pearson": _correlation(truth, given, weights, whole),
        "spearman": _correlation(rankdata(truth, axis=0), rankdata(given, axis=0), weights, whole),
    }


def _correlation(one: np.ndarray, other: np.ndarray, weights: np.ndarray, whole: np.ndarray) -> np.ndarray:
    both = _covariance(one, other, weights, whole)
    spread = np.sqrt(_covariance(one, one, weights, whole) * _covariance(other, other, weights, whole))
    quotient: np.ndarray = np.divide(both, spread, out=np.zeros(both.shape), where=spread > 0)
    return quotient


def _covariance(one: np.ndarray, other: np.ndarray, weights: np.ndarray, whole: np.ndarray) -> np.ndarray:
    itself = one is other
    one, other = one - one.mean(0), other - other.mean(0)  # near zero, so that nothing cancels out
    means = ((side.T @ weights) / whole for side in (one * other, one, other))
    product, first, second = means
    found = product - first * second
    return np.where(found > 1e-12 * product, found, 0.0) if itself else found


def _means(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values.mean(0) for name, values in found.items()}


def _points(truth: np.ndarray, given: np.ndarray) -> list[tuple[tuple[float, float], ...]]:
    places = np.linspace(0, len(truth) - 1, min(SHOWN, len(truth))).astype(int)
    pairs = np.stack([truth[places], given[places]], axis=2)
    return [tuple((float(one), float(other)) for one, other in pairs[:, at]) for at in range(truth.shape[1])]


def quick(given: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """R² and the root of the mean squared error, means over numbers, of [N, L] each; the loss is 1 - R²."""
    found = figures(truth.astype(np.float64), given.astype(np.float64))
    r2 = float(np.nan_to_num(found["r2"], nan=0.0).mean())
    return {"r2": r2, "rmse": float(found["rmse"].mean()), "loss": 1 - r2}


class RunningRegression(Running):
    """R² and the root of the mean squared error, of logits [B, L] and numbers [B, L]."""

    def add(self, logits: np.ndarray, truth: np.ndarray) -> None:
        self._batches.append((logits.reshape(truth.shape), truth))

    def result(self) -> dict[str, float]:
        if not self._batches:
            return {}
        given, truth = (np.concatenate(side).reshape(-1, self.labels) for side in zip(*self._batches, strict=True))
        found = quick(given, truth)
        return {name: found[name] for name in ("r2", "rmse")}

    def reset(self) -> None:
        self._batches: list[tuple[np.ndarray, np.ndarray]] = []
