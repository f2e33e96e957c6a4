"""How a Python process of ours is started: the same way for workers and for inference."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path


def command(module: str, *arguments: str) -> list[str]:
    """The command line. `-P` keeps the folder that the child starts in off its import path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """The child's environment. Sleeping threads cost a busy machine less than waiting ones."""
    own = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    root = str(Path(__file__).parents[2])
    if root != sysconfig.get_paths()["purelib"]:  # a checkout that was never installed is found too
        own["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, **own}
