"""How a Python process of ours is started: the same way for workers and for inference."""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from pathlib import Path

import psutil

from ..home import home

# Set to 1 where visitors give the work: what starts there reads the Hub without this machine's own login.
SHARED = "HFTRANSFER_SHARED_STUDIO"
TOKEN_VARIABLE, IMPLICIT = "HF_TOKEN", "HF_HUB_DISABLE_IMPLICIT_TOKEN"
_LOGINS = (TOKEN_VARIABLE, "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE")


def command(module: str, *arguments: str) -> list[str]:
    """The command line. `-P` keeps the folder that the child starts in off its import path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def end_group(pid: int) -> None:
    """Kill a process that was started in a session of its own, and all that it started.

    Raises:
        ProcessLookupError: it has ended by itself.
    """
    if hasattr(os, "killpg"):
        os.killpg(pid, signal.SIGKILL)
        return
    try:
        process = psutil.Process(pid)
        for one in (*process.children(recursive=True), process):
            one.kill()
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error


def shared() -> bool:
    """Whether this process works for visitors, who are not whoever logged in on this machine."""
    return os.environ.get(SHARED) == "1"


def environment(*, visitors: bool = False) -> dict[str, str]:
    """The child's environment. Sleeping threads cost a busy machine less than waiting ones.

    Args:
        visitors: the work is a visitor's, whoever starts it.
    """
    own = {
        "HFTRANSFER_HOME": str(home()),
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    root = str(Path(__file__).parents[2])
    if root != sysconfig.get_paths()["purelib"]:  # a checkout that was never installed is found too
        own["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    given = {**os.environ, **own}
    return _logged_out(given) if visitors or shared() else given


def _logged_out(given: dict[str, str]) -> dict[str, str]:
    """Not every package asks whether a login is to be used unasked: so there is none to be found."""
    rest = {name: value for name, value in given.items() if name not in _LOGINS}
    return {**rest, SHARED: "1", IMPLICIT: "1", "HF_TOKEN_PATH": os.devnull}
