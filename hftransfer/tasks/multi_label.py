"""Any number of labels a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import SourceError
from .kinds import Target, few, in_order, rarest

UP, DOWN = ("1", "1.0", "True", "true"), ("0", "0.0", "False", "false")
SEPARATORS = ("|", ";", ",")
Value = tuple[str, ...]


@dataclass(frozen=True)
class MultiLabel(Target):
    """A label is found as a JSON list, as names with a mark between them, or as an object of names and 0 or 1.

    Its value is the names that hold, encoded a 0.0 or 1.0 a label.
    """

    name: str = "multi-label"
    problem_type: str = "multi_label_classification"
    shape: str = "flags"
    activation: str = "sigmoid"
    solver: str = "binary"
    metrics: str = "multi-label"
    best: str = "map"

    def recognise(self, found: Mapping[str, int]) -> str:
        parsed = [value for text in found if (value := _json(text)) is not None]
        if parsed and len(parsed) == len(found):
            if all(isinstance(value, dict) and _are_flags(value) for value in parsed):
                return "several columns hold 0 or 1"
            lists = all(isinstance(value, list) and all(map(_is_name, value)) for value in parsed)
            return "the labels are lists" if lists else ""
        mark = _mark(found)
        return f"several labels stand in a cell, with '{mark}' between them" if mark and _recur(found, mark) else ""

    def reader(self, found: Iterable[str], known: Iterable[str] = ()) -> Callable[[str], Value]:
        names = frozenset(known)
        mark = _mark((text for text in found if text not in names), names)
        return lambda text: (text,) if text in names else _read(text, mark)

    def names(self, value: Value) -> tuple[str, ...]:
        return value

    def fit(self, values: Iterable[Value], column: str) -> tuple[str, ...]:
        return in_order(name for value in values for name in value)

    def encode(self, value: Value, index: Mapping[str, int]) -> list[float]:
        there = {index[name] for name in value}
        return [float(place in there) for place in range(len(index))]

    def strata(self, values: Iterable[Value]) -> list[str]:
        return rarest(values)

    def refusal(self, train: Iterable[Value], everywhere: Iterable[Value]) -> SourceError | None:
        kinds = set(train)
        if kinds == {()}:
            return SourceError("no row has a label", fix="fill some in")
        if len(kinds) == 1:
            return SourceError(
                f"every row has the same labels: {few(next(iter(kinds)))}", fix="add rows with other labels, or without"
            )
        return None

    def decode(self, scores: Sequence[float], labels: Sequence[str], thresholds: Mapping[str, float]) -> Any:
        """The labels whose scores reach their thresholds, the surest first; the score is that of the surest label."""
        ranked = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])
        return [label for label, score in ranked if score >= thresholds.get(label, 0.5)], ranked[0][1]


def _read(text: str, mark: str) -> Value:
    value = _json(text)
    if isinstance(value, dict) and _are_flags(value):
        return tuple(name for name, flag in value.items() if str(flag) in UP)
    if isinstance(value, list) and all(map(_is_name, value)):
        parts = [_name(part) for part in value]
    elif value is None:
        parts = [part.strip() for part in (text.split(mark) if mark else [text])]
    else:
        raise ValueError(f"'{text[:60]}' is no list of labels")
    return tuple(dict.fromkeys(part for part in parts if part))


def _json(text: str) -> Any:
    """A JSON list or object; None for any other text."""
    if text[:1] not in ("[", "{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _are_flags(value: Mapping[str, Any]) -> bool:
    return all(str(flag) in (*UP, *DOWN) for flag in value.values())


def _is_name(part: Any) -> bool:
    return isinstance(part, (str, int)) or (isinstance(part, float) and part.is_integer())


def _name(part: Any) -> str:
    return str(int(part)) if isinstance(part, float) else str(part).strip()


def _mark(found: Iterable[str], known: frozenset[str] = frozenset()) -> str:
    """What stands between labels: the first of the marks that occurs in any cell, between known ones where some are."""
    cells = [text for text in found if text[:1] not in ("[", "{")]
    return next((mark for mark in SEPARATORS if any(_parts_at(mark, cell, known) for cell in cells)), "")


def _parts_at(mark: str, cell: str, known: frozenset[str]) -> bool:
    parts = {part.strip() for part in cell.split(mark)}
    return mark in cell and (not known or bool(parts & known))


def _recur(found: Mapping[str, int], mark: str) -> bool:
    """Whether the parts are labels: found alone, or beside others, elsewhere too. A comma is in many a name."""
    cells = [{part.strip() for part in text.split(mark)} for text in found]
    several = [parts for parts in cells if len(parts) > 1]
    alone = {next(iter(parts)) for parts in cells if len(parts) == 1}
    if mark == ",":
        parts = set().union(*several) if several else set()
        return bool(parts) and len(parts & alone) >= 0.9 * len(parts)
    counts: dict[str, int] = {}
    for parts in cells:
        for part in parts:
            counts[part] = counts.get(part, 0) + 1
    return any(counts[part] > 1 for parts in several for part in parts)
