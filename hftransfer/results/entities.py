"""What a model does that finds entities in texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from datasets import List, Value

from ..tasks.tokens import entities
from .intervals import RESAMPLES, interval, resampled_rows
from .streams import ArrayFeatures, Measures, Running


class EntityMetrics(Measures):
    """Predictions and references are a tag number for each word of a row.

    An entity is right where its kind, its first and its last word are: precision, recall
    and F1 over all entities, as seqeval counts them (https://github.com/chakki-works/seqeval).
    Rows, not entities, are drawn again for the intervals.
    """

    @staticmethod
    def of_row(labels: int) -> ArrayFeatures:
        return ArrayFeatures(predictions=List(Value("int64")), references=List(Value("int64")))

    def checked(self, scores: Any, labels: Any) -> tuple[Any, Any]:
        """Scores are a [words, L] and labels a [words] for each row."""
        for row, tags in zip(scores, labels, strict=True):
            if row.shape != (len(tags), len(self._labels)):
                raise ValueError(f"scores {row.shape} do not fit {len(tags)} words of {len(self._labels)} labels")
        return [row.argmax(1).tolist() for row in scores], [np.asarray(tags).tolist() for tags in labels]

    def _compute(self, *, predictions: Any = None, references: Any = None, **_: Any) -> dict[str, Any]:
        kinds = kinds_of(self._labels)
        pairs = zip(predictions.to_pylist(), references.to_pylist(), strict=True)
        counts = np.array([count(self._names(truth), self._names(given), kinds) for given, truth in pairs])
        whole = counts.sum(axis=(0, 2))
        exact = figures(whole)
        drawn = resampled_rows(len(counts), RESAMPLES, self.seed)
        blocks = [figures(counts.sum(2).T @ block.astype(np.float64)) for block in drawn]
        by_kind = figures(counts.sum(0)) | {"support": counts.sum(0)[1]}
        return {
            "rows": len(counts),
            "labels": self._labels,
            "metrics": {
                name: interval(float(value), np.concatenate([block[name] for block in blocks]))
                for name, value in exact.items()
            },
            "per_label": {
                kind: {name: float(values[at]) for name, values in by_kind.items()} for at, kind in enumerate(kinds)
            },
        }

    def _names(self, tags: Iterable[int]) -> list[str]:
        return [self._labels[tag] for tag in tags]


def kinds_of(labels: Iterable[str]) -> tuple[str, ...]:
    """The kinds of entities that tags are of."""
    return tuple(dict.fromkeys(entity.kind for label in labels for entity in entities([label])))


def count(truth: Sequence[str], given: Sequence[str], kinds: Sequence[str]) -> np.ndarray:
    """Entities of a row that are right, that there are, and that were found: [3, kinds]."""
    there, found = set(entities(truth)), set(entities(given))
    return np.array(
        [[sum(one.kind == kind for one in side) for kind in kinds] for side in (there & found, there, found)],
        dtype=np.int64,
    ).reshape(3, -1)


def figures(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1 from counts [3, …]; 0 where there is nothing to divide by."""
    right, there, found = (side.astype(np.float64) for side in counts)
    return {
        "precision": _divide(right, found),
        "recall": _divide(right, there),
        "f1": _divide(2 * right, there + found),
    }


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    quotient: np.ndarray = np.divide(above, below, out=np.zeros(np.shape(above)), where=below > 0)
    return quotient


class RunningEntities(Running):
    """Precision, recall and F1 of logits [B, T, L] and tag numbers [B, T]; those below 0 are no words."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.kinds = kinds_of(names)
        super().__init__(len(names))

    def add(self, logits: np.ndarray, truth: np.ndarray) -> None:
        for given, row in zip(logits.argmax(-1), truth.astype(np.int64), strict=True):
            known = row >= 0
            there, found = ([self.names[tag] for tag in tags[known]] for tags in (row, given))
            self._counts += count(there, found, self.kinds)

    def result(self) -> dict[str, float]:
        found = figures(self._counts.sum(1))
        return {name: float(value) for name, value in found.items()}

    def reset(self) -> None:
        self._counts = np.zeros((3, len(self.kinds)), dtype=np.int64)
