"""The HTTP server: reads a request, finds the part that answers it, sends the answer."""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import accounts, commits, contents, discussions, faults, lfs, xet
from .hub import Hub
from .web import Refused, Request, Response

PARTS = (faults, accounts, contents, commits, lfs, xet, discussions)


def answer(hub: Hub, request: Request) -> Response:
    """What the Hub says to a request."""
    try:
        for part in PARTS:
            found = part.routes.find(request)
            if found:
                handler, groups = found
                value = handler(hub, request, **groups)
                return value if isinstance(value, Response) else Response.json(value)
        raise Refused(404, f"no route for {request.method} {request.path}")
    except Refused as refusal:
        return refusal.response()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def handle_any(self) -> None:
        hub, request = self.server.hub, self._request()
        control = request.path.startswith("/-/")
        fault = None if control else hub.faults.take(request)
        if fault == "drop":
            return self._hang_up()
        response = Refused(fault, "made to fail").response() if isinstance(fault, int) else answer(hub, request)
        if not control:
            hub.faults.log.append(f"{request.method} {request.path} {response.status}")
        if fault == "lose":
            return self._hang_up()
        self._send(faults.tampered(response) if fault == "tamper" else response)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_any  # names that the base class calls

    def _request(self) -> Request:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        return Request(self.command, address.path, query, self.headers, self._body())  # type: ignore[arg-type]

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(response.body))}
        for name, value in (headers | dict(response.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the hub keeps its own log."""


class Server(ThreadingHTTPServer):
    """A Hub that listens on 127.0.0.1. Port 0 takes a free one; `hub.url` then tells which."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hub: Hub, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.hub = hub
        port = self.server_address[1]
        hub.url, hub.cdn = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
