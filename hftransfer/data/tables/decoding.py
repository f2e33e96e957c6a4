"""Which encoding a text file is in."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from typing import BinaryIO

from charset_normalizer import from_bytes

from ...values import Problem

CHUNK = 2**20
LEGACY = ["cp1252", "gb18030", "big5", "cp932", "euc_kr", "cp1251"]
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def encoding_of(place: str, opener: Callable[[], BinaryIO]) -> tuple[str, tuple[Problem, ...]]:
    """The file's encoding: by its mark, UTF-8 where all of it is, else a guess that is told."""
    with opener() as file:
        head = file.read(4)
    marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    if marked:
        return marked, (_marked(place),) if marked == "utf-8-sig" else ()
    stray = _not_utf8(opener)
    if stray is None:
        return "utf-8", ()
    guess = _guess(stray)
    return guess, (_told(place, guess),)


def opened(opener: Callable[[], BinaryIO], encoding: str, newline: str | None = None) -> io.TextIOWrapper:
    """The file as text. What is no text in its encoding is replaced: a mark at its head, or a guess, proves nothing."""
    return io.TextIOWrapper(opener(), encoding=encoding, errors="replace", newline=newline)


def decode(content: bytes) -> str:
    """A whole text in whichever encoding it is."""
    for mark, name in MARKS.items():
        if content.startswith(mark):
            return content.decode(name, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_guess(content), errors="replace")


def _not_utf8(opener: Callable[[], BinaryIO]) -> bytes | None:
    """The first stretch that is not UTF-8, in whole lines; None where there is none."""
    with opener() as file:
        while chunk := file.read(CHUNK):
            chunk += file.readline()
            try:
                chunk.decode("utf-8")
            except UnicodeDecodeError:
                return chunk
    return None


def _guess(sample: bytes) -> str:
    """The likeliest legacy encoding; only lines that say something about it are asked."""
    lines = [line for line in sample.splitlines() if not line.isascii()]
    best = from_bytes(b"\n".join(lines[:500]), cp_isolation=LEGACY).best()
    return best.encoding if best else "latin-1"


def _marked(place: str) -> Problem:
    return Problem(
        "byte-order-mark",
        "info",
        place,
        "the file begins with a byte order mark, which was left out",
        "save it as UTF-8 without one where other programs take it for text",
    )


def _told(place: str, encoding: str) -> Problem:
    return Problem(
        "encoding",
        "info",
        place,
        f"the file is not in UTF-8: it was read as {encoding}",
        "look at a few texts, and save the file as UTF-8 if they are garbled",
    )
