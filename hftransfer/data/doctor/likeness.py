"""Texts that say almost the same: by MinHash, in time that grows with the rows, then by true overlap.

A text is its runs of one, two and three words (in Chinese, characters), without case and
punctuation. Two are alike where four fifths of all their runs are in both: one other
word in twenty, or none in a short text.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from .sheet import Sheet, texts_in

ALIKE = 0.8
BANDS, DEPTH = 12, 5  # of two texts that are so much alike, 1 % share no band
LEAST_AGREED = 0.6  # of the hashes: fewer are three deviations below
AT_ONCE = 1000  # pairs that are compared together
LONGEST = 50_000  # characters of a text that are looked at
NEIGHBOURS = 2
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]|[^\W_]+")
_SEEDS = np.random.default_rng(20261121).integers(1, 2**63, (3, BANDS * DEPTH), dtype=np.uint64)
_MULTIPLY, _ADD = _SEEDS[0] | np.uint64(1), _SEEDS[1]
_MIX = np.uint64(0x9E3779B97F4A7C15)


def key(value: Any) -> int:
    """The same for texts that differ in nothing but their whitespace and Unicode form."""
    plain = "\0".join(" ".join(unicodedata.normalize("NFC", text).split()) for text in texts_in(value))
    return int.from_bytes(blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def similar(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of rows, [pairs, 2]: whose words are the same, each with the first; and which are alike, of these first."""
    same, marks = _marked(sheet)
    rows, first, place = np.unique(same, return_index=True, return_inverse=True)
    equal = np.stack([first[place], np.arange(len(same))], 1)
    equal = equal[(equal[:, 0] != equal[:, 1]) & (same[equal[:, 1]] != 0)]
    first = np.sort(first[rows != 0])
    candidates = first[_candidates(marks[first])]
    agreed = np.concatenate([_agreed(marks, part) for part in _parts(candidates, 2**16)] or [candidates])
    return equal, np.concatenate([candidates[:0], *(_verified(sheet, part) for part in _parts(agreed, AT_ONCE))])


def _marked(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Of each row: a number for its words, 0 where it has none; and its hashes."""
    same = np.zeros(len(sheet), dtype=np.uint64)
    marks = np.zeros((len(sheet), BANDS * DEPTH), dtype=np.uint32)
    for start, values in sheet.stretches():
        runs, ends = _runs([_words(value) for value in values])
        filled = np.flatnonzero(np.diff(ends, prepend=0))
        begins = np.concatenate([[0], ends[:-1]])[filled]
        if len(filled):
            rows = start + filled
            same[rows] = np.add.reduceat(runs * (runs >> np.uint64(7)), begins) | np.uint64(1)
            for number in range(BANDS * DEPTH):
                mixed = (runs * _MULTIPLY[number] + _ADD[number]) >> np.uint64(32)
                marks[rows, number] = np.minimum.reduceat(mixed, begins)
    return same, marks


def _words(value: Any) -> list[int]:
    """A text's words as numbers; between the texts of a pair stands one that is no word."""
    texts = (unicodedata.normalize("NFKC", text[:LONGEST]).casefold() for text in texts_in(value))
    found = [[zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in WORD.findall(text)] for text in texts]
    return [number for part in found for number in (*part, 0)][:-1] if any(found) else []


def _runs(texts: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """The runs of all texts, one after another, and where each text's end."""
    counts = np.array([len(text) for text in texts])
    row = np.repeat(np.arange(len(texts)), counts)
    one = _mixed(np.fromiter((number for text in texts for number in text), np.uint64, int(counts.sum())))
    pairs = np.flatnonzero(row[1:] == row[:-1])
    two = _mixed(one[pairs] * np.uint64(3) + one[pairs + 1])
    triples = np.flatnonzero(row[2:] == row[:-2])
    three = _mixed(one[triples] * np.uint64(5) + one[triples + 1] * np.uint64(3) + one[triples + 2])
    rows = np.concatenate([row, row[pairs], row[triples]])
    order = np.argsort(rows, kind="stable")
    return np.concatenate([one, two, three])[order], np.cumsum(np.bincount(rows, minlength=len(texts)))


def _mixed(numbers: np.ndarray) -> np.ndarray:
    mixed = (numbers ^ (numbers >> np.uint64(29))) * _MIX
    return mixed ^ (mixed >> np.uint64(32))


def _candidates(marks: np.ndarray) -> np.ndarray:
    """Pairs of rows that share a band of hashes.

    In a band's bucket, however full, each is paired with its few neighbours alone, in the order of
    the other hashes too: the work grows with the rows, and what is alike stands side by side.
    """
    found = [np.zeros((0, 2), dtype=np.int64)]
    for band in range(BANDS):
        columns = np.roll(marks, -band * DEPTH, axis=1)[:, : 2 * DEPTH]
        keys = np.ascontiguousarray(columns[:, :DEPTH])
        order = np.lexsort(columns.T[::-1])
        bucket = keys[order]
        for step in range(1, NEIGHBOURS + 1):
            near = (bucket[step:] == bucket[:-step]).all(1)
            found.append(np.stack([order[:-step][near], order[step:][near]], 1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _agreed(marks: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return pairs[(marks[pairs[:, 0]] == marks[pairs[:, 1]]).mean(1) >= LEAST_AGREED]


def _verified(sheet: Sheet, pairs: np.ndarray) -> np.ndarray:
    """The pairs whose texts truly overlap so much."""
    rows = np.unique(pairs)
    runs = {row: _set(value) for row, value in zip(rows.tolist(), sheet.inputs(rows), strict=True)}
    alike = [_overlap(runs[one], runs[other]) >= ALIKE for one, other in pairs.tolist()]
    return pairs[np.array(alike, dtype=bool)]


def _set(value: Any) -> np.ndarray:
    return np.unique(_runs([_words(value)])[0])


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(1, len(one) + len(other) - both)


def _parts(pairs: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]
