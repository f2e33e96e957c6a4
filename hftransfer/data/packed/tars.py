"""Tar archives, plain or compressed.

Their headers are read here and not by Python's `tarfile`: that one takes a header of any
length into memory, and has hung on some that were made for it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tempfile
import weakref
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from ...errors import OutputError, SourceError
from ...home import home
from ..trees import Entry
from .bounds import bounds
from .members import DAMAGE, Member, Roll, damaged, require_size

BLOCK, CHUNK = 512, 2**20
LONGEST = 2**20  # bytes of a header's text: names, and what else packers note
PACKERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
FILE, FOLDER = b"0\x007", b"5D"
FAULTS = {b"1": "is a link", b"2": "is a link"} | dict.fromkeys((b"3", b"4", b"6"), "is a device or a pipe")
OTHER = "is of a kind that cannot be read"


class Tar:
    """The members of a tar file.

    One that is compressed is unpacked when the first member is opened: into a file of
    our home that has no name, and goes with the process.

    Raises:
        SourceError: it is no tar file, a member points out of it or is no file, or it
            unpacks to more than the bounds.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name.removesuffix(path.suffix).removesuffix(".tar")
        self.place = str(path)
        self._path = path
        roll = Roll(self.place, path.stat().st_size, bounds())
        with _Stream(path, roll) as stream:
            self._members = {name: header for header in _headers(stream) if (name := _entered(header, roll))}
        self.junk, self.problems = tuple(roll.junk), tuple(roll.problems())
        stamp = path.stat().st_mtime_ns
        self.entries = tuple(sorted(Entry(name, member.size, stamp) for name, member in self._members.items()))

    def open(self, path: str) -> BinaryIO:
        if path not in self._members:
            raise FileNotFoundError(path)
        header = self._members[path]
        part = _Part(self._unpacked, header.start, header.size)
        return cast(BinaryIO, io.BufferedReader(Member(part, header.size, self.place, path)))

    def stamp(self, path: str) -> str:
        member = self._members.get(path)
        return f"{member.size} {member.start} {self._path.stat().st_mtime_ns}" if member else ""

    @cached_property
    def _unpacked(self) -> IO[bytes]:
        if not _opener(self._path):
            return self._owned(self._path.open("rb"))
        roll = Roll(self.place, self._path.stat().st_size, bounds())
        try:
            file = self._owned(tempfile.TemporaryFile(dir=home("datasets")))  # noqa: SIM115
            with _Stream(self._path, roll) as stream:
                while chunk := stream.take(CHUNK):
                    file.write(chunk)
        except OSError as error:
            raise OutputError(
                f"cannot unpack the archive on disk: {error.strerror or error}",
                place=str(home("datasets")),
                fix="free some space there, or set HFTRANSFER_HOME to another folder",
            ) from error
        return file

    def _owned(self, file: IO[bytes]) -> IO[bytes]:
        weakref.finalize(self, file.close)
        return file


class Header(NamedTuple):
    """A member: where its bytes start in the unpacked archive, and how many they are."""

    name: str
    kind: bytes
    start: int
    size: int
    fault: str


class _Stream:
    """The bytes that an archive unpacks to, one after another; they are counted."""

    def __init__(self, path: Path, roll: Roll) -> None:
        self.place, self.at, self._roll = str(path), 0, roll
        opener = _opener(path)
        self.packed = opener is not None
        self._file: IO[bytes] = opener(path) if opener else path.open("rb")

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def take(self, size: int) -> bytes:
        """So many bytes, or what is left."""
        try:
            content = self._file.read(size)
        except DAMAGE as error:
            raise damaged(self.place) from error
        self.at += len(content)
        if self.packed:
            require_size(self.place, self.at, self._roll.packed, self._roll.bounds)
        return content

    def skip(self, size: int) -> None:
        if not self.packed:
            self.at = self._file.seek(self.at + size)
        while self.packed and size > 0 and (content := self.take(min(size, CHUNK))):
            size -= len(content)


def _opener(path: Path) -> Any:
    """What unpacks the file, by its beginning; None for a plain tar."""
    with path.open("rb") as file:
        head = file.read(8)
    return next((opener for magic, opener in PACKERS.items() if head.startswith(magic)), None)


class _Part:
    """A stretch of a file that others read too."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def read(self, size: int, /) -> bytes:
        self._file.seek(self._start + self._at)
        content = self._file.read(max(0, min(size, self._size - self._at)))
        if len(content) < min(size, self._size - self._at):
            raise EOFError("the archive is cut off")
        self._at += len(content)
        return content

    def seek(self, offset: int, /) -> int:
        self._at = min(offset, self._size)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        """The file is the archive's."""


def _entered(header: Header, roll: Roll) -> str:
    return roll.add(header.name, header.size, fault=header.fault, folder=header.kind in FOLDER)


def _headers(stream: _Stream) -> Iterator[Header]:
    """Every member; what the special ones before it say of it is part of it."""
    everywhere: dict[str, bytes] = {}
    said: dict[str, bytes] = {}
    while block := stream.take(BLOCK):
        if not any(block):
            return
        _check(block, stream)
        kind, size = block[156:157], _size(block[124:136], said.get("size"), stream.place)
        if kind in b"xgLK":
            (everywhere if kind == b"g" else said).update(_notes(kind, _text(stream, size), stream.place))
            continue
        yield _header(block, kind, stream.at, size, {**everywhere, **said})
        said = {}
        if kind != b"5":
            stream.skip(size + -size % BLOCK)
    raise damaged(stream.place) if stream.at else _no_tar(stream.place)  # nothing says that it is whole


def _header(block: bytes, kind: bytes, start: int, size: int, said: dict[str, bytes]) -> Header:
    prefix = block[345:500] if block[257:263] == b"ustar\0" else b""
    own = b"/".join(filter(None, (_cut(prefix), _cut(block[:100]))))
    name = said.get("path", own).decode("utf-8", "surrogateescape")
    folder = kind in FOLDER or (kind in FILE and name.endswith("/"))
    sparse = any(note.startswith("GNU.sparse") for note in said)
    fault = "" if (kind in FILE or folder) and not sparse else FAULTS.get(kind, OTHER)
    return Header(name, b"5" if folder else kind, start, size, fault)


def _check(block: bytes, stream: _Stream) -> None:
    """Hold a header's bytes to the sum that it gives of them."""
    given = block[148:156].strip(b" \0") or b"-"
    total = sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")
    if len(block) < BLOCK or given.strip(b"01234567") or int(given, 8) != total:
        raise _no_tar(stream.place) if stream.at <= BLOCK else damaged(stream.place)


def _size(field: bytes, noted: bytes | None, place: str) -> int:
    """A member's size in bytes: decimal in a note before it, else octal, or binary where it is huge."""
    if field[0] & 0x80:
        return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:])
    text, base = (noted, 10) if noted is not None else (field.strip(b" \0") or b"0", 8)
    if text.strip(b"0123456789"[:base]):
        raise damaged(place)
    return int(text or b"0", base)


def _text(stream: _Stream, size: int) -> bytes:
    """The content of a special header, whose length is bounded."""
    if size > LONGEST:
        raise SourceError(
            "the archive has a header that is too long", place=stream.place, fix="pack the data again, without extras"
        )
    return stream.take(size + -size % BLOCK)[:size]


def _notes(kind: bytes, text: bytes, place: str) -> dict[str, bytes]:
    """What a special header says: a long name, or records of a length, a name and a value."""
    if kind in b"LK":
        return {"path": _cut(text)} if kind == b"L" else {}
    notes: dict[str, bytes] = {}
    at = 0
    while at < len(text):
        length, blank, _ = text[at : at + 20].partition(b" ")
        if not length.isdigit() or not blank or int(length) <= len(length) + 1:
            raise damaged(place)
        name, _, value = text[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        notes[name.decode("utf-8", "replace")] = value
        at += int(length)
    return notes


def _cut(text: bytes) -> bytes:
    return text.partition(b"\0")[0]


def _no_tar(place: str) -> SourceError:
    return SourceError("this is no tar archive, or a damaged one", place=place, fix="pack the data as a tar again")
