"""Numbers of payment cards in texts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .edits import Edit

# The first digits, as the industry gives them out.
FIRST = re.compile(
    r"(?<!\d)(?<!\d[.,])(?=\d{4})(?:4|5[0-8]|6|3[04-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720))",
)
_GAP = "[ .-]{1,3}"
# The groups that they are written in; those without gaps may be anything, where letters or signs stand beside.
GROUPED = (
    rf"\d{{4}}(?:{_GAP}\d{{4}}){{3}}{_GAP}\d{{1,3}}",
    rf"\d{{4}}(?:{_GAP}\d{{4}}){{3}}",
    rf"\d{{4}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}",
    r"(?<![A-Za-z/#=$€£¥+-])\d{13,19}(?![A-Za-z%])",
)
FORMS = tuple(re.compile(rf"{form}(?!\d)(?![.,]\d)") for form in GROUPED)


def cards(text: str) -> Iterator[Edit]:
    """Where a number stands in the groups of a card's, with the right last digit."""
    end = 0
    for first in FIRST.finditer(text):
        found = (form.match(text, first.start()) for form in FORMS)
        if first.start() >= end and (card := next((one for one in found if one and _is_right(one[0])), None)):
            end = card.end()
            yield Edit(*card.span(), "[card]")


def _is_right(number: str) -> bool:
    """By Luhn's sum."""
    digits = re.sub(r"\D", "", number)
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return len(set(digits)) > 1 and (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
