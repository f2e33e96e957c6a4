"""Texts without labels: a line each of a plain file, or a column of a table."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ..errors import SourceError
from .columns import text_column
from .decoding import encoding_of, opened
from .tables import READERS

MOST, LONGEST = 100_000, 100_000  # texts, and letters of one


def read_inputs(path: Path, *, most: int = MOST) -> list[str]:
    """The texts of a file, in order, empty ones left out.

    Args:
        path: a .txt with a text a line; or a table, whose column of texts is found by name and by content.
        most: texts; a file of more is refused once that many are read.

    Raises:
        SourceError: the file is neither, cannot be read, or holds none or too many; ColumnError where no column does.
    """
    if path.suffix.lower() == ".txt":
        found = _lines(path)
    elif path.suffix.lower() in READERS:
        found = _of_table(path)
    else:
        fix = f"give a .txt with a text a line, or a table ({', '.join(READERS)})"
        raise SourceError("this file holds no texts that can be read", place=path.name, fix=fix)
    texts = list(islice((text.strip()[:LONGEST] for text in found if text.strip()), most + 1))
    if len(texts) > most:
        raise SourceError(f"there are more than {most:,} texts in it", place=path.name, fix="split the file")
    if not texts:
        raise SourceError("there is no text in it", place=path.name, fix="give a file with a text a line")
    return texts


def _lines(path: Path) -> Iterator[str]:
    encoding, _ = encoding_of(path.name, lambda: path.open("rb"))
    with opened(lambda: path.open("rb"), encoding) as file:
        while line := file.readline(LONGEST):
            yield line


def _of_table(path: Path) -> Iterator[str]:
    table = READERS[path.suffix.lower()](path.name, lambda: path.open("rb"))
    place = table.names.index(text_column(table))
    return (str(cells[place]) for _, cells in table.rows() if cells is not None and cells[place] is not None)


def as_pair(text: str) -> tuple[str, str]:
    """Two texts out of one: `["one", "other"]`, or with a tab between them.

    Raises:
        SourceError: it holds one text.
    """
    one, tab, other = text.partition("\t")
    if not tab:
        raise SourceError("the model compares two texts, and this is one", place="inputs", fix="put a tab between them")
    return one, other
