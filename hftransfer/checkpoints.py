"""What a run keeps while it goes on, so that it can go on after a kill, and what is best of it can be used.

A work folder holds the processor, and a room a phase of training: the model that the
phase began with, the Trainer's checkpoints, and the model that it ended with. Each of
these is whole or not there. Nothing heavy is imported here: whoever finds a run dead
need not be able to train.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .output import MARKER, staged

PROCESSOR, START, FINISHED = "processor", "start", "finished"
SETTLED = "settled.json"  # what the run chose for itself, and its recipe
FIGURES = "figures.json"
STATE = "trainer_state.json"  # the last that the Trainer writes into a checkpoint
WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json", "generation_config.json")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def room_of(workdir: Path, number: int, phase: str) -> Path:
    """A phase's folder; they sort as they ran."""
    return workdir / f"phase-{number:02d}-{phase}"


def keep(room: Path, name: str, write: Callable[[Path], object], figures: Any) -> None:
    """A model and what is known of it, whole or not at all."""
    part = room / f"{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write(part)
    (part / FIGURES).write_text(json.dumps(figures), encoding="utf-8")
    shutil.rmtree(room / name, ignore_errors=True)
    part.rename(room / name)


def figures(room: Path, name: str) -> Any:
    """What was kept beside a model; None where there is none."""
    file = room / name / FIGURES
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def tidy(room: Path) -> None:
    """A phase that is over needs nothing but its end."""
    for entry in room.iterdir():
        if entry.name != FINISHED:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def last_checkpoint(room: Path) -> Path | None:
    """The newest of the Trainer's checkpoints that was written whole."""
    found = [
        path for path in room.glob("checkpoint-*") if _CHECKPOINT.fullmatch(path.name) and _state(path) is not None
    ]
    return max(found, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def best(workdir: Path) -> Path | None:
    """The folder of the best model so far, in the last phase that has one; None where there is none yet."""
    rooms = sorted(workdir.glob("phase-*"), reverse=True)
    return next((model for room in rooms if (model := _best_in(room)) is not None), None)


def _best_in(room: Path) -> Path | None:
    if (room / FINISHED).is_dir():
        return room / FINISHED
    start = figures(room, START)
    last = last_checkpoint(room)
    if start is None or last is None:
        return room / START if start is not None else None
    state = _state(last) or {}
    chosen = Path(state.get("best_model_checkpoint") or "")
    better = (state.get("best_metric") or 0.0) >= start
    return room / chosen.name if better and (room / chosen.name / "config.json").is_file() else room / START


def salvage(workdir: Path, output: Path, *, overwrite: bool = False) -> bool:
    """Put the best model so far where the run's output was to be: a plain checkpoint, without a report.

    Returns:
        Whether there was one.

    Raises:
        OutputError: the output cannot be written, or holds something.
    """
    model = best(workdir)
    if model is None or not (workdir / PROCESSOR).is_dir():
        return False
    with staged(output, overwrite=overwrite) as stage:
        for pattern in WEIGHTS:
            for file in model.glob(pattern):
                shutil.copy2(file, stage)
        for file in (workdir / PROCESSOR).iterdir():
            shutil.copy2(file, stage)
        recipe = json.loads((workdir / SETTLED).read_text(encoding="utf-8"))["recipe"]
        (stage / MARKER).write_text(json.dumps(recipe, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return True


def _state(checkpoint: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state
