"""What is odd about labels: one name written in several ways, classes out of balance, numbers far off."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import ftfy
import numpy as np

from ...values import Problem
from ..checks import counted_rows, first_few
from ..labels.reading import Reading
from .sheet import Sheet
from .texts import has_mojibake

MOST_UNEVEN = 10  # rows of the largest class to one of the smallest
FAR = 10.0  # times the middle half's width, beyond it
LEAST_NUMBERS = 20
NEAR = 0.1  # of a range: who measured twice may differ by so much
CJK = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff]) | (?=[\u3040-\u30ff\u3400-\u9fff])")
SEVERITY = {"class": "warning", "flags": "info", "tags": "info"}  # of imbalance, where it is of any meaning


def name_counts(sheet: Sheet, reading: Reading) -> dict[str, int]:
    """How many rows have each name, of labels that can be read."""
    counts: Counter[str] = Counter()
    for text, rows in Counter(sheet.labels).items():
        if text not in reading.unreadable:
            for name in reading.target.names(reading.read(text)):
                counts[name] += rows
    return dict(counts)


def spellings(names: Mapping[str, int]) -> dict[str, str]:
    """The names that are another one, written in another way: each to the most frequent way, the plain one of equals.

    Letters alone, such as `a` and `A`, are names of their own. What was decoded wrongly has no right way but one.
    """
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(_plain(name), []).append(name)
    best = {kind: _decoded(max(ways, key=lambda way: (names[way], way == _tidy(way)))) for kind, ways in kinds.items()}
    return {way: best[kind] for kind, ways in kinds.items() for way in ways if way != best[kind]}


def _plain(name: str) -> str:
    same = _tidy(_decoded(name))
    return same if len(same) == 1 else unicodedata.normalize("NFKC", CJK.sub("", same).casefold())


def _tidy(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).split())


def _decoded(name: str) -> str:
    return ftfy.fix_encoding(name) if has_mojibake(name) else name


def told(sheet: Sheet, reading: Reading) -> Iterator[Problem]:
    """All that is odd about the labels of all parts together."""
    names = name_counts(sheet, reading)
    yield from _told_spellings(sheet, reading, spellings(names))
    yield from _told_balance(names, SEVERITY.get(reading.target.shape, ""))
    if reading.target.shape == "numbers":
        yield from _told_numbers(sheet, reading)


def _told_spellings(sheet: Sheet, reading: Reading, ways: Mapping[str, str]) -> Iterator[Problem]:
    if not ways:
        return
    odd = {
        text
        for text in set(sheet.labels)
        if text not in reading.unreadable and not ways.keys().isdisjoint(reading.target.names(reading.read(text)))
    }
    rows = [number for number, text in enumerate(sheet.labels) if text in odd]
    pairs = first_few([f"'{way}' and '{best}'" for way, best in sorted(ways.items())])
    yield Problem(
        "label-spelling",
        "warning",
        sheet.places(rows),
        f"{counted_rows(len(rows))} with a label that is another one, written in another way: {pairs}",
        "write each label in one way, or have them merged by a repair",
    )


def _told_balance(names: Mapping[str, int], severity: str) -> Iterator[Problem]:
    there = {name: count for name, count in names.items() if count}
    if not severity or len(there) < 2:
        return
    most, least = max(there, key=there.__getitem__), min(there, key=there.__getitem__)
    if there[most] > MOST_UNEVEN * there[least]:
        yield Problem(
            "imbalance",
            severity,
            "",
            f"the classes are out of balance: '{most}' has {there[most]} rows, '{least}' has {there[least]}",
            "add examples of the rare classes, and look at the macro figures of the report",
        )


def _told_numbers(sheet: Sheet, reading: Reading) -> Iterator[Problem]:
    rows = [number for number, text in enumerate(sheet.labels) if text not in reading.unreadable]
    values = [reading.read(sheet.labels[number]) for number in rows]
    for name in values[0] if len(values) >= LEAST_NUMBERS else ():
        found = np.array([value.get(name, np.nan) for value in values])
        far = np.flatnonzero(_is_far(found))
        if len(far):
            low, high = np.nanpercentile(found, (25, 75))
            furthest = found[far[np.abs(found[far] - (low + high) / 2).argmax()]]
            yield Problem(
                "outlier-number",
                "info",
                sheet.places([rows[place] for place in far]),
                f"{counted_rows(len(far))} with a number far from all others, such as {furthest:g}: half of "
                f"all are from {low:g} to {high:g}",
                "look whether they are right: a few such numbers draw a model towards them",
            )


def _is_far(values: np.ndarray) -> np.ndarray:
    low, high = np.nanpercentile(values, (25, 75))
    width = high - low or np.nanstd(values)
    return np.asarray((values < low - FAR * width) | (values > high + FAR * width))


def differ(sheet: Sheet, reading: Reading) -> Callable[[int, int], bool]:
    """Whether two rows of the same input have different labels; numbers may differ by a tenth of their range."""
    ways = spellings(name_counts(sheet, reading))
    if reading.target.shape != "numbers":
        return lambda one, other: _meant(sheet.labels[one], reading, ways) != _meant(sheet.labels[other], reading, ways)
    texts = set(sheet.labels) - reading.unreadable
    ranges: dict[str, tuple[float, float]] = {}
    for name, number in (pair for text in texts for pair in reading.read(text).items()):
        low, high = ranges.get(name, (number, number))
        ranges[name] = min(low, number), max(high, number)
    return lambda one, other: _apart(sheet.labels[one], sheet.labels[other], reading, ranges)


def _meant(text: str, reading: Reading, ways: Mapping[str, str]) -> object:
    """What a label says, whatever the spelling and the order."""
    if text in reading.unreadable:
        return text
    value = reading.read(text)
    if reading.target.unit == "word":
        return value
    return frozenset(ways.get(name, name) for name in reading.target.names(value))


def _apart(one: str, other: str, reading: Reading, ranges: Mapping[str, tuple[float, float]]) -> bool:
    if one == other or {one, other} & reading.unreadable:
        return one != other
    first, second = reading.read(one), reading.read(other)
    shared = first.keys() & second.keys()
    return any(abs(first[name] - second[name]) > NEAR * (ranges[name][1] - ranges[name][0]) for name in shared)
