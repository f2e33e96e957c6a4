"""Labels as they were found, made into the numbers that a model learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import SourceError
from ..tasks import Task
from .checks import Aside
from .splits import Slice

UNKNOWN = -1


@dataclass(frozen=True)
class Encoded:
    """A split with its labels as numbers; rows whose label train does not have are set aside."""

    rows: datasets.Dataset
    digest: str
    asides: tuple[Aside, ...]


def encode(part: Slice, labels: Sequence[str], task: Task) -> Encoded:
    """Columns: the task's input, `label` (an int into `labels`), `origin`.

    The inputs stay where they are on disk; labels and the choice of rows take 16 bytes
    of memory a row.
    """
    codes = _codes(part.rows.data.column("label"), labels, task)
    known = codes[part.indices] != UNKNOWN
    feature = datasets.ClassLabel(names=list(labels))
    column = task.modality.column
    whole = part.rows.select_columns([column, "origin"]).add_column("label", codes, feature=feature)
    rows = whole.select_columns([column, "label", "origin"]).select(part.indices[known])
    return Encoded(rows, _digest(part, part.indices[known]), _unknown(part, part.indices[~known]))


def refuse_unknown(name: str, encoded: Encoded, labels: Sequence[str]) -> None:
    """Raises SourceError where a split holds a label that the model does not know."""
    if encoded.asides:
        first = encoded.asides[0]
        raise SourceError(
            f"{len(encoded.asides)} rows have a label that the model does not know, the first '{first.label}'",
            place=f"{name}, {first.origin}",
            fix=f"the model's labels are: {', '.join(labels)}",
        )


def refuse_empty(name: str, split: str, encoded: Encoded) -> None:
    """Raises SourceError where none of a split's rows has a label that train has."""
    if not len(encoded.rows):
        raise SourceError(
            f"no row of {split} has a label that train has",
            place=f"{name}, {encoded.asides[0].origin}: '{encoded.asides[0].label}'" if encoded.asides else name,
            fix=f"use the same labels in {split} as in train",
        )


def _codes(found: pa.ChunkedArray, labels: Sequence[str], task: Task) -> np.ndarray:
    """Each row's number, or UNKNOWN; each distinct label is encoded once."""
    index = {label: number for number, label in enumerate(labels)}
    distinct = pc.unique(found)
    numbers = np.array([_encoded(label.as_py(), index, task) for label in distinct], dtype=np.int64)
    codes: np.ndarray = numbers[pc.index_in(found, value_set=distinct).to_numpy()]
    return codes


def _encoded(label: str, index: dict[str, int], task: Task) -> int:
    try:
        return task.target.encode(label, index)
    except KeyError:
        return UNKNOWN


def _digest(part: Slice, indices: np.ndarray) -> str:
    digests = part.rows.data.column("digest").take(pa.array(indices))
    return blake2b(b"".join(digests.to_pylist()), digest_size=16).hexdigest()


def _unknown(part: Slice, indices: np.ndarray) -> tuple[Aside, ...]:
    rows = part.rows.select_columns(["origin", "label"]).select(indices)
    return tuple(Aside("unknown-label", row["origin"], row["label"]) for row in rows)
