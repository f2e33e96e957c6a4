"""A few examples of each class, label or kind, to look at."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from PIL import Image

from ..pixels import upright
from ..tasks import get_task
from ..values import Dataset
from .showcase import shown

CLASSES = 10
SIDE = 160  # pixels of a thumbnail, twice what it is shown at
LETTERS, BEFORE = 180, 40  # of a text, and of it before an entity that would be cut off


def examples(data: Dataset) -> dict[str, list[Any]]:
    """For the first classes, labels, numbers or kinds, some training rows each.

    A row is its input: a thumbnail (RGB), the beginning of a text, or a list of two. Where a label has more to tell,
    it is `{input, value}` of a number, and `{input, entities}` of a text that is whole.
    """
    task = get_task(data.task)
    rows, shorten = data.splits["train"], SHORT[task.modality.name]
    places, told = shown(task.target, rows, data.labels)
    found: dict[str, list[Any]] = {}
    for label, there in islice(places.items(), CLASSES):
        inputs = rows[there][task.modality.column] if there else []
        found[label] = [
            _example(value, label, told(place, label), shorten) for place, value in zip(there, inputs, strict=True)
        ]
    return found


def _example(value: Any, label: str, told: dict[str, Any], shorten: Callable[[Any], Any]) -> Any:
    if "entities" in told:
        return _excerpt(value, told["entities"], label)
    return {"input": shorten(value), **told} if told else shorten(value)


def _excerpt(text: str, entities: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """A part of a text that has an entity of a kind in it, with the entities that are whole there."""
    first = next((entity for entity in entities if entity["label"] == kind), {"start": 0, "end": 0})
    begin = 0 if first["end"] < LETTERS else max(0, first["start"] - BEFORE)
    end = begin + LETTERS - 2
    shift = begin - bool(begin)  # the dots before it are a letter
    moved = [{**entity, "start": entity["start"] - shift, "end": entity["end"] - shift} for entity in entities]
    within = [entity for entity in moved if entity["start"] > 0 - (not begin) and entity["end"] <= end - shift]
    return {"input": "…" * bool(begin) + text[begin:end] + "…" * (end < len(text)), "entities": within}


def _thumbnail(image: Image.Image) -> Image.Image:
    """Of its pixels alone: what else the file says stays out of the one that is written of it."""
    seen = upright(image)
    small = Image.frombytes(seen.mode, seen.size, seen.tobytes())
    small.thumbnail((SIDE, SIDE))
    return small


def _beginning(text: str | list[str]) -> str | list[str]:
    if not isinstance(text, str):
        return [_flat(part) for part in text]
    return _flat(text)


def _flat(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LETTERS else flat[: LETTERS - 1] + "…"


SHORT: dict[str, Callable[[Any], Any]] = {"image": _thumbnail, "text": _beginning}
