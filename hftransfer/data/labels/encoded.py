"""Encoded labels of rows as arrays, and how many there are of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from ...tasks import get_task
from ...values import Dataset


@dataclass(frozen=True)
class Words:
    """The words of rows with their tags, one after another: those of row i from `ends[i - 1]` to `ends[i]`.

    `start`, `end` (characters) and `tag` (label numbers) are of shape [words].
    """

    ends: np.ndarray
    start: np.ndarray
    end: np.ndarray
    tag: np.ndarray

    def __len__(self) -> int:
        return len(self.ends)

    def of(self, row: int) -> slice:
        """Where a row's words stand."""
        return slice(int(self.ends[row - 1]) if row else 0, int(self.ends[row]))


def labels_of(rows: datasets.Dataset) -> Any:
    """The labels of rows of the data station: int64 [rows], float32 [rows, labels], or `Words`."""
    column = _column(rows)
    if pa.types.is_fixed_size_list(column.type):
        return column.flatten().to_numpy().reshape(len(column), -1).copy()
    return _words(column) if pa.types.is_list(column.type) else column.to_numpy().copy()  # as torch wants them


def counted(data: Dataset, *splits: str) -> dict[str, int]:
    """How many rows of some splits, or of all, have each label; of kinds of entities, how many there are."""
    count = COUNTS[get_task(data.task).target.shape]
    counts: Counter[str] = Counter()
    for split in splits or data.splits:
        counts.update(count(labels_of(data.splits[split]), data.labels))
    return dict(counts)


def _classes(found: np.ndarray, labels: Sequence[str]) -> dict[str, int]:
    return dict(zip(labels, np.bincount(found, minlength=len(labels)).tolist(), strict=True))


def _flags(found: np.ndarray, labels: Sequence[str]) -> dict[str, int]:
    return dict(zip(labels, found.astype(bool).sum(0).tolist(), strict=True))


def _numbers(found: np.ndarray, labels: Sequence[str]) -> dict[str, int]:
    return dict.fromkeys(labels, len(found))


def _kinds(found: Words, labels: Sequence[str]) -> dict[str, int]:
    begun = np.bincount(found.tag, minlength=len(labels)).tolist()
    return {label[2:]: begun[number] for number, label in enumerate(labels) if label.startswith("B-")}


COUNTS: dict[str, Callable[[Any, Sequence[str]], dict[str, int]]] = {
    "class": _classes,
    "flags": _flags,
    "numbers": _numbers,
    "tags": _kinds,
}


def _column(rows: datasets.Dataset) -> pa.Array:
    found = rows.select_columns(["label"]).with_format("arrow")[:]["label"]
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _words(column: pa.ListArray) -> Words:
    ends = np.cumsum(column.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    flat = column.flatten()
    start, end, tag = (flat.field(name).to_numpy(zero_copy_only=False) for name in ("start", "end", "tag"))
    return Words(ends, start, end, tag)
