"""Events as a bar on a terminal; results as lines to read are in `lines`."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from ..values import Event
from . import lines

__all__ = ["Terminal", "lines"]

WIDTH = 24
EVERY = 0.1  # seconds between two drawings of the bar


class Terminal:
    """A listener that draws one bar on standard error; plain lines where that is no terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.stage = ""
        self.drawn = 0.0
        self.open = False

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __call__(self, event: Event) -> None:
        if event.stage != self.stage:
            self._end()
            self.stage = event.stage
        if self.live and event.total:
            self._draw(event)
        elif event.message and (not event.total or any(name.startswith("eval_") for name in event.metrics)):
            self._say(event)

    def _say(self, event: Event) -> None:
        self._end()
        figures = _figures(event)
        self.stream.write(f"{event.stage:9} {event.message}{'  ' if figures else ''}{figures}\n")
        self.stream.flush()

    def _draw(self, event: Event) -> None:
        now = time.monotonic()
        if now - self.drawn < EVERY and event.step < event.total and not event.metrics:
            return
        self.drawn, self.open = now, True
        filled = WIDTH * event.step // event.total
        bar = "█" * filled + "░" * (WIDTH - filled)
        self.stream.write(f"\r\033[K{event.stage:9} {bar} {event.step}/{event.total}  {_figures(event)}")
        self.stream.flush()

    def _end(self) -> None:
        if self.open:
            self.stream.write("\n")
            self.stream.flush()
        self.open = False


def _figures(event: Event) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in event.metrics.items())
