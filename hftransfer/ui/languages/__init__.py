"""Which language a visitor reads, and what there is in it. English is what the code is written in.

A language is a file NAME.json beside this one, with three tables: `words` gives the pages' texts by
key, `messages` the core's by their English (`translated` says how), `names` what is known by a
name of its own: metrics, splits, the form's fields.
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

# Gradio's page knows two kinds of Chinese, by their whole names, and asks for the browser's first
# language alone. With this in the page's head it asks for the one that the server chooses, too.
HEAD = """<script>
(() => {
  const named = (tag) => {
    const [first, ...rest] = tag.toLowerCase().split("-");
    if (first === "en") return "en";
    if (first !== "zh") return "";
    return rest.includes("hans") || !rest.some((part) => %s.includes(part)) ? "zh-CN" : "zh-TW";
  };
  const found = (navigator.languages || [navigator.language]).map(named).find(Boolean);
  if (found) Object.defineProperty(navigator, "language", { get: () => found });
})();
</script>""" % json.dumps(sorted(_TRADITIONAL))  # noqa: UP031 (braces are JavaScript's here)


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
    found: dict[str, dict[str, str]] = json.loads((files(__package__) / f"{language}.json").read_text(encoding="utf-8"))
    return found[part]


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
