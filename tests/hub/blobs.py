"""File contents on disk: git blobs by their sha1, large files by their sha256."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A file in a commit. `oid` is the git blob's (for a large file: its pointer's), `lfs` the content's sha256."""

    oid: str
    size: int
    lfs: str | None = None

    @property
    def etag(self) -> str:
        return self.lfs or self.oid


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Blobs:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("git", "lfs", "parts", "xorbs"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def put(self, data: bytes) -> Entry:
        """Keep a small file as git does."""
        entry = Entry(git_oid(data), len(data))
        self.write(self.path(entry), data)
        return entry

    def pointer(self, sha256: str) -> Entry:
        """The entry of a large file that is already here."""
        size = self.large(sha256).stat().st_size
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
        return Entry(git_oid(text.encode()), size, sha256)

    def path(self, entry: Entry) -> Path:
        return self.large(entry.lfs) if entry.lfs else self.folder / "git" / entry.oid

    def read(self, entry: Entry) -> bytes:
        return self.path(entry).read_bytes()

    def large(self, sha256: str) -> Path:
        return self.folder / "lfs" / sha256

    def part(self, sha256: str, number: int) -> Path:
        return self.folder / "parts" / f"{sha256}.{number}"

    def xorb(self, digest: str) -> Path:
        return self.folder / "xorbs" / digest

    def write(self, path: Path, data: bytes) -> None:
        """Whole or not at all, whoever else writes the same."""
        partial = path.with_name(f"{path.name}.{threading.get_ident()}")
        partial.write_bytes(data)
        os.replace(partial, path)
