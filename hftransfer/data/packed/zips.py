"""Zip archives, read in place: nothing is ever extracted."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import BinaryIO, cast

from ...errors import SourceError
from ..trees import Entry
from .bounds import bounds
from .members import Member, Roll, damaged, shrunk
from .names import names_in, told

ANY = 1 << 62  # bytes: the library cuts a member off where its size says, and would hide that there is more


class Zip:
    """The members of a zip file.

    Raises:
        SourceError: it is no zip file, it is encrypted, a member points out of it or
            is no file, or it would unpack to more than the bounds.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.place = str(path)
        self._zip = _opened(path)
        roll = Roll(self.place, path.stat().st_size, bounds())
        names, encoding = names_in(self._zip.infolist())
        self._members = dict(_members(self._zip, names, roll))
        self.junk = tuple(roll.junk)
        self.problems = (*told(self.place, encoding), *roll.problems())
        self.entries = tuple(sorted(Entry(name, info.file_size, info.CRC) for name, info in self._members.items()))

    def open(self, path: str) -> BinaryIO:
        if path not in self._members:
            raise FileNotFoundError(path)
        info = copy(self._members[path])
        size, info.file_size = info.file_size, ANY
        try:
            file = self._zip.open(info)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, struct.error) as error:
            raise damaged(f"{self.place}, member '{path}'") from error
        return cast(BinaryIO, io.BufferedReader(Member(file, size, self.place, path)))

    def stamp(self, path: str) -> str:
        info = self._members.get(path)
        return f"{info.file_size} {info.CRC}" if info else ""


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error) as error:
        raise SourceError(
            "this is no zip archive, or a damaged one", place=str(path), fix="pack the data as a zip again"
        ) from error
    except OSError as error:
        raise SourceError(f"cannot read the archive: {error.strerror}", place=str(path)) from error


def _members(archive: zipfile.ZipFile, names: Sequence[str], roll: Roll) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    for name, info in zip(names, archive.infolist(), strict=True):
        if roll.bounds.exceeded(info.file_size, info.compress_size):
            raise shrunk(f"{roll.place}, member '{name}'", roll.bounds)
        if path := roll.add(name, info.file_size, fault=_fault(info)):
            yield path, info


def _fault(info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a device or a pipe"
    if info.flag_bits & 1:
        return "is encrypted"
    return ""
