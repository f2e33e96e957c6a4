"""Files below a folder, seen the same way as the members of an archive."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, Protocol

from ..errors import SourceError
from ..values import Problem
from .rows import digest

LEFT_OUT = "left-out.csv"  # what a repair writes beside the data: it is no data
JUNK = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "@eadir", "icon\r", LEFT_OUT}


class Entry(NamedTuple):
    """A file: its path with `/`, its size in bytes, and what changes when its content does."""

    path: str
    size: int
    stamp: int

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.path.split("/"))

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix.lower()


class Tree(Protocol):
    """A folder or an archive: its files in the order of their paths. Junk is left out, and named."""

    @property
    def name(self) -> str: ...

    @property
    def place(self) -> str: ...

    @property
    def entries(self) -> tuple[Entry, ...]: ...

    @property
    def junk(self) -> tuple[str, ...]: ...

    @property
    def problems(self) -> tuple[Problem, ...]: ...

    def open(self, path: str) -> BinaryIO: ...

    def stamp(self, path: str) -> str:
        """What changes when a file's content does; empty where there is no such file."""
        ...


@dataclass(frozen=True)
class Folder:
    """A folder on disk, or one of its files: what that names is found beside it."""

    root: Path
    name: str
    place: str
    entries: tuple[Entry, ...]
    junk: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @classmethod
    def whole(cls, path: Path) -> Folder:
        """With all its files. Links are followed, once each; into what is junk nobody looks."""
        junk: list[str] = []
        entries = tuple(sorted(_scan(path, "", {os.path.realpath(path)}, junk)))
        return cls(path, path.resolve().name, str(path), entries, tuple(sorted(junk)))

    @classmethod
    def around(cls, file: Path) -> Folder:
        """With that one file alone."""
        stat = file.stat()
        return cls(file.parent, file.stem, str(file), (Entry(file.name, stat.st_size, stat.st_mtime_ns),))

    def open(self, path: str) -> BinaryIO:
        return (self.root / path).open("rb")

    def stamp(self, path: str) -> str:
        try:
            stat = (self.root / path).stat()
        except (OSError, ValueError):
            return ""
        return f"{stat.st_size} {stat.st_mtime_ns}"


def read(tree: Tree, path: str) -> bytes:
    """A file's whole content."""
    with tree.open(path) as file:
        return file.read()


def tree_key(entries: tuple[Entry, ...]) -> str:
    """Changes when a file is added, removed, renamed or written."""
    return digest(*(f"{entry.path}\0{entry.size}\0{entry.stamp}" for entry in entries))


def is_junk(path: str) -> bool:
    """Whether a path is what systems and tools leave behind: hidden, or known by name."""
    return any(part.startswith(".") or part.lower() in JUNK for part in path.split("/"))


def _scan(folder: Path, prefix: str, seen: set[str], junk: list[str]) -> Iterator[Entry]:
    try:
        found = list(os.scandir(folder))
    except OSError as error:
        raise SourceError(
            f"cannot look into the folder: {error.strerror}", place=str(folder), fix="check its permissions"
        ) from error
    for item in found:
        path = prefix + item.name
        if is_junk(item.name):
            junk.append(path)
            continue
        if item.is_file():
            stat = item.stat()
            yield Entry(path, stat.st_size, stat.st_mtime_ns)
        elif item.is_dir() and (real := os.path.realpath(item.path)) not in seen:
            seen.add(real)
            yield from _scan(Path(item.path), path + "/", seen, junk)
