"""Xet's content-addressed storage: files as runs of chunks inside xorbs.

Both formats are binary. A shard tells which chunks of which xorbs make up a file; a
xorb is a row of compressed chunks, each behind a header of eight bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from .blobs import Blobs
from .web import Refused

HEADER = 48  # bytes of a shard's header, and of every record after it
BOOKEND = b"\xff" * 32  # stands in place of a file's hash after the last one


@dataclass(frozen=True)
class Segment:
    """Chunks `start` to `end` (not included) of a xorb, `size` bytes when unpacked."""

    xorb: str
    size: int
    start: int
    end: int


def hash_text(raw: bytes) -> str:
    """Xet writes its hashes as four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", raw))


class XetStore:
    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        self.files: dict[str, list[Segment]] = {}
        self.by_sha256: dict[str, tuple[str, int]] = {}  # content -> (Xet hash, size)
        self.chunk_starts: dict[str, list[int]] = {}

    def put_xorb(self, digest: str, data: bytes) -> None:
        """Keep a xorb and the places where its chunks begin (and the last one ends)."""
        starts, at = [0], 0
        while at + 8 <= len(data) and data[at] == 0:  # version byte, then the packed length in three bytes
            at += 8 + int.from_bytes(data[at + 1 : at + 4], "little")
            starts.append(at)
        self.blobs.write(self.blobs.xorb(digest), data)
        self.chunk_starts[digest] = starts

    def put_shard(self, shard: bytes) -> None:
        """Learn the files that a shard describes."""
        at = HEADER
        while shard[at : at + 32] != BOOKEND:
            at = self._file(shard, at)

    def _file(self, shard: bytes, at: int) -> int:
        digest = hash_text(shard[at : at + 32])
        flags, count = struct.unpack("<II", shard[at + 32 : at + 40])
        at += HEADER
        segments = [self._segment(shard[at + HEADER * index :]) for index in range(count)]
        self.files[digest] = segments
        has_verification, has_metadata = flags >> 31, flags >> 30 & 1
        at += HEADER * count * (2 if has_verification else 1)
        if has_metadata:
            self.by_sha256[hash_text(shard[at : at + 32])] = (digest, sum(segment.size for segment in segments))
            at += HEADER
        return at

    @staticmethod
    def _segment(record: bytes) -> Segment:
        size, start, end = struct.unpack("<4x3I", record[32:HEADER])
        return Segment(hash_text(record[:32]), size, start, end)

    def size(self, digest: str) -> int:
        if digest not in self.files:
            raise Refused(404, "no such file in Xet storage")
        return sum(segment.size for segment in self.files[digest])

    def reconstruction(self, digest: str, first: int, last: int, cdn: str) -> dict[str, Any]:
        """Where a client gets the bytes `first` to `last` of a file from."""
        terms: list[dict[str, Any]] = []
        sources: dict[str, list[dict[str, Any]]] = {}
        at, skip = 0, 0
        for segment in self.files[digest]:
            if at + segment.size > first and at <= last:
                skip = skip if terms else first - at
                chunks = {"start": segment.start, "end": segment.end}
                terms.append({"hash": segment.xorb, "unpacked_length": segment.size, "range": chunks})
                source = {"range": chunks, "url": f"{cdn}/cdn/xorbs/{segment.xorb}", "url_range": self._bytes(segment)}
                known = sources.setdefault(segment.xorb, [])
                known += [source] if source not in known else []
            at += segment.size
        return {"offset_into_first_range": skip, "terms": terms, "fetch_info": sources}

    def _bytes(self, segment: Segment) -> dict[str, int]:
        starts = self.chunk_starts[segment.xorb]
        return {"start": starts[segment.start], "end": starts[segment.end] - 1}
