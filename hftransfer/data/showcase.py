"""Which rows are shown as examples: of each class or label, along the numbers, with each kind of entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tasks import Target
from ..tasks.tokens import Word, spans
from .labels.encoded import Words, labels_of

if TYPE_CHECKING:
    import datasets

EACH = 4
ALONG = 6  # rows between a number's least and its largest
Places = Mapping[str, list[int]]
Told = dict[str, Any]


def shown(target: Target, rows: datasets.Dataset, labels: Sequence[str]) -> tuple[Places, Callable[[int, str], Told]]:
    """For each label, number or kind the places of some rows; and what is told of such a row besides its input."""
    found = labels_of(rows)
    places = PLACES[target.shape](found, labels)
    return places, lambda place, label: TOLD.get(target.shape, _nothing)(found, labels, place, label)


def _classes(found: np.ndarray, labels: Sequence[str]) -> Places:
    return {label: np.flatnonzero(found == at)[:EACH].tolist() for at, label in enumerate(labels)}


def _flags(found: np.ndarray, labels: Sequence[str]) -> Places:
    return {label: np.flatnonzero(found[:, at])[:EACH].tolist() for at, label in enumerate(labels)}


def _numbers(found: np.ndarray, labels: Sequence[str]) -> Places:
    """Rows of rising numbers, as far apart as there are rows between."""
    steps = np.linspace(0, len(found) - 1, min(ALONG, len(found))).round().astype(int)
    return {label: np.argsort(found[:, at], kind="stable")[steps].tolist() for at, label in enumerate(labels)}


def _kinds(found: Words, labels: Sequence[str]) -> Places:
    rows = np.searchsorted(found.ends, np.arange(len(found.tag)), side="right")
    begun = {label[2:]: at for at, label in enumerate(labels) if label.startswith("B-")}
    return {kind: np.unique(rows[found.tag == at])[:EACH].tolist() for kind, at in begun.items()}


def _nothing(found: Any, labels: Sequence[str], place: int, label: str) -> Told:
    return {}


def _number(found: np.ndarray, labels: Sequence[str], place: int, label: str) -> Told:
    return {"value": float(f"{found[place, list(labels).index(label)]:.6g}")}  # it came as float32


def _entities(found: Words, labels: Sequence[str], place: int, label: str) -> Told:
    own = found.of(place)
    words = [Word(int(start), int(end), "") for start, end in zip(found.start[own], found.end[own], strict=True)]
    entities = spans(words, [labels[tag] for tag in found.tag[own]])
    return {"entities": [{"start": start, "end": end, "label": kind} for start, end, kind in entities]}


PLACES: dict[str, Callable[[Any, Sequence[str]], Places]] = {
    "class": _classes,
    "flags": _flags,
    "numbers": _numbers,
    "tags": _kinds,
}
TOLD: dict[str, Callable[[Any, Sequence[str], int, str], Told]] = {"numbers": _number, "tags": _entities}
