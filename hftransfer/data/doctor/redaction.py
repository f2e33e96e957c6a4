"""Rows on their way in, without what names a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from ...values import Problem
from ..rows import Found, Row, digest
from .edits import edited, moved_label, tags_words
from .personal import personal
from .sheet import texts_in

VERSION = 2  # of the rules; a change makes rows that were kept by others unused
Rows = Callable[[], Iterator[Row]]


def redacted(found: Found) -> Found:
    """The source with addresses and numbers in its texts replaced; nothing else of it is ever kept on disk."""
    if found.modality != "text":
        return found
    said = Problem(
        "redacted",
        "info",
        found.place,
        "e-mail addresses, phone numbers and card numbers are read as [email], [phone] and [card]",
        "write the same in place of them where the model is asked",
    )
    parts = {part: partial(_rows, rows) for part, rows in found.parts.items()}
    return replace(found, key=digest("redacted", VERSION, found.key), parts=parts, problems=(*found.problems, said))


def count_personal(found: Found, *, only: str = "", but: Sequence[str] = ()) -> int:
    """How many rows of texts name an address or a number: of a part alone where there is it, or without some."""
    if found.modality != "text":
        return 0
    parts = [only] if only in found.parts else [part for part in found.parts if part not in but]
    inputs = (row.input for part in parts for row in found.parts[part]() if row.input is not None)
    return sum(any(map(personal, texts_in(value))) for value in inputs if not isinstance(value, bytes))


def _rows(rows: Rows) -> Iterator[Row]:
    return map(_row, rows())


def _row(row: Row) -> Row:
    """Words with tags keep their places."""
    if isinstance(row.input, tuple):
        return row._replace(input=(_without(row.input[0]), _without(row.input[1])))
    if not isinstance(row.input, str) or not (edits := personal(row.input)):
        return row
    label = moved_label(row.label, edits) if row.label and tags_words(row.label) else row.label
    return row._replace(input=edited(row.input, edits), label=label)


def _without(text: str) -> str:
    return edited(text, personal(text))
