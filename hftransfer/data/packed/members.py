"""What members of an archive are held to, whatever packed them; none is trusted."""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ...errors import SourceError
from ...values import Problem
from ..checks import first_few
from ..trees import is_junk
from .bounds import FILES, RATIO, UNPACKED, Bounds

DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError, struct.error)


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...

    def tell(self) -> int: ...

    def close(self) -> None: ...


class Roll:
    """The members that an archive names, checked one by one as they are read.

    Raises:
        SourceError: one points out of the archive or is no file; or they are too many, or too much.
    """

    def __init__(self, place: str, packed: int, bounds: Bounds) -> None:
        self.place, self.packed, self.bounds = place, packed, bounds
        self.count = self.size = 0
        self.junk: list[str] = []
        self._seen: set[str] = set()
        self._again: list[str] = []

    def add(self, name: str, size: int, fault: str = "", *, folder: bool = False) -> str:
        """The path of a member that is a file to use; empty where it is a folder, or junk."""
        name = name.replace("\\", "/")
        self.count += 1
        self.size += size
        if self.count > self.bounds.files:
            cause = f"the archive has more than {self.bounds.files:,.0f} members"
            raise SourceError(cause, place=self.place, fix=f"split it, or raise {FILES}")
        if wrong := _elsewhere(name) or fault:
            raise untrusted(self.place, name, wrong)
        require_size(self.place, self.size, self.packed, self.bounds)
        path = "/".join(part for part in name.split("/") if part not in ("", "."))
        if not path or folder or name.endswith("/"):
            return ""
        if is_junk(path):
            self.junk.append(path)
            return ""
        if path in self._seen:
            self._again.append(path)
        self._seen.add(path)
        return path

    def problems(self) -> Iterator[Problem]:
        """What to say of members that others lie upon; unpacking would leave the last of them, too."""
        if self._again:
            many = "1 file was" if len(self._again) == 1 else f"{len(self._again)} files were"
            message = f"{many} left out, as later ones in the archive have the same paths"
            fix = "give each file a name of its own, and pack them again"
            yield Problem("same-path", "warning", first_few(sorted(set(self._again))), message, fix)


def require_size(place: str, unpacked: int, packed: int, bounds: Bounds) -> None:
    """Refuse an archive of so many bytes out of so few."""
    if unpacked > bounds.unpacked:
        raise SourceError(
            f"the archive unpacks to more than {bounds.unpacked / 2**30:g} GB",
            place=place,
            fix=f"unpack it and give the folder, or raise {UNPACKED}",
        )
    if bounds.exceeded(unpacked, packed):
        raise shrunk(place, bounds)


def shrunk(place: str, bounds: Bounds) -> SourceError:
    """For an archive, or one of its members, that was packed better than data can be."""
    return SourceError(
        f"the archive unpacks to over {bounds.ratio:g} times its size",
        place=place,
        fix=f"unpack it and give the folder, or raise {RATIO}",
    )


def untrusted(place: str, name: str, fault: str) -> SourceError:
    return SourceError(
        f"the archive has a member that {fault}",
        place=f"{place}, member '{name}'",
        fix="pack the folder again, as a plain zip or tar",
    )


def _elsewhere(name: str) -> str:
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    return "points out of it" if ".." in name.split("/") else ""


class Member(io.RawIOBase):
    """A member as a file: it gives as many bytes as it is said to hold, and its damage is told as such.

    Raises:
        SourceError: it is damaged (one of `DAMAGE` is the cause); or it holds more than is said.
    """

    def __init__(self, file: Readable, size: int, place: str, name: str) -> None:
        self._file, self._size, self._place, self._name = file, size, place, name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._file.tell(), io.SEEK_END: self._size}[whence]
        with self._told():  # what is compressed has no index: it is read up to there
            return self._file.seek(max(0, start + offset))

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        with self._told():
            content = self._file.read(len(buffer))
        self._hold()
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DAMAGE as error:
            self._hold()  # a checksum may be wrong for just that
            raise damaged(f"{self._place}, member '{self._name}'") from error

    def _hold(self) -> None:
        if self._file.tell() > self._size:
            raise untrusted(self._place, self._name, "holds more than it says")


def damaged(place: str) -> SourceError:
    return SourceError("the archive is damaged", place=place, fix="pack the data again")
