"""One number a row, or several."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError
from .kinds import Target

Value = dict[str, float]
ONE = ""  # the name of a number that is the only one
FEW = 30  # whole numbers of no more values than this are classes
IDS_EACH = 8  # rows each, of class numbers 0 to n
GROUPS = 10
LARGEST = 1e30  # what models compute in goes to 3e38, and their squares must be numbers too
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
WRONG = 0.01  # of the labels may be no numbers: what they are is told


@dataclass(frozen=True)
class Regression(Target):
    """A label is found as a number, or as an object of names and numbers. It is learned in its own unit."""

    name: str = "regression"
    problem_type: str = "regression"
    shape: str = "numbers"
    activation: str = "identity"
    solver: str = "ridge"
    metrics: str = "regression"
    best: str = "r2"

    def recognise(self, found: Mapping[str, int]) -> str:
        read = [(_value(text), count) for text, count in found.items()]
        wrong = sum(count for value, count in read if value is None)
        if wrong > WRONG * sum(found.values()):
            return ""
        if any(value and set(value) != {ONE} for value, _ in read):
            return "several columns hold numbers"
        numbers = {value[ONE]: count for value, count in read if value}
        if not all(number.is_integer() for number in numbers):
            return "the labels are numbers with decimals"
        return "" if len(numbers) <= FEW or _are_ids(numbers) else f"the labels are {len(numbers)} different numbers"

    def reader(self, found: Iterable[str], known: Iterable[str] = ()) -> Callable[[str], Value]:
        return _read

    def names(self, value: Value) -> tuple[str, ...]:
        return tuple(value)

    def fit(self, values: Iterable[Value], column: str) -> tuple[str, ...]:
        first = next(iter(values))
        return tuple(name or column or "value" for name in first)

    def encode(self, value: Value, index: Mapping[str, int]) -> list[float]:
        if set(value) == {ONE} and len(index) == 1:
            return [value[ONE]]
        if len(value) != len(index):
            raise KeyError(next(iter(value)))
        return [number for _, number in sorted((index[name], number) for name, number in value.items())]

    def strata(self, values: Iterable[Value]) -> list[str]:
        """By size: tenths of the rows."""
        firsts = [next(iter(value.values())) for value in values]
        order = sorted(range(len(firsts)), key=firsts.__getitem__)
        groups = [""] * len(firsts)
        for rank, place in enumerate(order):
            groups[place] = str(rank * GROUPS // len(order))
        return groups

    def refusal(self, train: Iterable[Value], everywhere: Iterable[Value]) -> SourceError | None:
        values = list(train)
        for name in values[0]:
            if len({value.get(name) for value in values}) == 1:
                cause = (
                    f"'{name}' is the same number in every row" if name else "the label is the same number in every row"
                )
                return SourceError(cause, fix="give rows with other numbers")
        return None

    def decode(self, scores: Sequence[float], labels: Sequence[str], thresholds: Mapping[str, float]) -> Any:
        """The number, or all of them by name; no score."""
        numbers = dict(zip(labels, scores, strict=True))
        return (scores[0] if len(numbers) == 1 else numbers), None


def _read(text: str) -> Value:
    value = _value(text)
    if value is None:
        raise ValueError(f"'{text[:60]}' is no number")
    return value


def _value(text: str) -> Value | None:
    if _NUMBER.fullmatch(text):
        return {ONE: float(text)} if abs(float(text)) <= LARGEST else None
    if text[:1] not in ("{", "["):
        return None
    try:
        several = json.loads(text)
    except (ValueError, RecursionError):
        return None
    pairs = several.items() if isinstance(several, dict) else ((str(place), part) for place, part in enumerate(several))
    found = {name: part for name, part in ((name, _number(part)) for name, part in pairs) if part is not None}
    return found if found and len(found) == len(several) else None


def _number(part: Any) -> float | None:
    if isinstance(part, str):
        return float(part) if _NUMBER.fullmatch(part) and abs(float(part)) <= LARGEST else None
    return float(part) if isinstance(part, (int, float)) and abs(part) <= LARGEST else None


def _are_ids(numbers: Mapping[float, int]) -> bool:
    """Whether whole numbers are classes by number: all from 0 or 1 on, and rows enough of each."""
    first, last = min(numbers), max(numbers)
    return first in (0, 1) and last - first + 1 == len(numbers) and min(numbers.values()) >= IDS_EACH
