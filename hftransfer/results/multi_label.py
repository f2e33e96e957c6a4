"""What a model does that gives a row any number of labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from ..values import Interval
from .intervals import RESAMPLES, affordable, interval, resampled_rows
from .streams import RowsOfNumbers, Running, by_label, matrix

USUAL = 0.5  # the threshold of a label that has none of its own


class MultiLabelMetrics(RowsOfNumbers):
    """Predictions are probabilities [B, L], references a 0 or 1 each [B, L], float32 both.

    Macro figures are means over the labels that occur, as truth or as answer; `map` is the
    mean over labels, of those with a row, of the average precision (scikit-learn's, which
    needs no thresholds).
    """

    def checked(self, scores: Any, labels: Any) -> tuple[Any, Any]:
        scores, labels = super().checked(scores, np.ascontiguousarray(labels, dtype=np.float32))
        if labels.shape != scores.shape or not np.isin(labels, (0, 1)).all():
            raise ValueError(f"labels {labels.shape} are no 0 or 1 for each of {scores.shape}")
        return scores, labels

    def _compute(self, *, predictions: Any = None, references: Any = None, **_: Any) -> dict[str, Any]:
        width = len(self._labels)
        scores, truth = matrix(predictions, width), matrix(references, width) > 0
        limits = np.array([self._thresholds.get(label, USUAL) for label in self._labels], dtype=np.float32)
        given = scores >= limits
        drawn = resampled_rows(len(truth), RESAMPLES, self.seed)
        precisions = average_precisions(scores, truth)
        columns = per_label(truth, given) | {"average_precision": np.nan_to_num(precisions), "threshold": limits}
        return {
            "rows": len(truth),
            "labels": self._labels,
            "metrics": _intervals(truth, given, drawn) | _map(scores, truth, precisions, drawn),
            "per_label": by_label(self._labels, columns),
        }


def average_precisions(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Of each label, [L]; NaN where no row has it."""
    return np.array(
        [
            average_precision_score(truth[:, at], scores[:, at]) if truth[:, at].any() else np.nan
            for at in range(truth.shape[1])
        ]
    )


def per_label(truth: np.ndarray, given: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall, F1 and support of each label, [L] each; 0 where there is nothing to divide by."""
    right, there, said = (side.sum(0) for side in (truth & given, truth, given))
    return {
        "precision": _divide(right, said),
        "recall": _divide(right, there),
        "f1": _divide(2 * right, there + said),
        "support": there,
    }


def figures(truth: np.ndarray, given: np.ndarray) -> dict[str, float]:
    """Micro, macro and weighted figures and subset accuracy of flags [N, L], exactly."""
    return {name: float(values[0]) for name, values in _figures(truth, given, _once(len(truth))).items()}


def _intervals(truth: np.ndarray, given: np.ndarray, drawn: list[np.ndarray]) -> dict[str, Interval]:
    exact = figures(truth, given)
    blocks = [_figures(truth, given, block.astype(np.float32)) for block in drawn]
    return {name: interval(exact[name], np.concatenate([block[name] for block in blocks])) for name in exact}


def _figures(truth: np.ndarray, given: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Every figure under each column of the rows' weights [N, R], [R] each."""
    right, there, said = ((side.T.astype(np.float32) @ weights) for side in (truth & given, truth, given))
    f1, occurring = _divide(2 * right, there + said), (there + said > 0).sum(0)
    whole = weights.sum(0)
    sums = [side.sum(0) for side in (right, there, said)]
    return {
        "f1_micro": _divide(2 * sums[0], sums[1] + sums[2]),
        "f1_macro": _divide(f1.sum(0), occurring),
        "f1_weighted": _divide((f1 * there).sum(0), sums[1]),
        "precision_micro": _divide(sums[0], sums[2]),
        "recall_micro": _divide(sums[0], sums[1]),
        "subset_accuracy": ((truth == given).all(1).astype(np.float32) @ weights) / whole,
    }


def _map(scores: np.ndarray, truth: np.ndarray, precisions: np.ndarray, drawn: list[np.ndarray]) -> dict[str, Interval]:
    """The mean average precision; nothing where no label occurs, or a score is not finite."""
    if not truth.any() or not np.isfinite(scores).all():
        return {}
    some = drawn[: -(-affordable(truth.size) // 64)]
    samples = np.concatenate([_resampled_map(scores, truth, block.astype(np.float32)) for block in some])
    return {"map": interval(float(np.nanmean(precisions)), samples)}


def _resampled_map(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean average precision under each column of weights [N, R]; rows of one score count together."""
    found = []
    for at in np.flatnonzero(truth.any(0)):
        order = np.argsort(-scores[:, at], kind="stable")
        last = np.append(np.flatnonzero(np.diff(scores[order, at])), len(order) - 1)  # of each distinct score
        whole = np.cumsum(weights[order], axis=0, dtype=np.float64)[last]
        hits = np.cumsum(weights[order] * truth[order, at, None], axis=0, dtype=np.float64)[last]
        gained = np.diff(hits, axis=0, prepend=0.0)
        found.append(_divide((gained * _divide(hits, whole)).sum(0), hits[-1], empty=np.nan))
    means = np.stack(found)
    finite = np.isfinite(means)
    return _divide(np.where(finite, means, 0).sum(0), finite.sum(0), empty=np.nan)


def _divide(above: np.ndarray, below: np.ndarray, empty: float = 0.0) -> np.ndarray:
    quotient: np.ndarray = np.divide(above, below, out=np.full(np.shape(above), empty), where=below > 0)
    return quotient


def _once(rows: int) -> np.ndarray:
    return np.ones((rows, 1), dtype=np.float32)


def quick(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Mean average precision, micro F1 at a half, and the mean log loss of a label, of probabilities [N, L]."""
    given = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    loss = -np.where(truth > 0, np.log(given), np.log(1 - given)).mean()
    precisions = average_precisions(scores, truth > 0)
    middle = float(np.nanmean(precisions)) if np.isfinite(precisions).any() else 0.0
    return {"map": middle, "f1_micro": figures(truth > 0, scores >= USUAL)["f1_micro"], "loss": float(loss)}


class RunningMultiLabel(Running):
    """Mean average precision, and micro F1 at a half, of logits [B, L] and flags [B, L]."""

    def add(self, logits: np.ndarray, truth: np.ndarray) -> None:
        self._batches.append((1 / (1 + np.exp(-logits.astype(np.float32))), truth > 0))

    def result(self) -> dict[str, float]:
        if not self._batches:
            return {}
        scores, truth = (np.concatenate(side) for side in zip(*self._batches, strict=True))
        found = quick(scores, truth)
        return {name: found[name] for name in ("map", "f1_micro")}

    def reset(self) -> None:
        self._batches: list[tuple[np.ndarray, np.ndarray]] = []
