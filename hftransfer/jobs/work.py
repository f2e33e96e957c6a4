"""What a worker is given to do, and what is left of it when it is cut short."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checkpoints import SETTLED, salvage, shed
from ..recipe import Recipe
from ..usage import DENSE
from ..values import Listener

# In the job's folder: what the run needs meanwhile, and the best model of one that was cut short. The
# output is the user's: nothing goes there but a run's whole result.
ROOM, KEPT = "work", "kept"
MODEL = "model"  # the output, where no other was asked for
KNOWN = "kept.json"  # beside it, what is known of it: it outlives the room


@dataclass(frozen=True)
class Work:
    """One job's work.

    Attributes:
        asked: the whole request, with what only work of this kind wants to know.
        room: lasts until the job is done, so that it can go on after a kill.
        over: whether to end with what there is.
        own_token: whether a token came with it, which the Hub's packages find.
    """

    source: str
    recipe: Recipe
    output: Path
    overwrite: bool
    room: Path
    listen: Listener
    over: Callable[[], bool]
    own_token: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)


def keep(folder: Path) -> dict[str, Any]:
    """Keep the best model of a run that was cut short, in its job's folder; its worker must be gone.

    Returns:
        What is known of it: `kept`, the model's folder or None, with `task` and `backbone`.

    Raises:
        OSError: the disk refuses.
    """
    room = folder / ROOM
    if salvage(room, folder / KEPT):
        settled = json.loads((room / SETTLED).read_text(encoding="utf-8"))
        config = json.loads((folder / KEPT / "config.json").read_text(encoding="utf-8"))
        known = {"kept": str(folder / KEPT), "task": settled["task"], "backbone": settled["backbone"]["name"]}
        known |= {"head": DENSE} if "dense_head" in config else {}
        (folder / KNOWN).write_text(json.dumps(known), encoding="utf-8")
    shed(room)
    return _known(folder)


def drop(folder: Path) -> None:
    """Of a job that is done, what is of no more use: checkpoints, and the best of an earlier attempt."""
    for name in (ROOM, KEPT):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / KNOWN).unlink(missing_ok=True)


def _known(folder: Path) -> dict[str, Any]:
    """Of what is kept: by this attempt, or by an earlier one whose checkpoints are gone."""
    if not (folder / KEPT).is_dir() or not (folder / KNOWN).is_file():
        return {"kept": None}
    known: dict[str, Any] = json.loads((folder / KNOWN).read_text(encoding="utf-8"))
    return known
