"""The core's own sentences in the visitor's language: it writes English, with names and numbers in it.

A language's `messages` map each English sentence, `{}` where something is filled in, to its own
with numbered gaps, so that their order may differ. A gap says what it takes:

    {0}          anything; it stays as it is: users' names, paths, what a library said
    {0:message}  anything; what is itself a message of ours is translated
    {0:choices}  the same; or a recipe's choices with their values, as a search names them
    {0:part}     only what is a message of ours
    {0:number}   only a number
    {0:word}     only what has no space in it
    {0:drop}     anything, and it is left out: the s of a plural
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from ..fields import field_label
from . import ENGLISH, spoken, table

GAP = re.compile(r"\{(\d+)(?::(\w+))?\}")
KINDS = ("", "message", "choices", "part", "number", "word", "drop")
_NUMBER = re.compile(r"[\d.,]+")
_PARTS = ("cause", "fix", "message")
_DEEPEST = 4  # messages inside messages
_LIST, _COMMAS = "; ", "；"


def translated(text: str, language: str | None = None) -> str:
    """A text of the core in a language, by default the visitor's; one that is unknown stays as it is."""
    language = language or spoken()
    if language == ENGLISH or not text:
        return text
    lowered = text[:1].lower() + text[1:]  # the pages begin their sentences with a capital
    return _found(text, language) or _found(lowered, language) or text


def translated_parts(told: Mapping[str, Any], language: str | None = None) -> dict[str, Any]:
    """An error's or a problem's JSON with its cause, message and fix translated; places stay as they are."""
    return {name: translated(text, language) if name in _PARTS else text for name, text in told.items()}


@dataclass(frozen=True)
class Template:
    """An English sentence with gaps, and what it is in another language."""

    english: str
    target: str

    @cached_property
    def literals(self) -> list[str]:
        """The text before, between and after the gaps."""
        return self.english.split("{}")

    @cached_property
    def kinds(self) -> dict[int, str]:
        return {int(number): kind for number, kind in GAP.findall(self.target)}

    def fill(self, text: str, language: str, depth: int) -> str | None:
        """The translation of a text that the sentence can be; None for any other."""
        gaps = self._gaps(text)
        filled = {number: _filled(gaps[number], kind, language, depth) for number, kind in self.kinds.items() if gaps}
        if not gaps or None in filled.values():
            return None
        return GAP.sub(lambda gap: str(filled[int(gap[1])]), self.target)

    def _gaps(self, text: str) -> list[str]:
        """What stands in the gaps, each as short as can be; none where the sentence is another."""
        first, *between, last = self.literals
        place, gaps = len(first), []
        for literal in between:
            found = text.find(literal, place)
            if found < 0:
                return []
            gaps.append(text[place:found])
            place = found + len(literal)
        fits = text.startswith(first) and text.endswith(last) and place + len(last) <= len(text)
        return [*gaps, text[place : len(text) - len(last)]] if fits else []


def _filled(gap: str, kind: str, language: str, depth: int) -> str | None:
    """What a gap becomes, None where it may not hold that."""
    match kind:
        case "message":
            return _found(gap, language, depth + 1) or gap
        case "choices":
            return _found(gap, language, depth + 1) or _choices(gap, language) or gap
        case "part":
            return _found(gap, language, depth + 1)
        case "number":
            return gap if _NUMBER.fullmatch(gap) else None
        case "word":
            return gap if gap and not re.search(r"\s", gap) else None
        case "drop":
            return ""
    return gap


def _found(text: str, language: str, depth: int = 0) -> str | None:
    """A whole sentence first, then a list of sentences, then those with gaps: most words of ours first."""
    whole = table(language, "messages").get(text) or table(language, "names").get(text)
    if whole or depth > _DEEPEST:
        return whole
    found = (row.fill(text, language, depth) for row in _templates(language))
    return _list(text, language, depth) or next(filter(None, found), None)


def _list(text: str, language: str, depth: int) -> str | None:
    """Several messages that were joined into one; None where one of them is unknown."""
    parts: list[str] = []
    for part in text.split(_LIST) if _LIST in text else ():
        found = _found(part, language, depth + 1)
        if found is None:
            return None
        parts.append(found)
    return _COMMAS.join(parts) or None


def _choices(text: str, language: str) -> str | None:
    """The fields of the form by their names there, each with its value; None for any other text."""
    names = table(language, "names")
    pairs = [part.partition(" ") for part in text.split(", ")]
    known = [(names.get(field_label(name)), value) for name, _, value in pairs if value]
    if len(known) < len(pairs) or not all(name for name, _ in known):
        return None
    return "，".join(f"{name} {names.get(value, value)}" for name, value in known)


@cache
def _templates(language: str) -> tuple[Template, ...]:
    rows = [Template(english, target) for english, target in table(language, "messages").items() if "{}" in english]
    return tuple(sorted(rows, key=lambda row: -sum(map(len, row.literals))))
