"""All rows of a source's parts as one sheet, numbered through, and read from the disk a stretch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from ..checks import SHOWN

STRETCH_ROWS = 1000
STRETCH_SIZES = {"text": 2**20, "image": 2**25}  # bytes: of a text's, much more is made
TAKEN = 2**23  # bytes of inputs that are read together, about
Numbers = Sequence[int] | np.ndarray


@dataclass(frozen=True)
class Sheet:
    """The parts' rows, in their order; `column` holds the inputs: texts, pairs of them, or images' bytes."""

    parts: Mapping[str, datasets.Dataset]
    column: str

    def __len__(self) -> int:
        return sum(map(len, self.parts.values()))

    @cached_property
    def starts(self) -> dict[str, int]:
        """The number of each part's first row."""
        ends = np.cumsum([len(rows) for rows in self.parts.values()])
        return {part: int(end) - len(rows) for (part, rows), end in zip(self.parts.items(), ends, strict=True)}

    @cached_property
    def labels(self) -> list[str]:
        """Each row's label as it was found."""
        return [label for rows in self.parts.values() for label in rows.data.column("label").to_pylist()]

    def part_of(self) -> np.ndarray:
        """Each row's part, by its place among them."""
        return np.repeat(np.arange(len(self.parts)), [len(rows) for rows in self.parts.values()])

    def of(self, part: str, values: np.ndarray) -> np.ndarray:
        """What belongs to a part's rows of values for all."""
        return values[self.starts[part] : self.starts[part] + len(self.parts[part])]

    def stretches(self) -> Iterator[tuple[int, list[Any]]]:
        """The number of the first row and the inputs, as many at a time as memory always has room for."""
        for part, rows in self.parts.items():
            column, place = rows.data.column(self.column), 0
            while place < len(rows):
                step = STRETCH_ROWS
                while step > 1 and column.slice(place, step).nbytes > STRETCH_SIZES[self.column]:
                    step //= 2
                yield self.starts[part] + place, _inputs(column.slice(place, step))
                place += step

    def inputs(self, numbers: Numbers) -> Iterator[Any]:
        """The inputs of some rows, one after another."""
        step = max(1, min(STRETCH_ROWS, int(TAKEN / max(1, self._size))))
        for start in range(0, len(numbers), step):
            yield from self._taken(self.column, numbers[start : start + step])

    @cached_property
    def _size(self) -> float:
        """Of a row's input, in bytes, on average."""
        return sum(rows.data.column(self.column).nbytes for rows in self.parts.values()) / max(1, len(self))

    def digests(self) -> np.ndarray:
        """What is the same for the same inputs, of all rows: 8 bytes each."""
        stored = (rows.data.column("digest").to_pylist() for rows in self.parts.values())
        return np.array([int.from_bytes(value[:8]) for part in stored for value in part], dtype=np.uint64)

    def origins(self, numbers: Numbers) -> list[str]:
        """Where some rows come from."""
        return self._taken("origin", numbers)

    def places(self, numbers: Numbers) -> str:
        """Where rows come from, the first of them, for a message."""
        first = self.origins(list(numbers[:SHOWN]))
        return ", ".join(first) + (", …" if len(numbers) > SHOWN else "")

    def _taken(self, name: str, numbers: Numbers) -> list[Any]:
        wanted = np.asarray(numbers, dtype=np.int64)
        found: list[Any] = [None] * len(wanted)
        for part, rows in self.parts.items():
            inside = np.flatnonzero((wanted >= self.starts[part]) & (wanted < self.starts[part] + len(rows)))
            taken = rows.data.column(name).take(pa.array(wanted[inside] - self.starts[part])) if len(inside) else []
            for place, value in zip(inside.tolist(), _inputs(taken) if len(inside) else (), strict=True):
                found[place] = value
        return found


def texts_in(value: Any) -> tuple[str, ...]:
    """The texts of an input: one, or the two of a pair."""
    return (value,) if isinstance(value, str) else tuple(value)


def _inputs(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return [value["bytes"] if isinstance(value, dict) else value for value in values]
