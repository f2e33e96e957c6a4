"""How good a model is on labelled rows, measured as the rows stream by.

Each family of measures is an `evaluate.Metric` of our own: its rows go to an Arrow file
on disk as they come, and are mapped back when all are in.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from ..errors import SourceError
from ..tasks import Task
from ..values import Report
from .classification import ClassificationMetrics, RunningClassification
from .entities import EntityMetrics, RunningEntities
from .multi_label import MultiLabelMetrics, RunningMultiLabel
from .regression import RegressionMetrics, RunningRegression
from .streams import Measures, Running

FAMILIES: dict[str, type[Measures]] = {
    "classification": ClassificationMetrics,
    "multi-label": MultiLabelMetrics,
    "regression": RegressionMetrics,
    "entities": EntityMetrics,
}
RUNNING: dict[str, Callable[[Sequence[str]], Running]] = {
    "classification": lambda labels: RunningClassification(len(labels)),
    "multi-label": lambda labels: RunningMultiLabel(len(labels)),
    "regression": lambda labels: RunningRegression(len(labels)),
    "entities": RunningEntities,
}


def running(task: Task, labels: Sequence[str]) -> Running:
    """The figures that a Trainer watches."""
    return RUNNING[task.target.metrics](labels)


class Evaluation:
    """Rows in, a report out. The same rows in the same order give the same report
    to the last bit, whatever the batches.

    Use it as a context manager where `report` might not be reached: its files are
    in a temporary folder of its own, which goes with `report`, `close` or the object.
    """

    def __init__(
        self, task: Task, labels: Sequence[str], *, thresholds: Mapping[str, float] | None = None, seed: int = 0
    ) -> None:
        folder = tempfile.mkdtemp(prefix="hftransfer-evaluation-")
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        family = FAMILIES[task.target.metrics]
        self._metric = family(labels, thresholds or {}, seed=seed, cache_dir=folder)

    def add(self, scores: Any, labels: Any) -> None:
        """Add a batch.

        Args:
            scores: [B, L] float32, what the task's activation makes of the logits; where
                words have labels, [words, L] for each row.
            labels: [B] label numbers, [B, L] flags or numbers, or [words] label numbers for each row.

        Raises:
            ValueError: the shapes do not fit, or a label is out of range.
        """
        scores, labels = self._metric.checked(scores, labels)
        if len(labels):
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
