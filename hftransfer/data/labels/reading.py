"""Labels as they were found, made into what a model learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import SourceError
from ...tasks import Target, Task
from ..checks import Aside
from ..splits import Slice

_WORD = {"start": datasets.Value("int32"), "end": datasets.Value("int32"), "tag": datasets.Value("int64")}
# What encoded labels are on disk, by their shape.
FEATURES: dict[str, Callable[[Sequence[str]], Any]] = {
    "class": lambda labels: datasets.ClassLabel(names=list(labels)),
    "flags": lambda labels: datasets.List(datasets.Value("float32"), length=len(labels)),
    "numbers": lambda labels: datasets.List(datasets.Value("float32"), length=len(labels)),
    "tags": lambda labels: datasets.List(_WORD),
}


@dataclass(frozen=True)
class Reading:
    """How the labels of a source are read: each distinct text once."""

    target: Target
    found: tuple[str, ...]
    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, target: Target, parts: Mapping[str, datasets.Dataset], known: Sequence[str] = ()) -> Reading:
        """The reading of all parts together; `known` are the labels of a model that they are for."""
        return cls(target, tuple(distinct(parts)), tuple(known))

    @cached_property
    def read(self) -> Callable[[str], Any]:
        return self.target.reader(self.found, self.known)

    @cached_property
    def unreadable(self) -> frozenset[str]:
        """The texts that are no labels of this kind."""
        return frozenset(text for text in self.found if not self._reads(text))

    def values(self, part: Slice) -> Iterator[Any]:
        return map(self.read, part.labels)

    def readable(self, rows: datasets.Dataset) -> tuple[Slice, tuple[Aside, ...]]:
        """The rows whose labels can be read, and the others."""
        whole = Slice.of(rows)
        if not self.unreadable:
            return whole, ()
        bad = pc.is_in(rows.data.column("label"), value_set=pa.array(sorted(self.unreadable))).to_numpy()
        return Slice(rows, whole.indices[~bad]), asides("unreadable-label", Slice(rows, whole.indices[bad]))

    def _reads(self, text: str) -> bool:
        try:
            self.read(text)
        except ValueError:
            return False
        return True


@dataclass(frozen=True)
class Encoded:
    """A split with its labels encoded; rows whose label train does not have are set aside."""

    rows: datasets.Dataset
    digest: str
    asides: tuple[Aside, ...]


def distinct(parts: Mapping[str, datasets.Dataset]) -> dict[str, int]:
    """The labels as they were found, with how many rows have each."""
    counts: dict[str, int] = {}
    for rows in parts.values():
        for pair in pc.value_counts(rows.data.column("label")).to_pylist():
            counts[pair["values"]] = counts.get(pair["values"], 0) + pair["counts"]
    return counts


def encode(part: Slice, labels: Sequence[str], task: Task, reading: Reading) -> Encoded:
    """Columns: the task's input, `label` (see `Dataset`), `origin`.

    The inputs stay where they are on disk; labels and the choice of rows are in memory.
    """
    encoded, known = _encoded(part.rows.data.column("label"), labels, reading)
    column, feature = task.modality.column, FEATURES[task.target.shape](labels)
    whole = part.rows.select_columns([column, "origin"]).add_column("label", encoded, feature=feature)
    known = known[part.indices]
    rows = whole.select_columns([column, "label", "origin"]).select(part.indices[known])
    unknown = Slice(part.rows, part.indices[~known])
    return Encoded(rows, _digest(part, part.indices[known]), asides("unknown-label", unknown))


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
    """Raises SourceError where none of a split's rows has a label that train has, or it has no rows."""
    if len(encoded.rows):
        return
    if not encoded.asides:
        raise SourceError(f"there are too few rows: none is left for {split}", place=name, fix="add examples")
    raise SourceError(
        f"no row of {split} has a label that train has",
        place=f"{name}, {encoded.asides[0].origin}: '{encoded.asides[0].label}'",
        fix=f"use the same labels in {split} as in train",
    )


def asides(code: str, part: Slice) -> tuple[Aside, ...]:
    """The rows of a slice, set aside."""
    rows = part.rows.select_columns(["origin", "label"]).select(part.indices)
    return tuple(Aside(code, row["origin"], row["label"]) for row in rows)


def _encoded(found: pa.ChunkedArray, labels: Sequence[str], reading: Reading) -> tuple[pa.Array, np.ndarray]:
    """Each row's label, and whether train has it; each distinct text is encoded once."""
    index = {label: number for number, label in enumerate(labels)}
    texts = pc.unique(found)
    encoded = [_try(text.as_py(), index, reading) for text in texts]
    known = np.array([value is not None for value in encoded], dtype=bool)
    schema = datasets.Features({"label": FEATURES[reading.target.shape](labels)}).arrow_schema
    places = pc.index_in(found, value_set=texts).combine_chunks()
    return pa.array(encoded, schema.field("label").type).take(places), known[places.to_numpy()]


def _try(text: str, index: Mapping[str, int], reading: Reading) -> Any:
    if text in reading.unreadable:
        return None
    try:
        return reading.target.encode(reading.read(text), index)
    except KeyError:
        return None


def _digest(part: Slice, indices: np.ndarray) -> str:
    digests = part.rows.data.column("digest").take(pa.array(indices))
    return blake2b(b"".join(digests.to_pylist()), digest_size=16).hexdigest()
