"""Rows that stream to disk while they are measured, and how a Trainer's batches are followed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import evaluate
import numpy as np
import pyarrow
from datasets import Features, List, Value


class ArrayFeatures(Features):  # type: ignore[misc,unused-ignore]
    """Features whose batches are NumPy arrays already: Arrow takes them whole, without a Python list a row."""

    def encode_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        return batch


class Measures(evaluate.Metric):  # type: ignore[misc,unused-ignore]
    """A family of measures as an `evaluate.Metric` of our own; nothing is fetched.

    `add_batch` takes predictions and references as `of_row` says; `compute` gives the
    fields of a `Report`.

    Args:
        labels: the model's labels.
        thresholds: of those labels, where the family has any use for them.
    """

    of_row: Any  # gives the features of a row, for so many labels

    def __init__(self, labels: Sequence[str], thresholds: Mapping[str, float], *, seed: int, cache_dir: str) -> None:
        self._labels, self._thresholds = tuple(labels), dict(thresholds)
        super().__init__(seed=seed, cache_dir=cache_dir)

    def _info(self) -> evaluate.MetricInfo:
        features = self.of_row(len(self._labels))
        info = evaluate.MetricInfo(
            description=self.__doc__ or "", citation="", inputs_description="", features=features
        )
        info.format = "arrow"  # set late: the constructor knows no formats for lists, the reader does
        return info

    def checked(self, scores: Any, labels: Any) -> tuple[Any, Any]:
        """A batch as `add_batch` takes it. Raises ValueError where shapes do not fit, or a label is out of range."""
        scores = np.ascontiguousarray(scores, dtype=np.float32)
        if scores.shape != (len(labels), len(self._labels)):
            raise ValueError(f"scores {scores.shape} do not fit {len(labels)} rows of {len(self._labels)} labels")
        return scores, labels


class RowsOfNumbers(Measures):
    """Measures whose predictions and references are [B, L] float32 both."""

    @staticmethod
    def of_row(labels: int) -> ArrayFeatures:
        kind = List(Value("float32"), length=labels)
        return ArrayFeatures(predictions=kind, references=kind)


class Running(ABC):
    """`compute_metrics` for a Trainer with `batch_eval_metrics=True`; starts anew after each result."""

    def __init__(self, labels: int) -> None:
        self.labels = labels
        self.reset()

    def __call__(self, eval_prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Add a batch of logits and labels, as tensors or arrays.

        Returns:
            The figures since the last result; nothing unless `compute_result`.
        """
        predictions = eval_prediction.predictions
        logits = as_array(predictions[0] if isinstance(predictions, tuple | list) else predictions)
        self.add(logits, as_array(eval_prediction.label_ids))
        if not compute_result:
            return {}
        figures = self.result()
        self.reset()
        return figures

    @abstractmethod
    def add(self, logits: np.ndarray, truth: np.ndarray) -> None:
        """Take a batch in."""

    @abstractmethod
    def result(self) -> dict[str, float]:
        """The figures so far; empty where there is nothing."""

    @abstractmethod
    def reset(self) -> None:
        """Forget the batches so far: an evaluation that broke off would else count in the next."""


def as_array(values: Any) -> np.ndarray:
    """A tensor of any device and precision (NumPy has no bfloat16), or an array, as an array."""
    return values.detach().cpu().float().numpy() if hasattr(values, "cpu") else np.asarray(values)


def matrix(column: pyarrow.ChunkedArray, width: int) -> np.ndarray:
    """An Arrow column of lists as [N, width]."""
    return np.concatenate([chunk.flatten().to_numpy() for chunk in column.chunks]).reshape(-1, width)


def by_label(labels: Sequence[str], columns: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Columns of [L] as a row a label."""
    return {
        label: {name: values[place].item() for name, values in columns.items()} for place, label in enumerate(labels)
    }
