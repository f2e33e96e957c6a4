"""Archives: which files are some, and how they are opened."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..trees import Tree
from .tars import BLOCK, Tar
from .zips import Zip

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SUFFIXES = (".zip", *TARS)
# What is left as it lies inside another archive: the programs that pack such are others, too.
PACKED = (*SUFFIXES, ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")


def is_archive(path: Path) -> bool:
    """Whether a file is one that can be opened, by its name or by its beginning."""
    return path.name.lower().endswith(SUFFIXES) or zipfile.is_zipfile(path) or _is_tar(path)


def open_archive(path: Path) -> Tree:
    """The members of an archive, by what it is rather than by its name.

    Raises:
        SourceError: it is none, or a damaged one; it breaks a bound, or points outside.
    """
    tar = path.name.lower().endswith(TARS) and not zipfile.is_zipfile(path)
    return Tar(path) if tar or _is_tar(path) else Zip(path)


def is_packed(path: str) -> bool:
    """Whether a path ends as archives' paths do."""
    return path.lower().endswith(PACKED)


def _is_tar(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(BLOCK)[257:262] == b"ustar"
