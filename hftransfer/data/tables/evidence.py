"""What the first rows of a table say of its columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from statistics import fmean
from typing import Any

from ..pictures.images import is_image_path
from ..rows import Table, cells_size, first_of, label_text
from .naming import NAMES, first_named, is_id, normal
from .spelling import places, words_of

SAMPLE = 5000  # rows looked at
MOST = 0.8  # of the cells say what a column is: the others are told of
WORDS_EACH = 3  # a text of fewer may be a name
ALIKE = 2.0  # texts of a pair are no more times longer than each other
FLAGS = {"0", "1", "true", "false"}
_CODE = re.compile(r"[!-~]*\d[!-~]*")


class Sample:
    """The first rows of a table, column by column."""

    def __init__(self, table: Table) -> None:
        self.table = table
        rows = (cells for _, cells in table.rows() if cells is not None)
        whole = list(first_of(rows, SAMPLE, cells_size))
        self._ids: dict[str, bool] = {}
        self.cells: dict[str, list[Any]] = dict.fromkeys(table.names, [])
        if whole:
            self.cells = dict(zip(table.names, map(list, zip(*whole, strict=True)), strict=True))

    def there(self, name: str) -> list[Any]:
        """A column's cells that are not empty."""
        return [cell for cell in self.cells[name] if not is_empty(cell)]

    def named(self, role: str, *, but: Collection[str | None]) -> str | None:
        """The column whose name speaks for the role: whole names first, then a word in the name."""
        names = [name for name in self.table.names if name not in but]
        words = (name for name in names if set(normal(name).split("_")) & set(NAMES[role]))
        unlike_ids = (name for name in words if not (is_id(name) and self.is_id(name)))
        return first_named(names, NAMES[role]) or next(unlike_ids, None)

    def image(self, but: Collection[str]) -> str | None:
        found = [name for name, cells in self.cells.items() if name not in but and _are_images(cells)]
        return first_named(found, NAMES["image"]) or next(iter(found), None)

    def longest(self, *, but: Collection[str | None]) -> str | None:
        """The column of the longest texts; those of several words go before names, codes and addresses."""
        lengths = {name: _mean_length(cells) for name, cells in self.cells.items() if name not in but}
        there = [name for name, length in lengths.items() if length]
        return max(there, key=lambda name: (self._are_texts(name), lengths[name]), default=None)

    def few(self, *, but: Collection[str | None]) -> str | None:
        """The column of the fewest distinct short values, two or more where there is one."""
        kinds = {
            name: len(values)
            for name, cells in self.cells.items()
            if name not in but
            and _mean_width(cells) <= 60
            and (values := {label_text(cell) for cell in cells} - {None})
        }
        likely = [name for name, count in kinds.items() if count <= max(2, len(self.cells[name]) // 2)]
        likely = [name for name in likely if not self.is_id(name)] or likely
        return min(likely, key=lambda name: (kinds[name] < 2, kinds[name])) if likely else None

    def numbers(self, *, but: Collection[str | None]) -> str | None:
        """The last column of numbers with decimals."""
        found = [name for name in self.cells if name not in but and self.are_numbers(name)]
        return next((name for name in reversed(found) if any("." in str(cell) for cell in self.there(name))), None)

    def flags(self, *, but: Collection[str | None]) -> tuple[str, ...]:
        """The other columns, where there are several, and each holds 0 or 1 or numbers the rows."""
        others = [name for name in self.cells if name not in but]
        found = tuple(name for name in others if self.are_flags(name))
        rest = (name for name in others if name not in found)
        return found if len(found) > 1 and all(is_id(name) or self.is_id(name) for name in rest) else ()

    def are_flags(self, name: str) -> bool:
        there = self.there(name)
        return bool(there) and all(str(label_text(cell)).lower() in FLAGS for cell in there)

    def are_numbers(self, name: str) -> bool:
        there = self.there(name)
        return bool(there) and sum(map(is_number, there)) >= MOST * len(there)

    def is_id(self, name: str) -> bool:
        """Whether a column numbers its rows: no value twice, and each a whole number or a code."""
        if name not in self._ids:
            self._ids[name] = _are_ids(self.cells[name])
        return self._ids[name]

    def pair(self, first: str, *, but: Collection[str | None]) -> str | None:
        """The column of texts like those of another: of about its length, and no names."""
        if not self._are_texts(first):
            return None
        length = _mean_length(self.cells[first])
        others = [name for name in self.cells if name != first and name not in but and self._are_texts(name)]
        lengths = {name: _mean_length(self.cells[name]) for name in others}
        return next((name for name in others if length / ALIKE <= lengths[name] <= length * ALIKE), None)

    def _are_texts(self, name: str) -> bool:
        """Whether cells are texts of several words, or Chinese, most of them unlike each other."""
        there = [cell for cell in self.there(name) if isinstance(cell, str) and not is_number(cell)]
        if len(there) < MOST * len(self.cells[name]) or len(set(there)) < len(there) / 2:
            return False
        return fmean(len(places(cell)) for cell in there) >= WORDS_EACH


def is_empty(cell: Any) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def is_number(cell: Any) -> bool:
    if isinstance(cell, str):
        return bool(re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", cell, re.IGNORECASE))
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def is_text(cell: Any) -> bool:
    """Whether a cell is a text, or the words of one; numbers are no texts."""
    return words_of(cell) is not None or (isinstance(cell, str) and not is_number(cell))


def _are_ids(cells: Sequence[Any]) -> bool:
    texts = {str(cell) for cell in cells if isinstance(cell, (str, int)) and not is_empty(cell)}
    codes = sum(_CODE.fullmatch(text) is not None and not ("." in text and is_number(text)) for text in texts)
    return len(cells) > 2 and len(texts) == len(cells) and codes >= MOST * len(texts)


def _are_images(cells: Sequence[Any]) -> bool:
    there = [cell for cell in cells if cell is not None and cell != ""]
    hits = sum(isinstance(cell, bytes) or (isinstance(cell, str) and _is_file(cell)) for cell in there)
    return bool(there) and hits >= MOST * len(there)


def _is_file(cell: str) -> bool:
    return is_image_path(cell) and "://" not in cell and len(cell) < 1000


def _mean_length(cells: Sequence[Any]) -> float:
    return fmean(len(str(cell)) if is_text(cell) else 0 for cell in cells) if cells else 0.0


def _mean_width(cells: Sequence[Any]) -> float:
    return fmean(len(str(cell)) for cell in cells) if cells else 0.0
