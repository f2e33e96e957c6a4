"""What readers hand on: tables as they lie there, and rows on their way in."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from ..values import SPLITS, Problem
from .tables.spelling import parsed

ALL = "all"  # the part of a source that brings no splits
LOOK_BYTES = 2**23
MISSING = {"", "nan", "NaN", "null", "NULL", "<NA>"}

T = TypeVar("T")


class Row(NamedTuple):
    """One row before it is checked.

    `input` is a text, two texts, an image's bytes, or an image's path for `Found.read`;
    None where nothing could be read. `label` is None where it is missing. `fault` is the
    code of what is wrong with the row, where its reader knows.
    """

    input: str | tuple[str, str] | bytes | None
    label: str | None
    origin: str
    fault: str = ""


@dataclass(frozen=True)
class Table:
    """Named columns and a way to go through the rows, again and again.

    `rows` yields (line, cells); cells is None where the line does not fit the columns.
    """

    place: str
    names: tuple[str, ...]
    rows: Callable[[], Iterator[tuple[int, tuple[Any, ...] | None]]]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a reader found in a source, before any row is read.

    `parts` maps split names, or `ALL` alone, to a way to go through the rows; `read`
    gives the bytes at an image's path; `key` changes whenever the content does;
    `unlabelled` names the splits that are there without any labels; `columns` says which
    there are in a table (`names`), and which hold the `input`, the second texts (`pair`)
    and the `labels`.
    """

    name: str
    place: str
    modality: str
    key: str
    parts: Mapping[str, Callable[[], Iterator[Row]]]
    read: Callable[[str], bytes] | None = None
    problems: tuple[Problem, ...] = ()
    unlabelled: tuple[str, ...] = ()
    columns: Mapping[str, Any] | None = None


_SYNONYMS = {
    **dict.fromkeys(("train", "training"), SPLITS[0]),
    **dict.fromkeys(("validation", "valid", "val", "dev", "devel", "eval", "evaluation"), SPLITS[1]),
    **dict.fromkeys(("test", "testing"), SPLITS[2]),
}


def split_named(name: str) -> str | None:
    """The split that a folder's or a part's name stands for, whatever its case."""
    return _SYNONYMS.get(name.strip().lower())


def split_in(path: str) -> str | None:
    """The split that a file's path speaks of: `data/train-00000-of-00002.parquet` is of train."""
    words = re.split(r"[^A-Za-z]+", path.rsplit(".", 1)[0])
    return next((split for word in reversed(words) if (split := split_named(word))), None)


def first_of(items: Iterable[T], most: int, size: Callable[[T], int]) -> Iterator[T]:
    """The first items, as many as `most`, or fewer where they are long: enough to look at."""
    room = LOOK_BYTES
    for item in islice(items, most):
        yield item
        room -= size(item)
        if room < 0:
            return


def cells_size(cells: Sequence[Any]) -> int:
    """About how much memory a row's cells take, in bytes."""
    return sum(len(cell) for cell in cells if isinstance(cell, (str, bytes)))


def storable(text: str) -> str:
    """The text with what UTF-8 cannot write replaced: names of files may be any bytes, JSON may hold half a pair."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def label_text(value: Any) -> str | None:
    """A label as it is shown: stripped, whole numbers without a fraction, lists as JSON; None where it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (list, tuple, dict)):
        return written(value)
    text = str(value).strip()
    if text in MISSING:
        return None
    if text.startswith("["):
        return _as_json(text)
    return text.split(".")[0] if re.fullmatch(r"-?\d+\.0+", text) else text


def _as_json(text: str) -> str:
    """A list as Python writes it, which many tables hold, as JSON; any other text as it is."""
    found = parsed(text) if "'" in text else None
    return written(found) if isinstance(found, (list, tuple)) else text


def written(value: Any) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def digest(*parts: Any) -> str:
    """A name for a content: 32 hexadecimal digits."""
    return digest_all(str(part).encode("utf-8", "surrogatepass") for part in parts)


def digest_all(chunks: Iterable[bytes]) -> str:
    """The same for bytes that come one chunk after another; where chunks end matters."""
    state = hashlib.blake2b(digest_size=16)
    for chunk in chunks:
        state.update(len(chunk).to_bytes(8, "little"))
        state.update(chunk)
    return state.hexdigest()
