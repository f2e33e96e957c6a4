"""Failures on demand, for tests of what a client does then.

    POST /-/faults    {"match": "POST .*/commit/", "action": "drop", "after": 0, "times": 1}
    DELETE /-/faults  all is well again
    GET /-/requests   what was asked so far, as "METHOD /path status"

`match` is searched for in "METHOD /path". The first `after` requests that match pass,
the next `times` fail (null: all). An action is a status such as 503 or 401; `drop`, the
connection is closed without an answer; `lose`, the same, but the request was carried
out; or `tamper`, the last byte of the answer is another.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

from .web import Request, Response, Routes


@dataclass
class Fault:
    match: str
    action: str | int
    after: int = 0
    times: int | None = None

    def strikes(self, line: str) -> bool:
        """Whether this request fails; counts it."""
        if not re.search(self.match, line) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The failures that are set, and the log of all requests."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self.log: list[str] = []

    def take(self, request: Request) -> str | int | None:
        """What shall go wrong with this request."""
        line = f"{request.method} {request.path}"
        with self._lock:
            return next((fault.action for fault in self._faults if fault.strikes(line)), None)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()
            self.log.clear()


def tampered(response: Response) -> Response:
    """The same answer with its last byte changed, as long as before."""
    if response.status not in (200, 206) or not response.body:
        return response
    body = response.body[:-1] + bytes([response.body[-1] ^ 1])
    return Response(response.status, body, response.headers)


routes = Routes()


@routes.on("POST", "/-/faults")
def add_fault(hub: Any, request: Request) -> dict[str, Any]:
    hub.faults.add(Fault(**request.json()))
    return {}


@routes.on("DELETE", "/-/faults")
def clear_faults(hub: Any, request: Request) -> dict[str, Any]:
    hub.faults.clear()
    return {}


@routes.on("GET", "/-/requests")
def list_requests(hub: Any, request: Request) -> list[str]:
    return list(hub.faults.log)
