"""Which language a visitor reads, and what there is in it. English is what the code is written in.

A language is a file NAME.json beside this one, with three tables: `words` gives the pages' texts by
key (with the English that was translated), `messages` the core's by their English (`translated`
says how), `names` what is known by a name of its own: metrics, splits, the form's fields.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib.resources import files
from typing import Any

ENGLISH = "en"
MAINLAND, TAIWAN = "zh-CN", "zh-TW"
LANGUAGES = (MAINLAND, TAIWAN)
_TRADITIONAL = {"hant", "tw", "hk", "mo"}


def spoken() -> str:
    """The language of the request that is being answered; English where there is none.

    Gradio keeps the request for the thread of the handler alone: what a handler has threads of
    its own say is English, so texts are made before or after.
    """
    context = sys.modules.get("gradio.context")  # importing it here would be too early for the boundaries
    request = context.LocalContext.request.get(None) if context else None
    headers = getattr(request, "headers", None)
    return chosen(headers.get("accept-language", "")) if headers else ENGLISH


def chosen(header: str) -> str:
    """The best of our languages for an Accept-Language header."""
    asked = sorted(map(_weighed, header.split(",")), key=lambda entry: -entry[1])
    named = (_named(tag) for tag, weight in asked if weight > 0)
    return next(filter(None, named), ENGLISH)


@cache
def table(language: str, part: str) -> dict[str, str]:
    """One of a language's tables: words, messages or names; an empty one for English."""
    if language == ENGLISH:
        return {}
    found = read(language)[part]
    return {key: text for key, (_, text) in found.items()} if part == "words" else found


def read(language: str) -> dict[str, dict[str, Any]]:
    """A language's file as it is written."""
    tables: dict[str, dict[str, Any]] = json.loads((files(__package__) / f"{language}.json").read_text("utf-8"))
    return tables


def _weighed(entry: str) -> tuple[str, float]:
    tag, _, weight = entry.partition(";")
    return tag.strip().lower(), _number(weight.strip().removeprefix("q=")) if weight else 1.0


def _number(text: Any) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _named(tag: str) -> str:
    """Our name for a language tag, none where we do not speak it."""
    first, *rest = tag.split("-")
    if first == "zh":
        return TAIWAN if _TRADITIONAL & {*rest} and "hans" not in rest else MAINLAND
    return ENGLISH if first == ENGLISH else ""
