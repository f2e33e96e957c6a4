"""A table's cells made into rows, by the form that its labels are written in."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from typing import Any

from ..rows import Row, Table, label_text, written
from .columns import Columns
from .evidence import is_empty
from .naming import normal
from .spans import Span, row_of, row_of_spans, row_of_tags, span
from .spelling import joined, words_of

Numbered = Iterator[tuple[str, tuple[Any, ...] | None]]


def rows_of(table: Table, columns: Columns) -> Iterator[Row]:
    """The table's rows."""
    return FORMS[columns.form](table, columns)


def _cells(table: Table, columns: Columns) -> Numbered:
    """Where each row stands, and its cells of the columns that are used; None where it is broken."""
    names = [normal(name) for name in table.names]
    places = [names.index(normal(name)) for name in columns.used]
    for line, cells in table.rows():
        yield f"{table.place}:{line}", None if cells is None else tuple(cells[place] for place in places)


def _plain(table: Table, columns: Columns) -> Iterator[Row]:
    """An input a row, or two texts, and a label in one column or in several."""
    image = partial(image_cell, posixpath.dirname(table.place))
    as_input: Callable[..., Any] = image if columns.modality == "image" else _pair if columns.pair else text_cell
    inputs = 2 if columns.pair else 1
    for origin, cells in _cells(table, columns):
        if cells is None:
            yield Row(None, None, origin)
        else:
            yield Row(as_input(*cells[:inputs]), _label(columns.labels, cells[inputs:]), origin)


def _label(names: tuple[str, ...], cells: tuple[Any, ...]) -> str | None:
    if len(names) == 1:
        return label_text(cells[0])
    texts = [_flag(label_text(cell)) for cell in cells]
    return None if None in texts else written(dict(zip(names, texts, strict=True)))


def _flag(text: str | None) -> str | None:
    """True and false as the numbers that they are beside others."""
    return {"true": "1", "false": "0"}.get((text or "").lower(), text)


def text_cell(cell: Any) -> str:
    """A cell as a text; a list of words is one."""
    if isinstance(cell, (list, tuple)):
        words = words_of(cell)
        return joined([word.strip() for word in words if word.strip()])[0] if words is not None else str(cell)
    return "" if cell is None or cell != cell else str(cell)


def _pair(first: Any, second: Any) -> tuple[str, str]:
    return text_cell(first), text_cell(second)


def image_cell(folder: str, cell: Any) -> str | bytes:
    if isinstance(cell, bytes):
        return cell
    path = text_cell(cell).strip().replace("\\", "/")
    return posixpath.normpath(posixpath.join(folder, path)) if path else ""


def _tags(table: Table, columns: Columns) -> Iterator[Row]:
    """Words and their tags, a list of each."""
    for origin, cells in _cells(table, columns):
        yield row_of_tags(cells[0], cells[1], origin) if cells else Row(None, None, origin)


def _spans(table: Table, columns: Columns) -> Iterator[Row]:
    """A text and, in one cell, its spans."""
    for origin, cells in _cells(table, columns):
        yield row_of_spans(text_cell(cells[0]), cells[1], origin) if cells else Row(None, None, origin)


def _places(table: Table, columns: Columns) -> Iterator[Row]:
    """A span a row: those of the same text belong together, wherever they stand."""
    gathered: dict[bytes, list[Span | None]] = {}
    for _, cells in _cells(table, columns):
        if cells is not None:
            text, kind, start, end = cells
            marked = not (is_empty(start) and is_empty(end))
            gathered.setdefault(_key(text), []).extend([span(start, end, kind)] if marked else [])
    for origin, cells in _cells(table, columns):
        if cells is None:
            yield Row(None, None, origin)
        elif (spans := gathered.pop(_key(cells[0]), None)) is not None:
            read = [one for one in spans if one is not None]
            yield row_of(text_cell(cells[0]), read if len(read) == len(spans) else None, origin)


def _key(text: Any) -> bytes:
    return blake2b(text_cell(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


FORMS: dict[str, Callable[[Table, Columns], Iterator[Row]]] = {
    "plain": _plain,
    "tags": _tags,
    "spans": _spans,
    "places": _places,
}
