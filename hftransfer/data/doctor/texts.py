"""What is wrong inside texts, and how it is set right."""

from __future__ import annotations

import re
from collections.abc import Callable

import ftfy
from ftfy.badness import is_bad

# Marks and controls that show nothing: not the joiners that emoji, Persian and Indic scripts are written with.
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u200b\u2060\ufeff\ufffe\uffff]")
MARGIN = re.compile(r"^\s+|\s+$")
LOST = "\ufffd"


def has_mojibake(text: str) -> bool:
    """Whether it was decoded by another encoding than it was written in, and that can be undone."""
    return not text.isascii() and is_bad(text) and ftfy.fix_encoding(text) != text


def has_hidden(text: str) -> bool:
    return not text.isprintable() and HIDDEN.search(text) is not None


def has_margin(text: str) -> bool:
    return text[:1].isspace() or text[-1:].isspace()


def has_lost(text: str) -> bool:
    return not text.isascii() and LOST in text


def hidden_edits(text: str) -> list[tuple[int, int, str]]:
    """What to replace by what, so that nothing hidden stays: a form feed or tabulator of old is a space."""
    return [(found.start(), found.end(), " " if found[0] in "\x0b\x0c\x85" else "") for found in HIDDEN.finditer(text)]


def margin_edits(text: str) -> list[tuple[int, int, str]]:
    return [(found.start(), found.end(), "") for found in MARGIN.finditer(text)]


FOUND: dict[str, Callable[[str], bool]] = {
    "mojibake": has_mojibake,
    "lost-characters": has_lost,
    "hidden-characters": has_hidden,
    "whitespace-text": has_margin,
}
