"""What a worker is given to do, and what becomes of it when it is cut short."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checkpoints import SETTLED, salvage
from ..recipe import Recipe
from ..values import Listener

ROOM = "work"  # in the job's folder: what the run needs meanwhile


@dataclass(frozen=True)
class Work:
    """One job's work.

    Attributes:
        room: lasts as long as the job, so that it can go on after a kill.
        over: whether to end with what there is.
    """

    source: str
    recipe: Recipe
    output: Path
    overwrite: bool
    room: Path
    listen: Listener
    over: Callable[[], bool]


def kept(room: Path, output: Path, *, overwrite: bool) -> dict[str, Any] | None:
    """The best model of a run that was cut short, put into its output, and what is known of it; None without one.

    Raises:
        OutputError: the output cannot be written.
    """
    if not salvage(room, output, overwrite=overwrite):
        return None
    settled = json.loads((room / SETTLED).read_text(encoding="utf-8"))
    return {"kept": True, "task": settled.get("task", ""), "backbone": (settled.get("backbone") or {}).get("name")}
