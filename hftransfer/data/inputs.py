"""Texts without labels: a line each of a plain file, or a column of a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import SourceError
from .columns import text_column
from .decoding import decode
from .tables import READERS


def read_inputs(path: Path) -> list[str]:
    """The texts of a file, in order, empty ones left out.

    Args:
        path: a .txt with a text a line; or a table, whose column of texts is found by name and by content.

    Raises:
        SourceError: the file is neither, cannot be read, or holds no text; ColumnError where no column does.
    """
    if path.suffix.lower() == ".txt":
        found = iter(decode(path.read_bytes()).splitlines())
    elif path.suffix.lower() in READERS:
        found = _of_table(path)
    else:
        fix = f"give a .txt with a text a line, or a table ({', '.join(READERS)})"
        raise SourceError("this file holds no texts that can be read", place=path.name, fix=fix)
    texts = [text.strip() for text in found if text.strip()]
    if not texts:
        raise SourceError("there is no text in it", place=path.name, fix="give a file with a text a line")
    return texts


def _of_table(path: Path) -> Iterator[str]:
    table = READERS[path.suffix.lower()](path.name, lambda: path.open("rb"))
    place = table.names.index(text_column(table))
    return (str(cells[place]) for _, cells in table.rows() if cells is not None and cells[place] is not None)
