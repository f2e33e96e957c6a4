"""Texts from the user's files, and endless variations on them. Labels are never read."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ....errors import ColumnError, SourceError, SourceMissing

LONGEST = 160  # words in one text, splices included
DELIMITERS = {".csv": ",", ".tsv": "\t"}

Words = list[str]


def read_texts(sources: Sequence[str | Path]) -> list[str]:
    """Every text once, in the order found.

    Args:
        sources: each a file or a folder of files, with the columns that hold texts after a
            colon: `reviews.csv:0`, `pairs.csv:0,1` (numbers from 0, no header) or
            `questions.tsv:text` (names in a header). `.txt` files hold a text a line,
            `.conll` files a word a line in their first column; these need no columns.

    Raises:
        SourceMissing: nothing is there.
        ColumnError: the table has no such column, or none was named.
        SourceError: a kind of file that is not read, or no text at all.
    """
    found = dict.fromkeys(" ".join(text.split()) for source in sources for text in _read(str(source)))
    found.pop("", None)
    if not found:
        raise SourceError("there is no text", place=", ".join(map(str, sources)), fix="name files that hold texts")
    return list(found)


def _read(source: str) -> Iterator[str]:
    path, columns = _parted(source)
    if not path.exists():
        raise SourceMissing("there is no such file or folder", place=str(path), fix="check the path")
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for file in files:
        try:
            yield from _read_file(file, columns)
        except (UnicodeDecodeError, csv.Error) as error:
            raise SourceError(f"the file cannot be read: {error}", place=str(file), fix="save it as UTF-8") from error


def _parted(source: str) -> tuple[Path, list[str]]:
    """PATH:COLUMN,COLUMN as its parts; a path may hold colons of its own."""
    before, colon, after = source.rpartition(":")
    if not colon or Path(source).exists():
        return Path(source), []
    return Path(before), after.split(",")


def _read_file(file: Path, columns: list[str]) -> Iterator[str]:
    kind = file.suffix.lower()
    if kind in DELIMITERS:
        return _cells(file, columns, DELIMITERS[kind])
    if kind == ".conll":
        return _sentences(file)
    if kind == ".txt":
        return iter(file.read_text(encoding="utf-8").splitlines())
    raise SourceError("this kind of file is not read", place=str(file), fix="give .txt, .csv, .tsv or .conll")


def _cells(file: Path, columns: list[str], delimiter: str) -> Iterator[str]:
    """Quotes mean something in comma-separated files alone."""
    with file.open(encoding="utf-8", newline="") as lines:
        quoted: Any = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
        rows = csv.reader(lines, delimiter=delimiter, quoting=quoted)
        first = next(rows, [])
        places = [_place(file, name, first) for name in columns]
        if not places:
            raise ColumnError("no column of texts is named", place=str(file), fix=f"write {file.name}:0, for example")
        if all(name.isdigit() for name in columns):
            yield from (first[place] for place in places)
        for row in rows:
            yield from (row[place] for place in places if place < len(row))


def _place(file: Path, name: str, first: list[str]) -> int:
    place = int(name) if name.isdigit() else first.index(name) if name in first else len(first)
    if place >= len(first):
        raise ColumnError(f"there is no column '{name}'", place=str(file), fix=f"the first row is: {first}")
    return place


def _sentences(file: Path) -> Iterator[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    for filled, group in groupby(lines, key=lambda line: bool(line.strip())):
        if filled:
            yield " ".join(line.split()[0] for line in group)


def vary(texts: Sequence[str], vocabulary: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` texts drawn with replacement: as they are, spliced, cut, thinned or with foreign words.

    The teacher reads what comes out, so that it need not make sense. The words of
    `vocabulary`, likeliest first, bring in what the texts themselves never speak of.
    """
    chance = random.Random(seed)
    ways, weights = zip(*WAYS, strict=True)
    drawn = chance.choices(ways, weights, k=count)
    made = (way(chance, _pick(chance, texts), texts, vocabulary) for way in drawn)
    return [" ".join(words[:LONGEST]) for words in made]


def _pick(chance: random.Random, texts: Sequence[str]) -> Words:
    return chance.choice(texts).split()


def _foreign(chance: random.Random, vocabulary: Sequence[str]) -> str:
    """Squared, so that frequent words come more often, and rare ones often enough."""
    return vocabulary[int(len(vocabulary) * chance.random() ** 2)]


def _as_is(chance: random.Random, words: Words, texts: Sequence[str], vocabulary: Sequence[str]) -> Words:
    return words


def _splice(chance: random.Random, words: Words, texts: Sequence[str], vocabulary: Sequence[str]) -> Words:
    """The beginning of one text, and the end of another."""
    other = _pick(chance, texts)
    return words[: chance.randint(1, len(words))] + other[chance.randrange(len(other)) :]


def _chain(chance: random.Random, words: Words, texts: Sequence[str], vocabulary: Sequence[str]) -> Words:
    """Several texts in a row, for the later positions."""
    return words + [word for _ in range(chance.randint(2, 7)) for word in _pick(chance, texts)]


def _span(chance: random.Random, words: Words, texts: Sequence[str], vocabulary: Sequence[str]) -> Words:
    start, end = sorted((chance.randrange(len(words)), chance.randrange(len(words))))
    return words[start : end + 1]


def _thin(chance: random.Random, words: Words, texts: Sequence[str], vocabulary: Sequence[str]) -> Words:
    return [word for word in words if chance.random() > 0.25] or words


def _sprinkle(chance: random.Random, words: Words, texts: Sequence[str], vocabulary: Sequence[str]) -> Words:
    return [_foreign(chance, vocabulary) if chance.random() < 0.35 else word for word in words]


def _salad(chance: random.Random, words: Words, texts: Sequence[str], vocabulary: Sequence[str]) -> Words:
    """No text at all: words of the vocabulary."""
    return [_foreign(chance, vocabulary) for _ in range(chance.randint(4, 16))]


WAYS: tuple[tuple[Callable[[random.Random, Words, Sequence[str], Sequence[str]], Words], int], ...] = (
    (_as_is, 45),
    (_splice, 12),
    (_chain, 3),
    (_span, 8),
    (_thin, 7),
    (_sprinkle, 17),
    (_salad, 8),
)
