"""Predictions for a process that never loads a model itself: a child does, and is kept warm.

Questions and answers are lines of JSON over the child's standard input and output; the
child ends when its input does, so none outlives the process that asked.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from contextlib import suppress
from typing import Any

from .. import errors
from ..errors import HFTransferError, JobError
from ..home import home
from .children import command, environment

LOG = "inference.log"
TIMEOUT = 180.0  # seconds for one answer, the first of which loads the model


class Inference:
    """A child process that answers for models. It is started when first asked, and again when it died."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def ask(self, model: str, inputs: list[Any]) -> list[dict[str, Any]]:
        """One prediction an input (`Prediction.to_json()`): texts, lists of two of them, or paths of images.

        Raises:
            HFTransferError: the model or an input cannot be used.
            JobError: the child gave no answer in time, or died over it.
        """
        answers: list[dict[str, Any]] = self._told({"model": model, "inputs": inputs})["predictions"]
        return answers

    def texts(self, path: str, most: int, *, pair: bool = False) -> list[Any]:
        """The texts of a file that holds so many at most, or lists of two of them.

        Raises:
            HFTransferError: it cannot be read.
        """
        texts: list[Any] = self._told({"texts": path, "most": most, "pair": pair})["texts"]
        return texts

    def _told(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            reply = self._exchange(json.dumps(question))
        if "error" in reply:
            raise _raised(reply["error"])
        return reply

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._end()

    def _exchange(self, question: str) -> dict[str, Any]:
        warm, began = self._child is not None, time.monotonic()
        line = self._line(question)
        if not line and warm and time.monotonic() - began < self._timeout:
            line = self._line(question)  # it had died since the last question, or was just dying
        if not line:
            raise JobError(
                "the model's process ended before it answered",
                place=str(home("jobs") / LOG),
                fix="try again; if it happens again, the machine may be short of memory",
            )
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _line(self, question: str) -> str:
        """The child's answer; empty, and the child ended, where it gave none."""
        child = self._living()
        overdue = threading.Timer(self._timeout, child.kill)
        overdue.start()
        try:
            line = _round_trip(child, question)
        finally:
            overdue.cancel()
        if not line:
            self._end()
        return line

    def _living(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._child = _start()
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            with suppress(OSError):
                child.communicate()


def _start() -> subprocess.Popen[str]:
    room = home("jobs")
    with (room / LOG).open("ab") as log:
        return subprocess.Popen(
            command("hftransfer.jobs.answer"),
            cwd=room,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )


def _round_trip(child: subprocess.Popen[str], question: str) -> str:
    assert child.stdin is not None and child.stdout is not None
    with suppress(OSError):  # a broken pipe is an empty answer
        child.stdin.write(question + "\n")
        child.stdin.flush()
    return child.stdout.readline()


def _raised(told: dict[str, str]) -> HFTransferError:
    kind = getattr(errors, told["kind"], JobError)
    error: HFTransferError = kind(told["cause"], place=told["place"], fix=told["fix"])
    return error
