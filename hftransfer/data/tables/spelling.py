"""Texts as words with their places, and words as a text."""

from __future__ import annotations

import ast
import json
import re
import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

Place = tuple[int, int]  # first character, and the one after the last

# Characters that are written without spaces: Han, kana, and their punctuation and wide forms.
CJK = (
    "\u2e80-\u2fdf\u3000-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff01-\uffef"
    "\U00020000-\U0003ffff"
)
_ALONE = re.compile(f"[{CJK}]")


def places(text: str, borders: Iterable[int] = ()) -> list[Place]:
    """The words of a text: runs of letters and digits with their marks; a CJK character or another sign is a word.

    Args:
        borders: where words are cut as well, in characters.
    """
    cuts = sorted({0, len(text), *borders})
    return [match.span() for start, end in pairwise(cuts) for match in _words().finditer(text, start, end)]


def joined(words: Sequence[str]) -> tuple[str, list[Place]]:
    """One text of words, a space between two unless both are CJK, and the place of each."""
    parts: list[str] = []
    found: list[Place] = []
    end, before = 0, ""
    for word in words:
        space = " " if before and not (_ALONE.match(before[-1]) and _ALONE.match(word[0])) else ""
        parts += (space, word)
        start = end + len(space)
        end, before = start + len(word), word
        found.append((start, end))
    return "".join(parts), found


def words_of(cell: Any) -> list[str] | None:
    """The words of a cell that is a list of texts, or JSON or Python for one; None where it is not."""
    words = as_list(cell)
    return words if words is not None and all(isinstance(word, str) for word in words) else None


def as_list(cell: Any) -> list[Any] | None:
    """A cell that is a list, or the text of one."""
    found = parsed(cell) if isinstance(cell, str) else cell
    return list(found) if isinstance(found, (list, tuple)) else None


def parsed(text: str) -> Any:
    """The list or object that a text is, in JSON or as Python writes it, which many tables hold; else None."""
    plain = text.strip()
    if plain[:1] not in ("[", "{"):
        return None
    for parse in (json.loads, _literal):
        try:
            return parse(plain)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None


def _literal(text: str) -> Any:
    with warnings.catch_warnings(action="ignore"):  # such as of a backslash in a text
        return ast.literal_eval(text)


@cache
def _words() -> re.Pattern[str]:
    codes = range(sys.maxunicode + 1)
    marks = "".join(_ranges(code for code in codes if unicodedata.category(chr(code))[0] == "M"))
    return re.compile(rf"[{CJK}][{marks}]*|(?:(?![{CJK}])[^\W_])(?:(?![{CJK}])[^\W_]|[{marks}\u200c\u200d])*|\S")


def _ranges(codes: Iterable[int]) -> Iterator[str]:
    """Ascending codes, as ranges of a character class."""
    first = last = -2
    for code in codes:
        if code != last + 1:
            yield from _range(first, last)
            first = code
        last = code
    yield from _range(first, last)


def _range(first: int, last: int) -> Iterator[str]:
    if first >= 0:
        yield re.escape(chr(first)) + (f"-{re.escape(chr(last))}" if last > first else "")
