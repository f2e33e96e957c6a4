"""Texts without labels: a line each of a plain file, or a column or two of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import SourceError
from .tables.choose import text_columns
from .tables.decoding import encoding_of, opened
from .tables.naming import NAMES, first_named, pair_in
from .tables.reading import READERS
from .tables.shapes import text_cell
from .tables.spelling import parsed, words_of

MOST, LONGEST = 100_000, 100_000  # texts, and letters of one
PLAIN = ".txt"

Text = str | tuple[str, str]


def read_inputs(path: Path, *, most: int = MOST, pair: bool = False) -> list[Any]:
    """The texts of a file, in order, empty ones left out.

    Args:
        path: a .txt with a text a line; or a table, whose column of texts is found by name and by content.
        most: texts; a file of more is refused once that many are read.
        pair: whether the texts are pairs: two columns of a table, or lines as `as_pair` reads them. Each is a tuple
            of two then.

    Raises:
        SourceError: the file is neither, cannot be read, or holds none or too many; ColumnError where no column does.
    """
    if path.suffix.lower() == PLAIN:
        found = _lines(path, pair)
    elif path.suffix.lower() in READERS:
        found = _of_table(path, pair)
    else:
        fix = f"give a .txt with a text a line, or a table ({', '.join(READERS)})"
        raise SourceError("this file holds no texts that can be read", place=path.name, fix=fix)
    texts = list(islice(found, most + 1))
    if len(texts) > most:
        raise SourceError(f"there are more than {most:,} texts in it", place=path.name, fix="split the file")
    if not texts:
        raise SourceError("there is no text in it", place=path.name, fix="give a file with a text a line")
    return texts


def as_pair(text: Any, *, place: str = "inputs") -> tuple[str, str]:
    """Two texts of one input: a tuple or list of them, JSON (`["one", "two"]` or `{"text": …, "text_pair": …}`), or
    with a tab between them.

    Raises:
        SourceError: it is none of these, or one of the texts is empty.
    """
    value = parsed(text) if isinstance(text, str) else text
    if isinstance(value, Mapping):
        names = pair_in([str(name) for name in value])
        value = [value.get(name) for name in names] if names else None
    elif value is None and isinstance(text, str):
        value = text.split("\t")
    two = list(value) if isinstance(value, (list, tuple)) else []
    if len(two) != 2 or not all(isinstance(one, str) and one.strip() for one in two):
        raise SourceError(
            f"'{str(text)[:60]}' is no pair of texts",
            place=place,
            fix='give each input as ["one", "two"], as {"text": "one", "text_pair": "two"}, or with a tab between them',
        )
    return two[0].strip()[:LONGEST], two[1].strip()[:LONGEST]


def _lines(path: Path, pair: bool) -> Iterator[Text]:
    encoding, _ = encoding_of(path.name, lambda: path.open("rb"))
    with opened(lambda: path.open("rb"), encoding) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST), ""), 1):
            if line.strip():
                yield as_pair(line.strip("\r\n"), place=f"{path.name}:{number}") if pair else line.strip()


def _of_words(cell: Any) -> str:
    """A cell that holds words, as a list or as the text of one."""
    words = words_of(cell)
    return text_cell(cell if words is None else words)


def _of_table(path: Path, pair: bool) -> Iterator[Text]:
    table = READERS[path.suffix.lower()](path.name, lambda: path.open("rb"))
    columns = text_columns(table, pair=pair)
    places = [table.names.index(name) for name in columns]
    as_text = _of_words if first_named(columns, NAMES["words"]) else text_cell
    for line, cells in table.rows():
        texts = [as_text(cells[place]).strip()[:LONGEST] for place in places] if cells is not None else [""]
        if all(texts) and pair:
            yield texts[0], texts[1]
        elif any(texts) and pair:
            raise SourceError(
                "a row has one text, and not two", place=f"{path.name}:{line}", fix="fill it in, or delete the row"
            )
        elif all(texts):
            yield texts[0]
