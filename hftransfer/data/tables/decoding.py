"""Which encoding a text file is in, or many small ones together."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import BinaryIO

from charset_normalizer import from_bytes

from ...values import Problem
from ..checks import first_few

CHUNK = 2**20
LINES, SAMPLE = 500, 2**18  # lines, or bytes, that a guess is made of
HANGUL = 0.95  # of a Korean text's letters: fewer are Chinese characters that Korean would hardly write
NARROW = 0.25  # of a Japanese text's letters: more are another script's bytes
COMMON = 0.9  # of a Chinese text's characters are among the frequent ones
LEGACY = ["cp1252", "gb18030", "big5", "cp932", "euc_kr", "cp1251"]
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def encoding_of(place: str, opener: Callable[[], BinaryIO]) -> tuple[str, tuple[Problem, ...]]:
    """The file's encoding: by its mark, UTF-8 where all of it is, else a guess that is told."""
    mark, stray = _looked_at(opener)
    if mark:
        return mark, (_told_of([place], mark),)
    if stray is None:
        return "utf-8", ()
    likely = guess(_telling(stray))
    return likely, (_told_of([place], likely),)


def opened(opener: Callable[[], BinaryIO], encoding: str, newline: str | None = None) -> io.TextIOWrapper:
    """The file as text. What is no text in its encoding is replaced: a mark at its head, or a guess, proves nothing."""
    return io.TextIOWrapper(opener(), encoding=encoding, errors="replace", newline=newline)


def encoding_of_all(places: Sequence[str], open: Callable[[str], BinaryIO]) -> tuple[str, tuple[Problem, ...]]:
    """What texts without a mark that are not UTF-8 are in, each being too short to say it; empty where all are UTF-8.

    Each is read once, by stretches.
    """
    known: dict[str, list[str]] = {}
    telling: list[bytes] = []
    for place in places:
        mark, stray = _looked_at(partial(open, place))
        if mark or stray:
            known.setdefault(mark, []).append(place)
        if sum(map(len, telling)) < SAMPLE:
            telling += _telling(stray or b"")
    likely = guess(telling) if "" in known else ""
    return likely, tuple(_told_of(found, mark or likely) for mark, found in known.items())


def decode(content: bytes, otherwise: str) -> str:
    """A whole text: by its mark, as UTF-8, or in the encoding of others beside it."""
    if mark := _mark(content):
        return content.decode(mark, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(otherwise or "utf-8", errors="replace")


def _mark(head: bytes) -> str:
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "")


def _looked_at(opener: Callable[[], BinaryIO]) -> tuple[str, bytes | None]:
    """A file's mark, or its first stretch that is not UTF-8."""
    with opener() as file:
        mark = _mark(file.read(4))
    return mark, None if mark else _not_utf8(opener)


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


def _telling(stretch: bytes) -> list[bytes]:
    """The lines that say something about their encoding, and not too many of them."""
    lines = (line[:SAMPLE] for line in stretch.splitlines() if not line.isascii())
    return list(islice(lines, LINES))


def guess(lines: Sequence[bytes], among: Sequence[str] = LEGACY) -> str:
    """The likeliest legacy encoding; Chinese where short samples may be that as well as another."""
    sample = b"\n".join(lines[:LINES])
    likely = (match.encoding for match in from_bytes(sample, cp_isolation=list(among)))
    found = next((name for name in likely if name != "cp932" or not _narrow(sample)), among[0])
    return "gb18030" if found in DOUBTED and DOUBTED[found](sample) else found


def _narrow(sample: bytes) -> bool:
    """Whether as Japanese it would be of narrow letters, which hardly anybody writes any more."""
    letters = [letter for letter in sample.decode("cp932", "ignore") if not letter.isascii()]
    return sum("｡" <= letter <= "ﾟ" for letter in letters) > NARROW * len(letters)


def _not_korean(sample: bytes) -> bool:
    letters = [letter for letter in sample.decode("euc_kr", "ignore") if letter >= "\u3400"]
    return sum("가" <= letter <= "힣" for letter in letters) < HANGUL * len(letters)


def _frequent_chinese(sample: bytes) -> bool:
    """Whether all of it is what GB 2312 writes, whose frequent characters begin with the bytes B0 to D7."""
    try:
        pairs = [letter.encode("gb2312") for letter in sample.decode("gb2312") if letter >= "\u3400"]
    except UnicodeDecodeError:
        return False
    return sum(pair[0] <= 0xD7 for pair in pairs) >= COMMON * len(pairs)


# Guesses that short Chinese texts are taken for, and whether a sample is Chinese after all.
DOUBTED: dict[str, Callable[[bytes], bool]] = {
    "euc_kr": _not_korean,
    **dict.fromkeys(("big5", "cp932"), _frequent_chinese),
}


def _told_of(places: Sequence[str], encoding: str) -> Problem:
    """What to say of files that are read in an encoding: of a mark alone, where they are UTF-8."""
    return _marked(places) if encoding == "utf-8-sig" else _told(places, encoding)


def _marked(places: Sequence[str]) -> Problem:
    message = "the file begins with a byte order mark, which was left out"
    if len(places) > 1:
        message = f"{len(places)} files begin with a byte order mark, which was left out"
    fix = "save it as UTF-8 without one where other programs take it for text"
    return Problem("byte-order-mark", "info", first_few(places), message, fix)


def _told(places: Sequence[str], encoding: str) -> Problem:
    message = f"the file is not in UTF-8: it was read as {encoding}"
    if len(places) > 1:
        message = f"{len(places)} files are not in UTF-8: they were read as {encoding}"
    fix = "look at a few texts, and save the file as UTF-8 if they are garbled"
    return Problem("encoding", "info", first_few(places), message, fix)
