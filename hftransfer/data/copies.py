"""Rows whose inputs are the same, without a look at all that is alike: for rows that are in their splits already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from .doctor import likeness, looks

if TYPE_CHECKING:
    import datasets

AT_ONCE = 100  # rows


def keys_of(rows: datasets.Dataset, column: str, *, by_pixels: bool = False) -> np.ndarray:
    """A number for each row's input, uint64 [rows], the same for the same inputs.

    Texts count as the same where only whitespace or Unicode form differ; images by their bytes, or by their pixels,
    which takes decoding them.
    """
    key = KEYS[column, by_pixels]
    return np.fromiter((key(value) for value in _inputs(rows, column)), np.uint64, len(rows))


def units_of(parts: Iterable[datasets.Dataset], column: str) -> np.ndarray:
    """A number for each row of some splits, one after another, int64 [rows]: the same for copies."""
    keys = [keys_of(rows, column) for rows in parts]
    found: np.ndarray = np.unique(np.concatenate(keys), return_inverse=True)[1]
    return found


def _inputs(rows: datasets.Dataset, column: str) -> Iterator[Any]:
    for batch in rows.select_columns([column]).with_format("arrow").iter(AT_ONCE):
        for value in batch[column].to_pylist():
            yield value["bytes"] if isinstance(value, dict) else value


def _of_bytes(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest())


KEYS: dict[tuple[str, bool], Callable[[Any], int]] = {
    ("text", False): likeness.key,
    ("text", True): likeness.key,
    ("image", False): _of_bytes,
    ("image", True): looks.pixels,
}
