"""Zip archives, read in place: nothing is ever extracted, and no member is trusted."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from ..errors import SourceError
from .trees import Entry, is_junk

MOST_BYTES = 20 * 2**30
MOST_MEMBERS = 1_000_000
MOST_RATIO = 200  # of what a member unpacks to, to what it takes up
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
RATIO_FROM = 10 * 2**20  # small members may well shrink that much


class Archive:
    """The members of a zip file.

    Reading a member never gives more bytes than its entry declares, so the limits
    on declared sizes hold for what is read.

    Raises:
        SourceError: it is no zip file, it is encrypted, a member points out of it or
            is a link, or it would unpack to more than the limits.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.place = str(path)
        self._zip = _opened(path)
        self._members = dict(_members(self._zip, self.place))
        self.entries = tuple(sorted(Entry(name, info.file_size, info.CRC) for name, info in self._members.items()))

    def open(self, path: str) -> BinaryIO:
        if path not in self._members:
            raise FileNotFoundError(path)
        place = f"{self.place}, member '{path}'"
        with _told(place):
            return cast(BinaryIO, io.BufferedReader(_Member(self._zip.open(self._members[path]), place)))

    def stamp(self, path: str) -> str:
        info = self._members.get(path)
        return f"{info.file_size} {info.CRC}" if info else ""


class _Member(io.RawIOBase):
    """A member as a file whose damage is told as such."""

    def __init__(self, file: IO[bytes], place: str) -> None:
        self._file = file
        self._place = place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _told(self._place):  # a member has no index: it is read up to there
            return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        with _told(self._place):
            content = self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def _told(place: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise SourceError("the archive is damaged", place=place, fix="pack the data as a zip again") from error


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise SourceError(
            "this is no zip archive, or a damaged one", place=str(path), fix="pack the data as a zip again"
        ) from error
    except OSError as error:
        raise SourceError(f"cannot read the archive: {error.strerror}", place=str(path)) from error


def _members(archive: zipfile.ZipFile, place: str) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise SourceError(f"the archive has more than {MOST_MEMBERS:,} members", place=place, fix="split it")
    if sum(info.file_size for info in infos) > MOST_BYTES:
        raise SourceError(
            f"the archive unpacks to more than {MOST_BYTES // 2**30} GB", place=place, fix="unpack it, give the folder"
        )
    for info in infos:
        name = info.filename.replace("\\", "/")
        fault = _fault(info, name)
        if fault:
            raise SourceError(
                f"the archive has a member that {fault}",
                place=f"{place}, member '{info.filename}'",
                fix="pack the folder as a plain zip again",
            )
        if not info.is_dir() and not is_junk(name):
            yield name, info


def _fault(info: zipfile.ZipInfo, name: str) -> str:
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "points out of it"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a link"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * max(info.compress_size, 1):
        return f"unpacks to over {MOST_RATIO} times its size"
    return ""
