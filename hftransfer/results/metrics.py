"""How good a model is on labelled rows, measured as the rows stream by.

Each family of measures is an `evaluate.Metric` of our own (nothing is fetched): its
rows go to an Arrow file on disk as they come, and are mapped back when all are in.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import evaluate
import numpy as np
import pyarrow
from datasets import Features, List, Value

from ..errors import SourceError
from ..tasks import Task
from ..values import Report
from . import confusion
from .roc import roc_auc


class _ArrayFeatures(Features):  # type: ignore[misc,unused-ignore]
    """Features whose batches are NumPy arrays already: Arrow takes them whole, without a Python list a row."""

    def encode_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        return batch


class ClassificationMetrics(evaluate.Metric):  # type: ignore[misc,unused-ignore]
    """What a single-label classifier does.

    `add_batch` takes predictions [B, L] float32 (probabilities) and references [B]
    int64 (label numbers); `compute` gives the fields of a `Report`.
    """

    def __init__(self, labels: Sequence[str], *, seed: int, cache_dir: str) -> None:
        self._labels = tuple(labels)
        super().__init__(seed=seed, cache_dir=cache_dir)

    def _info(self) -> evaluate.MetricInfo:
        info = evaluate.MetricInfo(
            description=self.__doc__ or "",
            citation="",
            inputs_description="",
            features=_ArrayFeatures(
                predictions=List(Value("float32"), length=len(self._labels)), references=Value("int64")
            ),
        )
        info.format = "arrow"  # set late: the constructor knows no formats for lists, the reader does
        return info

    def _compute(self, *, predictions: Any = None, references: Any = None, **_: Any) -> dict[str, Any]:
        scores, truth = _matrix(predictions, len(self._labels)), references.to_numpy()
        matrix = confusion.count(truth, scores.argmax(axis=1), len(self._labels))
        metrics = confusion.intervals(matrix, self.seed)
        area = roc_auc(scores, truth, self.seed + 1)
        return {
            "rows": len(truth),
            "labels": self._labels,
            "metrics": metrics if area is None else {**metrics, "roc_auc": area},
            "per_label": _by_label(self._labels, confusion.per_label(matrix)),
            "confusion": tuple(tuple(row) for row in matrix.tolist()),
        }


FAMILIES: dict[str, type[evaluate.Metric]] = {"classification": ClassificationMetrics}


class Evaluation:
    """Rows in, a report out. The same rows in the same order give the same report
    to the last bit, whatever the batches.

    Use it as a context manager where `report` might not be reached: its files are
    in a temporary folder of its own, which goes with `report`, `close` or the object.
    """

    def __init__(self, task: Task, labels: Sequence[str], *, seed: int = 0) -> None:
        self._labels = len(labels)
        folder = tempfile.mkdtemp(prefix="hftransfer-evaluation-")
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._metric = FAMILIES[task.target.metrics](labels, seed=seed, cache_dir=folder)

    def add(self, scores: np.ndarray, labels: np.ndarray) -> None:
        """Add a batch.

        Args:
            scores: [B, L] float32, what the task's activation makes of the logits.
            labels: [B] int, label numbers.

        Raises:
            ValueError: the shapes do not fit, or a label is out of range.
        """
        scores, labels = np.ascontiguousarray(scores, dtype=np.float32), np.asarray(labels, dtype=np.int64)
        if scores.shape != (len(labels), self._labels):
            raise ValueError(f"scores {scores.shape} do not fit {len(labels)} rows of {self._labels} labels")
        if not len(labels):
            return
        if labels.min() < 0 or labels.max() >= self._labels:
            raise ValueError(f"a label number lies outside 0 to {self._labels - 1}")
        self._metric.add_batch(predictions=scores, references=labels)

    def report(self) -> Report:
        """What was measured; nothing can be added afterwards.

        Raises:
            SourceError: no rows were added.
        """
        if len(self._metric) == 0:
            self.close()
            raise SourceError("there are no rows to evaluate", fix="give a source with labelled rows")
        try:
            return Report(**self._metric.compute())
        finally:
            self.close()

    def close(self) -> None:
        """Remove the rows from disk; closing twice does no harm."""
        if self._metric.writer is not None:
            self._metric.writer.close()
        self._remove()

    def __enter__(self) -> Evaluation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def quick(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, macro F1 and log loss of probabilities [B, L] for label numbers [B], without intervals."""
    matrix = confusion.count(labels, scores.argmax(axis=1), scores.shape[1])
    chance = scores[np.arange(len(labels)), labels].astype(np.float64)
    exact = confusion.figures(matrix)
    loss = float(-np.log(np.maximum(chance, np.finfo(np.float32).tiny)).mean())
    return {"accuracy": exact["accuracy"], "f1_macro": exact["f1_macro"], "loss": loss}


class RunningMetrics:
    """`compute_metrics` for a Trainer with `batch_eval_metrics=True`.

    Keeps a confusion matrix between batches, so that no logits pile up, and starts
    anew after each result. Rows without a label (a number below 0) are left out.
    """

    def __init__(self, labels: int) -> None:
        self._matrix = np.zeros((labels, labels), dtype=np.int64)

    def __call__(self, eval_prediction: Any, compute_result: bool = True) -> dict[str, float]:
        """Add a batch of logits [B, L] and label numbers [B], as tensors or arrays.

        Returns:
            Accuracy and macro F1 since the last result; nothing unless `compute_result`.
        """
        predictions = eval_prediction.predictions
        logits = _array(predictions[0] if isinstance(predictions, tuple | list) else predictions)
        truth = _array(eval_prediction.label_ids).astype(np.int64).reshape(-1)
        known = truth >= 0
        self._matrix += confusion.count(truth[known], logits.argmax(axis=-1)[known], len(self._matrix))
        return self._result() if compute_result else {}

    def reset(self) -> None:
        """Forget the batches so far: an evaluation that broke off would else count in the next."""
        self._matrix[:] = 0

    def _result(self) -> dict[str, float]:
        exact = confusion.figures(self._matrix) if self._matrix.any() else {}
        self.reset()
        return {name: exact[name] for name in ("accuracy", "f1_macro") if name in exact}


def _array(values: Any) -> np.ndarray:
    """A tensor of any device and precision (NumPy has no bfloat16), or an array, as an array."""
    return values.detach().cpu().float().numpy() if hasattr(values, "cpu") else np.asarray(values)


def _matrix(column: pyarrow.ChunkedArray, width: int) -> np.ndarray:
    """An Arrow column of lists as [N, width]."""
    return np.concatenate([chunk.flatten().to_numpy() for chunk in column.chunks]).reshape(-1, width)


def _by_label(labels: Sequence[str], columns: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    return {
        label: {name: values[place].item() for name, values in columns.items()} for place, label in enumerate(labels)
    }
