"""What the names in a zip are written in: where a member does not say that it is UTF-8, its machine's own encoding."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence

from ...values import Problem
from ..tables.decoding import guess

UTF8 = 0x800  # of a member's flags
NAMED = "cp437"  # as which zipfile reads all others; it gives every byte a character, so that none is lost
MACHINES = ["cp437", "gb18030", "big5", "cp932", "euc_kr", "cp866"]
HIGH = re.compile(rb"[\x80-\xff]+")
FEW = 0.4  # of a name's bytes; of Chinese, Japanese or Korean at least every other one is high


def names_in(infos: Sequence[zipfile.ZipInfo]) -> tuple[list[str], str]:
    """The members' names, and the encoding that was guessed for those that do not say it; empty where it is UTF-8.

    One machine wrote them all: two bytes of Chinese may well be a letter of UTF-8.
    """
    own = [_own(info) for info in infos]
    unsaid = [name for name in own if name is not None]
    encoding = "" if all(map(_is_utf8, unsaid)) else _guess(unsaid)
    pairs = zip(infos, own, strict=True)
    return [
        info.filename if name is None else name.decode(encoding or "utf-8", "replace") for info, name in pairs
    ], encoding


def told(place: str, encoding: str) -> Iterator[Problem]:
    """What to say of names that had to be guessed."""
    if encoding:
        message = f"the names in the archive are not in UTF-8: they were read as {encoding}"
        fix = "look at the names of the classes, and pack the folder again if they are garbled"
        yield Problem("encoding", "info", place, message, fix)


def _own(info: zipfile.ZipInfo) -> bytes | None:
    """A name's bytes; None where its encoding is known."""
    known = info.flag_bits & UTF8 or info.filename != info.orig_filename
    return None if known else info.orig_filename.encode(NAMED)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guess(names: Sequence[bytes]) -> str:
    """By each folder's and each file's name once."""
    parts = {part for name in names for part in name.split(b"/") if not part.isascii()}
    telling = sorted(parts)
    return NAMED if _is_western(telling) else guess(telling, MACHINES)


def _is_western(parts: Sequence[bytes]) -> bool:
    """Whether there are but accents among plain letters, and most of them alone."""
    stems = [part.rpartition(b".")[0] or part for part in parts]
    runs = [len(run) for stem in stems for run in HIGH.findall(stem)]
    return 2 * runs.count(1) >= len(runs) and sum(runs) < FEW * sum(map(len, stems))
