"""An answer on one line, whatever it is: a label, several, a number, several, or entities in their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..measures import own

NONE = "no label"


def answered(answer: Mapping[str, Any]) -> str:
    """The answer, how sure it is, and what was asked about."""
    given, found, score = _given(answer["input"]), answer["prediction"], answer["score"]
    if isinstance(found, list) and (score is None or any(isinstance(part, Mapping) for part in found)):
        return marked(given, found)
    sure = "" if score is None else f"{score:.1%}"
    return "  ".join(filter(None, (_told(found), sure, given)))


def marked(text: str, entities: Sequence[Mapping[str, Any]]) -> str:
    """The text, each entity in brackets with its kind."""
    parts, place = [], 0
    for entity in sorted(entities, key=lambda entity: int(entity["start"])):
        start, end = max(place, entity["start"]), entity["end"]
        parts += [text[place:start], f"[{text[start:end]}: {entity['label']}]"]
        place = max(place, end)
    return "".join([*parts, text[place:]])


def _told(found: Any) -> str:
    if isinstance(found, list):
        return ", ".join(map(str, found)) or NONE
    if isinstance(found, Mapping):
        return ", ".join(f"{name} {own(number)}" for name, number in found.items())
    return own(found) if isinstance(found, int | float) else str(found)


def _given(value: Any) -> str:
    """What was asked about; two texts with a bar between them."""
    return " | ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
