"""CoNLL files: a word a line with its tag last, a blank line after each sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from ...errors import SourceError
from ..rows import Table, first_of
from .decoding import encoding_of, opened
from .spans import are_tags

Opener = Callable[[], BinaryIO]
Numbered = Iterator[tuple[int, str]]
LOOK = 5000  # lines looked at
LONGEST = 2**20  # letters of a line
SURE = 0.9  # of the lines of a file under another name are words with tags
WORDS, TAGS = "tokens", "tags"
# Universal Dependencies have these, and the part of speech for a tag.
UD = ("id", WORDS, "lemma", TAGS, "xpos", "feats", "head", "deprel", "deps", "misc")
_DOCUMENT = re.compile(r"-DOCSTART-(\s.*)?")
_COMMENT = re.compile(r"#\s*[\w.-]+\s*=.*|#\s*newdoc\b.*|#\s*newpar\b.*")


@dataclass(frozen=True)
class Form:
    """How a file is written: what stands between cells (a tab, or spaces), and how many there are."""

    tabs: bool
    width: int

    def cells(self, line: str) -> list[str]:
        return line.rstrip("\t").split("\t") if self.tabs else re.split("[ \t]+", line.strip(" \t"))

    def is_word(self, line: str) -> bool:
        """Whether a line is no comment and no document's beginning: a word may be a # as well."""
        aside = _DOCUMENT.fullmatch(line) or _COMMENT.fullmatch(line)
        return not aside and not (line.startswith("#") and len(self.cells(line)) != self.width)


def read_conll(place: str, opener: Opener) -> Table:
    """A table of sentences: `tokens`, `tags` (the last column), and those between by their numbers.

    Raises:
        SourceError: there are no words in it.
    """
    encoding, problems = encoding_of(place, opener)
    form = _form(_head(encoding, opener))
    if form is None:
        raise SourceError(
            "there are no words with tags in it",
            place=place,
            fix="give a word and its tag a line, and a blank line after each sentence",
        )
    rows = partial(_sentences, opener, encoding, form)
    return Table(place, _names(form, rows), rows, problems)


def is_conll(encoding: str, opener: Opener) -> bool:
    """Whether a file under another name is one: sentences of lines of one width, each with a tag last."""
    lines = _head(encoding, opener)
    form = _form(lines)
    if form is None or form.width < 2 or not any(not line.strip() for line in lines):
        return False
    words = [cells for line in lines if line.strip() and form.is_word(line) for cells in [form.cells(line)]]
    even = [cells for cells in words if len(cells) == form.width]
    return len(even) >= SURE * len(words) and are_tags([cells[-1].strip() for cells in even])


def _names(form: Form, rows: Callable[[], Iterator[Any]]) -> tuple[str, ...]:
    if form.width == 1:
        return (WORDS,)
    if form.width == len(UD) and _are_numbered(rows()):
        return UD
    return (WORDS, *map(str, range(1, form.width - 1)), TAGS)


def _are_numbered(rows: Iterator[tuple[int, Any]]) -> bool:
    first = next((cells for _, cells in rows if cells), None)
    return first is not None and all(re.fullmatch(r"\d+([-.]\d+)?", cell) for cell in first[0])


def _head(encoding: str, opener: Opener) -> list[str]:
    """The first lines."""
    with opened(opener, encoding) as file:
        return [line.rstrip("\r\n") for line in first_of(iter(lambda: file.readline(LONGEST), ""), LOOK, len)]


def _form(lines: Sequence[str]) -> Form | None:
    """Tabs where most lines have one; the width that most have."""
    words = [line for line in lines if line.strip() and not line.startswith("#") and not _DOCUMENT.fullmatch(line)]
    if not words:
        return None
    tabs = sum("\t" in line for line in words) * 2 > len(words)
    widths = Counter(len(Form(tabs, 0).cells(line)) for line in words)
    return Form(tabs, widths.most_common(1)[0][0])


def _sentences(opener: Opener, encoding: str, form: Form) -> Iterator[tuple[int, tuple[Any, ...] | None]]:
    """The columns of each sentence, with the line that it begins at; None where a line of it is broken."""
    with opened(opener, encoding) as file:
        start = 1
        sentence: list[list[str]] = []
        for number, line in enumerate(iter(lambda: file.readline(LONGEST), ""), 1):
            line = line.rstrip("\r\n")
            if line.strip() and not _DOCUMENT.fullmatch(line):
                if form.is_word(line):
                    start = start if sentence else number
                    sentence.append(form.cells(line))
            elif sentence:
                yield start, _columns(sentence, form.width)
                sentence = []
        if sentence:
            yield start, _columns(sentence, form.width)


def _columns(sentence: Sequence[list[str]], width: int) -> tuple[Any, ...] | None:
    """The columns of a sentence; words of several words, and words that are not written, are numbered otherwise."""
    if any(len(cells) != width for cells in sentence):
        return None
    plain = [cells for cells in sentence if width != len(UD) or not re.fullmatch(r"\d+[-.]\d+", cells[0])]
    return tuple(map(list, zip(*plain, strict=True))) if plain else None
