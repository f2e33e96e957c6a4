"""What a single-label classifier does."""

from __future__ import annotations

from typing import Any

import numpy as np
from datasets import List, Value

from . import confusion
from .roc import roc_auc
from .streams import ArrayFeatures, Measures, Running, by_label, matrix


class ClassificationMetrics(Measures):
    """Predictions are probabilities [B, L] float32, references label numbers [B] int64."""

    @staticmethod
    def of_row(labels: int) -> ArrayFeatures:
        return ArrayFeatures(predictions=List(Value("float32"), length=labels), references=Value("int64"))

    def checked(self, scores: Any, labels: Any) -> tuple[Any, Any]:
        scores, labels = super().checked(scores, np.asarray(labels, dtype=np.int64))
        if len(labels) and (labels.min() < 0 or labels.max() >= len(self._labels)):
            raise ValueError(f"a label number lies outside 0 to {len(self._labels) - 1}")
        return scores, labels

    def _compute(self, *, predictions: Any = None, references: Any = None, **_: Any) -> dict[str, Any]:
        scores, truth = matrix(predictions, len(self._labels)), references.to_numpy()
        counts = confusion.count(truth, scores.argmax(axis=1), len(self._labels))
        metrics = confusion.intervals(counts, self.seed)
        area = roc_auc(scores, truth, self.seed + 1)
        return {
            "rows": len(truth),
            "labels": self._labels,
            "metrics": metrics if area is None else {**metrics, "roc_auc": area},
            "per_label": by_label(self._labels, confusion.per_label(counts)),
            "confusion": tuple(tuple(row) for row in counts.tolist()),
        }


def quick(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, macro F1 and log loss of probabilities [B, L] for label numbers [B], without intervals."""
    counts = confusion.count(labels, scores.argmax(axis=1), scores.shape[1])
    chance = scores[np.arange(len(labels)), labels].astype(np.float64)
    exact = confusion.figures(counts)
    loss = float(-np.log(np.maximum(chance, np.finfo(np.float32).tiny)).mean())
    return {"accuracy": exact["accuracy"], "f1_macro": exact["f1_macro"], "loss": loss}


class RunningClassification(Running):
    """Accuracy and macro F1. Keeps a confusion matrix between batches, so that no logits pile up.

    Logits are [B, L], labels [B]; rows without a label (a number below 0) are left out.
    """

    def add(self, logits: np.ndarray, truth: np.ndarray) -> None:
        truth = truth.astype(np.int64).reshape(-1)
        known = truth >= 0
        self._matrix += confusion.count(truth[known], logits.argmax(axis=-1)[known], self.labels)

    def result(self) -> dict[str, float]:
        exact = confusion.figures(self._matrix) if self._matrix.any() else {}
        return {name: exact[name] for name in ("accuracy", "f1_macro") if name in exact}

    def reset(self) -> None:
        self._matrix = np.zeros((self.labels, self.labels), dtype=np.int64)
