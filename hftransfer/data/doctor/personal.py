"""E-mail addresses, phone numbers and card numbers in texts, and texts without them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .edits import Edit

EMAIL = re.compile(
    r"[A-Za-z0-9_][\w.+%-]*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}"
)
NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,/$€£¥#@+-])(?:\+|\()?\d(?:[ \u00a0.()/-]{0,3}\d){6,40}(?![A-Za-z0-9_/%])(?![.,-]\d)"
)
# What stands before a number that is somebody's telephone.
SPOKEN_OF = re.compile(
    r"\b(?:tel(?:ephone)?s?|phone|call(?:ed|ing)?|mobile|cell(?:phone)?|fax|whats ?app|sms|text me|ring|dial"
    r"|reach \w+ (?:at|on))"
    r"\b[^\d\n]{0,16}$|(?:电话|手机|热线|致电|拨打|来电|联系|传真|電話|手機|熱線|致電|撥打|聯絡)[^\d\n]{0,8}$",
    re.IGNORECASE,
)
# Telephone numbers by how they are written.
WRITTEN = tuple(
    map(
        re.compile,
        (
            r"(?:\+|00)[1-9]\d{0,2}[ .()/-]{0,3}\d(?:[ .()/-]{0,3}\d){6,11}",  # from abroad
            r"(?:86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}",  # Chinese mobiles
            r"\(?0\d{2,3}\)?[ -]\d{7,8}",  # Chinese landlines
            r"[48]00[ -]\d{3}[ -]?\d{4}",  # Chinese service numbers
            r"(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}",  # North America
            r"\(?0\d{2,4}\)?[ /-]\d{3,4}[ -]?\d{3,4}",  # many countries, with their trunk 0
            r"0\d(?:[ .]\d{2}){4}",  # France
            r"0[67]\d{3}[ -]?\d{3}[ -]?\d{3}",  # British mobiles
        ),
    )
)
NEAR = 40  # characters before a number that may say what it is
LONGEST = 16  # digits of a telephone number, from abroad
DATE = re.compile(r"(?:1[5-9]|20)\d{2}([ ./-])\d{1,2}\1\d{1,2}|\d{1,2}([ ./-])\d{1,2}\2(?:1[5-9]|20)\d{2}")
YEARS = re.compile(r"(?:1[5-9]|20)\d{2}[ ]?[-/][ ]?(?:1[5-9]|20)\d{2}")


def personal(text: str) -> list[Edit]:
    """Where a text names an address or a number, and what to write instead."""
    if not any(map(str.isdigit, text)):
        return _emails(text)
    found = [*_emails(text), *_numbers(text)]
    apart: list[Edit] = []
    for edit in sorted(found):
        if not apart or edit.start >= apart[-1].end:
            apart.append(edit)
    return apart


def _emails(text: str) -> list[Edit]:
    return [Edit(*found.span(), "[email]") for found in EMAIL.finditer(text)] if "@" in text else []


def _numbers(text: str) -> Iterator[Edit]:
    for found in NUMBER.finditer(text):
        before = text[max(0, found.start() - NEAR) : found.start()]
        if kind := _kind(found[0], before):
            yield Edit(*found.span(), kind)
            continue
        for part in re.finditer(r"[^ \u00a0/]+", found[0]):  # several numbers in a row
            start = found.start() + part.start()
            if len(part[0]) < len(found[0]) and (kind := _kind(part[0], "")):
                yield Edit(start, start + len(part[0]), kind)


def _kind(number: str, before: str) -> str:
    """What a number is replaced by; nothing where it is no one's."""
    if _is_card(number):
        return "[card]"
    return "[phone]" if _is_phone(number, before) else ""


def _is_phone(number: str, before: str) -> bool:
    if sum(map(str.isdigit, number)) > LONGEST:
        return False
    if DATE.search(number) or YEARS.search(number):
        return False
    return any(form.fullmatch(number) for form in WRITTEN) or SPOKEN_OF.search(before) is not None


def _is_card(number: str) -> bool:
    """As the industry numbers its cards, in the groups that they are written in, with the right last digit."""
    digits = re.sub(r"\D", "", number)
    groups = re.split(r"[ \u00a0-]", number)
    grouped = len(groups) == 1 or [len(group) for group in groups] in ([4, 4, 4, 4], [4, 6, 5], [4, 4, 4, 4, 3])
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and digits.isdigit() and grouped and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(int(digit) * 2, 10)) for digit in digits[-2::-2])
    return len(set(digits)) > 1 and (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
