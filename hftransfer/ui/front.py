"""The page in the language that the server answers this visitor in, Gradio's own texts too.

Left alone, Gradio's page asks the browser for its first language, and knows two kinds of Chinese by
their whole names: to zh-HK, or to who wants French before Chinese, it is in English or French, with
Chinese answers in it. A line in the page's HTML, before any of its code runs, settles that.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .boundaries import LOOPBACK
from .languages import chosen
from .words import say

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
SPEAK = '<script>Object.defineProperty(navigator, "language", {get: () => "%s"});</script>'


class InTheirLanguage:
    """A layer around the web application, for `launch(app_kwargs={"middleware": [Middleware(InTheirLanguage)]})`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in ("", "/"):
            send = _Speaking(send, chosen(Headers(scope=scope).get("accept-language", "")))
        await self.app(scope, receive, send)


class OnlyHere:
    """A layer around a studio that is for this machine alone: what comes from elsewhere, through a proxy or by a name
    that somebody gave to this machine's own address, would be taken for its owner."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _from_here(Headers(scope=scope)):
            words = say("error.elsewhere", fix=say("error.elsewhere.fix"))
            return await PlainTextResponse(words, status_code=403)(scope, receive, send)
        await self.app(scope, receive, send)


def _from_here(headers: Headers) -> bool:
    name = urlsplit(f"//{headers.get('host', '')}").hostname
    return name in LOOPBACK and not any(header in headers for header in FORWARDED)


class _Speaking:
    """Sends the page on, once it is known how long it is now."""

    def __init__(self, send: Send, language: str) -> None:
        self.send, self.language = send, language
        self.start: Message = {}
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                await self._end()

    async def _end(self) -> None:
        headers = MutableHeaders(raw=self.start["headers"])
        headers.add_vary_header("Accept-Language")
        if headers.get("content-type", "").startswith("text/html"):
            line = (SPEAK % self.language).encode()
            self.body = self.body.replace(b"<head>", b"<head>" + line, 1)
            headers["content-length"] = str(len(self.body))
        await self.send(self.start)
        await self.send({"type": "http.response.body", "body": self.body})
