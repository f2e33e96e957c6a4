"""Rows on their way in, set right where that loses nothing: texts cleaned, spellings of labels merged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import ftfy

from ...tasks.tokens import split
from ..labels.reading import Reading
from ..rows import Found, Row, digest
from .edits import Edit, edited, moved_label, tags_words
from .texts import has_mojibake, hidden_edits, margin_edits

VERSION = 1  # of what is done
Rows = Callable[[], Iterator[Row]]


@dataclass(frozen=True)
class Mending:
    """What is done to rows: labels in `ways` become the names that they stand for."""

    reading: Reading
    ways: Mapping[str, str]
    texts: bool  # whether inputs are texts, and not images' paths

    def __call__(self, found: Found) -> Found:
        key = digest("mended", VERSION, self.reading.target.name, sorted(self.ways.items()), found.key)
        return replace(found, key=key, parts={part: partial(self._rows, rows) for part, rows in found.parts.items()})

    def _rows(self, rows: Rows) -> Iterator[Row]:
        return map(self.row, rows())

    def row(self, row: Row) -> Row:
        """The row with its texts and its label set right; words with tags keep their places."""
        label = self._label(row.label) if row.label else row.label
        if isinstance(row.input, tuple):
            return row._replace(input=(clean(row.input[0]), clean(row.input[1])), label=label)
        if not isinstance(row.input, str) or not self.texts:
            return row._replace(label=label)
        if label is None or not tags_words(label):
            return row._replace(input=clean(row.input), label=label)
        text = row.input
        for find in (hidden_edits, margin_edits):  # a wrong encoding stays: nobody knows where each word would be
            edits = [Edit(*edit) for edit in find(text)]
            text, label = edited(text, edits), moved_label(label, edits)
        return row._replace(input=text, label=label)

    def _label(self, text: str) -> str:
        if not self.ways or text.strip() in self.reading.unreadable:
            return text
        return RELABELLED[self.reading.target.shape](text, self.reading, self.ways)


def clean(text: str) -> str:
    """The text in its own encoding, without what nobody sees, and without whitespace around it."""
    whole = ftfy.fix_encoding(text) if has_mojibake(text) else text
    for find in (hidden_edits, margin_edits):
        whole = edited(whole, [Edit(*edit) for edit in find(whole)])
    return whole


def _class(text: str, reading: Reading, ways: Mapping[str, str]) -> str:
    return ways.get(text, text)


def _flags(text: str, reading: Reading, ways: Mapping[str, str]) -> str:
    """All as lists, so that all are written in one way."""
    names = dict.fromkeys(ways.get(name, name) for name in reading.target.names(reading.read(text)))
    return json.dumps(list(names), ensure_ascii=False)


def _numbers(text: str, reading: Reading, ways: Mapping[str, str]) -> str:
    return text


def _tags(text: str, reading: Reading, ways: Mapping[str, str]) -> str:
    words = [(word.start, word.end, *split(word.tag)) for word in reading.read(text)]
    tagged = [[start, end, f"{mark}-{ways.get(kind, kind)}" if kind else mark] for start, end, mark, kind in words]
    return json.dumps(tagged, ensure_ascii=False)


RELABELLED: dict[str, Callable[[str, Reading, Mapping[str, str]], str]] = {
    "class": _class,
    "flags": _flags,
    "numbers": _numbers,
    "tags": _tags,
}
