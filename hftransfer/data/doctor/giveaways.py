"""Texts that give their own label away: by its name, or by a mark that stands in all texts of a class.

A model learns nothing from such texts but to read the mark, and fails where it is absent.
Some rows of each class are looked at: what holds for nearly all of them shows in a few.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...values import Problem
from ..checks import first_few
from ..labels.reading import Reading
from .sheet import Sheet, texts_in

EACH, MOST = 400, 20_000  # rows looked at: of a class, and of all
LEAST = 30  # rows of a class, to say anything
HEAD, TAIL = 1500, 500  # characters of a text that are looked at
NAMED, BY_CHANCE = 0.6, 0.1  # of a class's texts that name it; of others, as a share of these
MARKED, ELSEWHERE = 0.97, 0.005  # of a class's texts that have the mark, and of all others
FIRST = 5  # texts of a class: a mark in nearly all is in one of these
MARK = re.compile(r"[\[(<{【（《#@]?\w+[\])>}】）》:：]?|[^\w\s]")
ENDS = (2, 3, 4, 6, 8, 12)  # characters of a beginning or an end that may be a mark
WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
HOW = "take it out of the texts, unless it will be in those that the model is asked about, too"
Rows = Mapping[str, Sequence[int]]


def told(sheet: Sheet, reading: Reading) -> Iterator[Problem]:
    """A warning where most classes can be read off their texts."""
    if sheet.column != "text" or reading.target.unit != "row":
        return
    rows = _some(sheet, reading)
    numbers = [number for part in rows.values() for number in part]
    texts = dict(zip(numbers, map(_looked_at, sheet.inputs(numbers)), strict=True))
    by_name = _named(rows, texts, reading)
    if by_name and len(by_name) > len(rows) / 2:
        message = f"the texts name their own labels: {first_few(_quoted(by_name))}"
        yield Problem("label-leak", "warning", sheet.places(_all(rows, by_name)), message, HOW)
        return
    marks = _marks(rows, texts) if reading.target.shape == "class" else {}
    if marks and len(marks) >= len(rows) - 1:
        shown = first_few([f"'{mark}' in {label}" for label, mark in marks.items()])
        message = f"a mark in the texts gives the label away: {shown}"
        yield Problem("label-leak", "warning", sheet.places(_all(rows, list(marks))), message, HOW)


def _quoted(labels: Sequence[str]) -> list[str]:
    return [f"'{label}'" for label in labels]


def _all(rows: Rows, labels: Sequence[str]) -> list[int]:
    return sorted(number for label in labels for number in rows[label])


def _looked_at(value: Any) -> str:
    text = " ".join(texts_in(value))
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} {text[-TAIL:]}"


def _some(sheet: Sheet, reading: Reading) -> dict[str, list[int]]:
    """Rows of each label that has enough, evenly from all of them.

    Where nearly every label is another, as numbers are, some labels with all their rows.
    """
    places: dict[str, list[int]] = {}
    for number, label in enumerate(sheet.labels):
        places.setdefault(label, []).append(number)
    enough = {label: rows for label, rows in places.items() if len(rows) >= LEAST}
    if len(enough) > 1:
        each = max(LEAST, min(EACH, MOST // len(enough)))
        return {label: _spread(rows, each) for label, rows in _few(enough, MOST // LEAST).items()}
    mixed = reading.target.shape != "class" and len(sheet) >= LEAST
    return _few({label: rows[:LEAST] for label, rows in places.items()}, EACH) if mixed else {}


def _few(places: Mapping[str, list[int]], most: int) -> dict[str, list[int]]:
    several = list(places.items())
    return dict(several[place] for place in _spread(range(len(several)), most))


def _spread(rows: Sequence[int], most: int) -> list[int]:
    return [rows[int(place)] for place in np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int))]


def _named(rows: Rows, texts: Mapping[int, str], reading: Reading) -> list[str]:
    """The labels whose names stand in most of their own texts, and hardly in those of the next."""
    found, labels = [], [label for label in rows if label not in reading.unreadable]
    for place, label in enumerate(labels):
        words = _words_of(label, reading)
        own = _share(words, [texts[number] for number in rows[label]])
        if own >= NAMED:
            others = [texts[number] for other in _next(labels, place) for number in list(rows[other])[:50]]
            if _share(words, others) <= BY_CHANCE * own:
                found.append(label)
    return found


def _next(labels: Sequence[str], place: int) -> list[str]:
    """Some other labels, whose texts may hold a name by chance."""
    return [labels[(place + step) % len(labels)] for step in range(1, min(10, len(labels)))]


def _words_of(label: str, reading: Reading) -> list[re.Pattern[str]]:
    """What would name a label: its names, or the number itself where it is one."""
    value = reading.read(label)
    plain = reading.target.shape == "numbers"
    names = [label] if plain else reading.target.names(value)
    long = [name for name in names if len(name) > 1 and (plain or not name.isdecimal())]
    return [re.compile(_bounded(name), re.IGNORECASE) for name in long] if len(long) == len(names) else []


def _bounded(name: str) -> str:
    return re.escape(name) if WIDE.search(name) else rf"(?<!\w){re.escape(name)}(?!\w)"


def _share(words: Sequence[re.Pattern[str]], texts: Sequence[str]) -> float:
    if not words or not texts:
        return 0.0
    return sum(all(word.search(text) for word in words) for text in texts) / len(texts)


def _marks(rows: Rows, texts: Mapping[int, str]) -> dict[str, str]:
    """The classes with a mark: what is in nearly all of their texts, and in hardly any other."""
    wanted = {mark for part in rows.values() for number in part[:FIRST] for mark in _in(texts[number])}
    counts = {label: Counter(m for number in part for m in wanted & _in(texts[number])) for label, part in rows.items()}
    everywhere = sum(counts.values(), Counter())
    total, marks = len(texts), {}
    for label, found in counts.items():
        own, others = len(rows[label]), max(1, total - len(rows[label]))
        good = [
            mark
            for mark, count in found.items()
            if count >= MARKED * own and everywhere[mark] - count <= ELSEWHERE * others
        ]
        if good:
            marks[label] = max(good, key=lambda mark: (found[mark], -len(mark), mark)).strip()
    return marks


def _in(text: str) -> set[str]:
    """What may be marks in a text: words with a bracket or colon, signs, Chinese pairs, the beginning and the end."""
    plain = text.strip().casefold()
    marks = set(MARK.findall(plain))
    marks |= {plain[place : place + 2] for place in range(len(plain) - 1) if WIDE.match(plain[place : place + 2])}
    return marks | {plain[:size] for size in ENDS} | {plain[-size:] for size in ENDS}
