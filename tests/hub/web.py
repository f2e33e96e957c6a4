"""HTTP as the parts of the stand-in see it: requests, answers, refusals, routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

PLACEHOLDERS = {
    "{repo}": r"(?P<kind>model|dataset|space)s/(?P<name>[^/]+/[^/]+)",
    "{web_repo}": r"(?:(?P<kind>dataset|space)s/)?(?P<name>[^/]+/[^/]+?)",
    "{revision}": r"(?P<revision>[^/]+)",
    "{path}": r"(?P<path>.+)",
    "{hash}": r"(?P<hash>[0-9a-f]{64})",
    "{number}": r"(?P<number>\d+)",
    "{word}": r"(?P<word>[^/]+)",
}


class Refused(Exception):
    """An answer that is an error. `code` is the Hub's own name for it, where it has one."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code

    def response(self) -> Response:
        headers = {"X-Error-Message": self.message.replace("\n", " ")}
        if self.code:
            headers["X-Error-Code"] = self.code
        return Response(status=self.status, body=_dump({"error": self.message}), headers=headers)


@dataclass(frozen=True)
class Request:
    """What a client sent. `path` keeps its percent signs: a revision may hold a slash."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def token(self) -> str | None:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        return token if scheme == "Bearer" else None

    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")

    def byte_range(self, size: int) -> tuple[int, int] | None:
        """First and last byte asked for, both included; None for the whole.

        Raises Refused (416) for a range that begins past the end.
        """
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not match:
            return None
        first, last = int(match[1]), int(match[2] or size - 1)
        if first >= size:
            raise Refused(416, f"range starts at {first} of {size} bytes")
        return first, min(last, size - 1)


@dataclass(frozen=True)
class Response:
    """What goes back: bytes, JSON already dumped."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
        return cls(status, _dump(value), headers or {})

    @classmethod
    def file(cls, path: Path, request: Request, headers: Mapping[str, str]) -> Response:
        """A file's bytes, or the range of them that was asked for."""
        data = path.read_bytes()
        kind = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        wanted = request.byte_range(len(data))
        if wanted is None:
            return cls(200, data, kind | dict(headers))
        first, last = wanted
        place = {"Content-Range": f"bytes {first}-{last}/{len(data)}"}
        return cls(206, data[first : last + 1], kind | dict(headers) | place)


def _dump(value: Any) -> bytes:
    return json.dumps(value).encode()


Handler = Callable[..., Any]  # (hub, request, **groups of the pattern) -> Response, or a value to send as JSON


class Routes:
    """The addresses that one part of the stand-in answers."""

    def __init__(self) -> None:
        self._rows: list[tuple[frozenset[str], re.Pattern[str], Handler]] = []

    def on(self, methods: str, pattern: str) -> Callable[[Handler], Handler]:
        """Answer these methods (space-separated) at this pattern, which may use PLACEHOLDERS."""
        for mark, expression in PLACEHOLDERS.items():
            pattern = pattern.replace(mark, expression)

        def add(handler: Handler) -> Handler:
            self._rows.append((frozenset(methods.split()), re.compile(pattern), handler))
            return handler

        return add

    def find(self, request: Request) -> tuple[Handler, dict[str, str | None]] | None:
        for methods, pattern, handler in self._rows:
            if request.method in methods and (match := pattern.fullmatch(request.path)):
                return handler, {name: unquote(text) if text else text for name, text in match.groupdict().items()}
        return None
