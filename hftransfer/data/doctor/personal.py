"""E-mail addresses, phone numbers and card numbers in texts, and texts without them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .cards import cards
from .edits import Edit, edited

# What is looked at is as long as the text: digits of every script, full-width letters, hyphens and blanks each as one.
_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10, *range(0x1D7CE, 0x1D7FF, 10))
FOLDED = {
    **{code: code - 0xFEE0 for code in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), *map(ord, "＋－（）＠．＿"))},
    **{zero + digit: ord("0") + digit for zero in _ZEROS for digit in range(10)},
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), ord("-")),
    **dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), ord(" ")),
}
WIDE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# Where words are not set apart, a name in front of the sign is of a few characters.
LOCAL = re.compile(rf"[^\W{WIDE}](?:[^\W{WIDE}]|[.+%-])*$|[{WIDE}]{{1,4}}$")
DOMAIN = re.compile(rf"(?:[^\W_{WIDE}](?:[^\W_{WIDE}]|-){{0,62}}\.){{1,8}}[^\W\d_{WIDE}]{{2,24}}")
LONGEST_LOCAL = 64
NUMBER = re.compile(
    r"(?<![0-9/$€£¥#@+-])(?<!\d\.)(?:(?<!\d,)|(?<=\d{7},))"
    r"(?:\+|\()?\d(?:[ .()/-]{0,3}\d){6,40}(?![A-Za-z0-9/%])(?![.-]\d)(?!,\d{1,6}(?!\d))"
)
_OF = (
    r"tel(?:ephone)?s?|phone|call(?:ed|ing)?|mobile|cell(?:phone)?|fax|whats ?app|we ?chat|weixin|[wv]x|sms|text me"
    r"|ring|dial|reach \w+ (?:at|on)|(?:my|our|his|her|their|your) (?:new |old |own |private )?(?:number|no\.?|nr\.?)"
)
# What stands before a number that is somebody's telephone; and what is written together with one.
SPOKEN_OF = re.compile(
    rf"\b(?:{_OF})(?!\w)[^\d\n]{{0,16}}$"
    r"|(?:电话|手机|热线|致电|拨打|来电|联系|传真|微信|電話|手機|熱線|致電|撥打|聯絡)[^\d\n]{0,8}$",
    re.IGNORECASE,
)
GLUED = re.compile(rf"(?<![A-Za-z])(?:{_OF})[.:]?$", re.IGNORECASE)
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
            r"(?:1-)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}-)\d{3}-\d{4}",  # the same, as it is made up
            r"\(?0\d{2,4}\)?[ /-]\d{3,4}[ -]?\d{3,4}",  # many countries, with their trunk 0
            r"\(0\d{1,4}\) ?\d{3,4}[ -]?\d{3,4}|0\d[ -]\d{4}[ -]\d{4}",  # the same, of large cities
            r"0\d(?:[ .]\d{2}){4}",  # France
            r"0[67]\d{3}[ -]?\d{3}[ -]?\d{3}",  # British mobiles
        ),
    )
)
NEAR = 40  # characters before a number that may say what it is
LONGEST = 16  # digits of a telephone number, from abroad
DATE = re.compile(r"(?:1[5-9]|20)\d{2}([ ./-])\d{1,2}\1\d{1,2}|\d{1,2}([ ./-])\d{1,2}\2(?:1[5-9]|20)\d{2}")
YEARS = re.compile(r"(?:1[5-9]|20)\d{2}[ ]?[-/][ ]?(?:1[5-9]|20)\d{2}")
ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")  # of a computer


def personal(text: str) -> list[Edit]:
    """Where a text names an address or a number, and what to write instead."""
    plain = text if text.isascii() else text.translate(FOLDED)
    found = list(_emails(plain)) if "@" in plain else []
    if any(map(str.isdigit, plain)):
        for find in (cards, _phones):  # one after another: what is found is no part of the next
            hidden = edited(plain, [edit._replace(new="\0" * (edit.end - edit.start)) for edit in found])
            found = sorted([*found, *find(hidden)])
    return found


def _emails(text: str) -> Iterator[Edit]:
    end = 0
    for sign in re.finditer("@", text):
        first = max(end, sign.start() - LONGEST_LOCAL)
        name, domain = LOCAL.search(text[first : sign.start()]), DOMAIN.match(text, sign.end())
        if name and domain:
            end = domain.end()
            yield Edit(first + name.start(), end, "[email]")


def _phones(text: str) -> Iterator[Edit]:
    for found in NUMBER.finditer(text):
        if _is_phone(found[0], text[max(0, found.start() - NEAR) : found.start()]):
            yield Edit(*found.span(), "[phone]")
            continue
        for part in re.finditer(r"\(\d{2,4}\) ?[\d-]+|[^ /()]+", found[0]):  # several numbers in a row
            start = found.start() + part.start()
            if len(part[0]) < len(found[0]) and not text[start - 1].isalpha() and _is_phone(part[0], ""):
                yield Edit(start, start + len(part[0]), "[phone]")


def _is_phone(number: str, before: str) -> bool:
    """By how it is written, or by what stands before it; written together with letters, by these alone."""
    if sum(map(str.isdigit, number)) > LONGEST or ADDRESS.fullmatch(number):
        return False
    if DATE.search(number) or YEARS.search(number):
        return False
    if re.search(r"[A-Za-z]$", before) and number[0] != "(":
        return GLUED.search(before) is not None
    written = any(form.fullmatch(re.sub(" +", " ", number)) for form in WRITTEN)
    return written or (not before.endswith("_") and SPOKEN_OF.search(before) is not None)
