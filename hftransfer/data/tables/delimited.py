"""CSV, TSV and their relatives: encoding, delimiter, quotes and header are found out."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, BinaryIO

from ...errors import SourceError
from ...values import Problem
from ..rows import Table, cells_size, first_of
from .conll import is_conll, read_conll
from .decoding import encoding_of, opened
from .naming import KNOWN, normal

DELIMITERS = ",;\t|"
LOOK = 2000  # rows looked at
csv.field_size_limit(2**24)  # the module's own limit is shorter than a long document

Opener = Callable[[], BinaryIO]
Cells = tuple[Any, ...]


@dataclass(frozen=True)
class Dialect:
    """How a file is written; `quoting` is csv's constant."""

    encoding: str
    delimiter: str
    quoting: int


def read_delimited(place: str, opener: Opener) -> Table:
    """A table of strings; columns are called 0, 1, … where there is no header.

    Raises:
        SourceError: the file is empty, or is no table.
    """
    encoding, problems = encoding_of(place, opener)
    if is_conll(encoding, opener):
        return read_conll(place, opener)
    dialect = _dialect(place, encoding, opener)
    records = (cells for _, cells in _records(place, opener, dialect))
    look = list(first_of(records, LOOK, cells_size))
    if not look:
        raise SourceError("the table is empty", place=place, fix="give a table with a row for each example")
    width = Counter(map(len, look)).most_common(1)[0][0]
    place_of = _header_at(look, width)
    if place_of is None:
        names, told = tuple(map(str, range(width))), [_no_header(place, width)]
    else:
        header = look[place_of]
        names = _names(header)
        told = [*([_title(place, look[0])] if place_of else []), *_oddities(place, header, names)]
    rows = partial(_rows, place, opener, dialect, 0 if place_of is None else place_of + 1, len(names))
    return Table(place, names, rows, (*problems, *told))


def _header_at(look: Sequence[Sequence[str]], width: int) -> int | None:
    """Which record names the columns, if one does: the first, or the first below a title."""
    above = next((place for place, cells in enumerate(look) if width == 1 or not _is_title(cells)), 0)
    rows = [cells for cells in look[above:] if len(cells) == width]
    return above if _has_header(rows, look[above]) else None


def _is_title(cells: Sequence[str]) -> bool:
    return sum(bool(cell.strip()) for cell in cells) == 1


def _names(header: Sequence[str]) -> tuple[str, ...]:
    """The columns' names; one without a name goes by its number."""
    return tuple(name.strip(" \t\ufeff") or str(number) for number, name in enumerate(header))


def _rows(place: str, opener: Opener, dialect: Dialect, above: int, width: int) -> Iterator[tuple[int, Cells | None]]:
    for line, cells in islice(_records(place, opener, dialect), above, None):
        while len(cells) > width and not cells[-1].strip():  # a delimiter at the line's end
            cells = cells[:-1]
        yield line, tuple(cells) if len(cells) == width else None


def _records(place: str, opener: Opener, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The records with the lines they start at; blank lines are left out, and a spreadsheet's `sep=;`."""
    with opened(opener, dialect.encoding, newline="") as file:
        reader = csv.reader(file, delimiter=dialect.delimiter, quoting=dialect.quoting)  # type: ignore[arg-type]
        start = 1
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells) and not (start == 1 and _is_sep(dialect.delimiter.join(cells))):
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            raise SourceError(
                f"the table cannot be read past a line: {error}",
                place=f"{place}:{start}",
                fix="look for a quote that is never closed",
            ) from error


def _dialect(place: str, encoding: str, opener: Opener) -> Dialect:
    """The delimiter and quoting under which the most lines have the same number of cells."""
    with opened(opener, encoding, newline="") as file:
        head = [line for line in first_of(file, LOOK, len) if not _is_sep(line)]
    order = "\t,;|" if place.lower().endswith((".tsv", ".tab", ".txt")) else DELIMITERS
    scores = {delimiter: _evenness(head, delimiter, csv.QUOTE_MINIMAL) for delimiter in order}
    plain = {delimiter: _evenness(head, delimiter, csv.QUOTE_NONE) for delimiter in order}
    best = max(order, key=lambda delimiter: max(scores[delimiter], plain[delimiter]))
    literal = plain[best] > scores[best] or (plain[best] == scores[best] and not _balanced(head, best))
    return Dialect(encoding, best, csv.QUOTE_NONE if literal else csv.QUOTE_MINIMAL)


def _is_sep(line: str) -> bool:
    return re.fullmatch(r'\ufeff?"?sep=.?"?\s*', line, re.IGNORECASE) is not None


def _evenness(head: Sequence[str], delimiter: str, quoting: int) -> float:
    """The share of lines in records of the usual width; 0 where that is one cell."""
    reader = csv.reader(head, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    lines: Counter[int] = Counter()
    before = 0
    try:
        for cells in reader:
            if cells:
                lines[len(cells)] += 1
            before = reader.line_num
    except csv.Error:
        lines[0] += len(head) - before
    width, usual = max(lines.items(), key=lambda item: item[1], default=(0, 0))
    return usual / lines.total() if width > 1 else 0.0


def _balanced(head: Sequence[str], delimiter: str) -> bool:
    """Whether quotes open and close cells in every line, so that they are no part of the texts."""
    try:
        return all(list(csv.reader([line], delimiter=delimiter, strict=True)) for line in head if '"' in line)
    except csv.Error:
        return False


def _has_header(look: Sequence[Sequence[str]], first: Sequence[str]) -> bool:
    """Whether the first row names columns: by known names, or by being unlike the rest."""
    rest = [row for row in look if row is not first]
    named = [place for place, cell in enumerate(first) if cell.strip()]  # spreadsheets leave empty columns behind
    columns = [column for place, column in enumerate(zip(*rest, strict=True)) if place in named]
    first = [first[place] for place in named]
    again = [cell in column for cell, column in zip(first, columns, strict=False)]
    known = [normal(cell) in KNOWN for cell in first]
    if any(name and not seen for name, seen in zip(known, again, strict=False)) or (all(known) and not rest):
        return True
    if not rest or any(again) or len(set(first)) < len(first):
        return False
    return any(_unlike(cell, column) for cell, column in zip(first, columns, strict=False))


def _unlike(cell: str, column: Sequence[str]) -> bool:
    """A word over numbers, or an identifier over sentences."""
    if all(map(_is_number, column)):
        return not _is_number(cell)
    sentences = sum(" " in other.strip() for other in column)
    return bool(re.fullmatch(r"\w{1,30}", cell.strip())) and sentences > 0.9 * len(column)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _oddities(place: str, header: Sequence[str], names: Sequence[str]) -> Iterator[Problem]:
    """What to say of a header: names with whitespace around them, and names that come twice."""
    given = [(name, cell.strip("\ufeff")) for name, cell in zip(names, header, strict=True)]
    padded = [name for name, cell in given if cell.strip() and cell != name]
    if padded:
        yield Problem(
            "header-whitespace",
            "info",
            place,
            f"the names of columns have whitespace around them, which was left out: {_listed(padded)}",
            "nothing needs to be done here; other programs may take it for a part of the names",
        )
    twice = [name for number, name in enumerate(names) if normal(name) in map(normal, names[:number])]
    if twice:
        yield Problem(
            "duplicate-column",
            "warning",
            place,
            f"several columns have the same name, and the first is the one that is meant by it: {_listed(twice)}",
            "rename the others",
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:5]) + (", …" if len(names) > 5 else "")


def _title(place: str, cells: Sequence[str]) -> Problem:
    return Problem(
        "title",
        "info",
        place,
        f"what stands above the header was left out: {' '.join(cells).strip()[:80]}",
        "if it is a row, give the table a header as its first line",
    )


def _no_header(place: str, width: int) -> Problem:
    return Problem(
        "no-header",
        "info",
        place,
        f"the table has no header: its columns are called 0 to {width - 1}",
        "address columns by these numbers, or write a first line with their names",
    )
