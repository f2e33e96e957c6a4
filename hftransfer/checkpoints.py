"""What a run keeps while it goes on, so that it can go on after a kill, and what is best of it can be used.

A work folder holds the processor, and a room a phase of training: the model that the
phase began with, the Trainer's checkpoints, and the model that it ended with. Each of
these is whole or not there. Nothing heavy is imported here: whoever finds a run dead
need not be able to train.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from .output import MARKER, abandon, durable, sync

PROCESSOR, START, FINISHED = "processor", "start", "finished"
ADAPTER = "adapter"  # beside a model, where one was trained
LEADER = "leader"  # the best of several candidates so far
OLD = "old"  # of a model: the one that it takes the place of, until it has
STALE = "stale"  # the figure of a model that ended a phase with a head that no longer fits
SETTLED = "settled.json"  # what the run chose for itself, and its recipe
FIGURES = "figures.json"
SPENT = "spent.json"  # seconds by stage, of all attempts
STAGED = "staged"  # names the folder that becomes the output
STATE = "trainer_state.json"  # the last that the Trainer writes into a checkpoint
WEIGHTS = ("config.json", "*.safetensors", "*.safetensors.index.json", "generation_config.json", ADAPTER)
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def room_of(workdir: Path, number: int, phase: str) -> Path:
    """A phase's folder; they sort as they ran."""
    return workdir / f"phase-{number:03d}-{phase}"


def keep(room: Path, name: str, write: Callable[[Path], object], figures: Any) -> None:
    """A model and what is known of it, whole or not at all, a power cut included."""
    part = room / f"{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write(part)
    (part / FIGURES).write_text(json.dumps(figures), encoding="utf-8")
    durable(part)
    if (room / name).is_dir():
        _aside(room / name)
    part.rename(room / name)
    sync(room)
    shutil.rmtree(room / f"{name}.{OLD}", ignore_errors=True)


def _aside(folder: Path) -> None:
    """Out of the way of the one to come, and there until that has its name."""
    old = folder.with_name(f"{folder.name}.{OLD}")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)


def kept(room: Path, name: str) -> Path | None:
    """The folder of a model that was kept; None where there is none."""
    folders = (room / name, room / f"{name}.{OLD}")
    return next((folder for folder in folders if (folder / FIGURES).is_file()), None)


def seconds_spent(workdir: Path) -> dict[str, float]:
    """Seconds by stage that a run took so far, with their `total`; empty for a new one."""
    with suppress(OSError, ValueError):
        known: dict[str, float] = json.loads((workdir / SPENT).read_text(encoding="utf-8"))
        return known
    return {}


def figures(room: Path, name: str) -> Any:
    """What was kept beside a model; None where there is none."""
    folder = kept(room, name)
    return json.loads((folder / FIGURES).read_text(encoding="utf-8")) if folder else None


def begun(room: Path) -> bool:
    """Whether an earlier attempt at a phase left something to go on from."""
    return kept(room, FINISHED) is not None or last_checkpoint(room) is not None


def tidy(room: Path, kept: tuple[str, ...] = (FINISHED,)) -> None:
    """A phase that is over needs nothing but its end, and perhaps its start."""
    for entry in room.iterdir():
        if entry.name not in kept:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def bring_adapter(trained: Path | None, folder: Path) -> None:
    """Copy the adapter that lies beside a trained model, where there is one, to where the model goes."""
    if trained and (trained / ADAPTER).is_dir():
        shutil.copytree(trained / ADAPTER, folder / ADAPTER)


def last_checkpoint(room: Path) -> Path | None:
    """The newest of the Trainer's checkpoints that was written whole."""
    found = [
        path for path in room.glob("checkpoint-*") if _CHECKPOINT.fullmatch(path.name) and _state(path) is not None
    ]
    return max(found, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def best(workdir: Path) -> Path | None:
    """The folder of the best model so far: of the candidates, else of the last phase that has one; None without any."""
    rooms = sorted(workdir.glob("phase-*"), reverse=True)
    return kept(workdir, LEADER) or next((model for room in rooms if (model := _best_in(room)) is not None), None)


def _best_in(room: Path) -> Path | None:
    finished = figures(room, FINISHED)
    if finished is not None and not finished.get(STALE):
        return room / FINISHED
    start = figures(room, START)
    last = last_checkpoint(room)
    state = (_state(last) if last else None) or {}
    chosen = room / Path(state.get("best_model_checkpoint") or START).name
    if start is not None and (state.get("best_metric") or 0.0) < start:
        chosen = room / START
    return chosen if (chosen / "config.json").is_file() else None


def salvage(workdir: Path, folder: Path) -> bool:
    """Make the best model so far a folder of its own: a plain checkpoint, without a report, in place of an earlier one.

    Files are linked where the disk can: it takes no time and no room, and the work may go on.

    Returns:
        Whether there was one.

    Raises:
        OSError: the disk refuses.
    """
    model = best(workdir)
    if model is None or not (workdir / PROCESSOR).is_dir():
        return False
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for file in chain(*map(model.glob, WEIGHTS), (workdir / PROCESSOR).iterdir()):
            _link(file, part / file.name)
        recipe = json.loads((workdir / SETTLED).read_text(encoding="utf-8"))["recipe"]
        text = json.dumps(recipe, indent=2, ensure_ascii=False) + "\n"
        (part / MARKER).write_text(text, encoding="utf-8", errors="backslashreplace")  # names may be no text
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return True


def _link(file: Path, other: Path) -> None:
    try:
        os.link(file, other)
    except OSError:
        shutil.copytree(file, other) if file.is_dir() else shutil.copy2(file, other)


def shed(workdir: Path) -> None:
    """Drop what is made anew in seconds when the run goes on, pixels and tokens, and what a kill left half written."""
    with suppress(OSError):
        abandon(workdir / STAGED)
    for pattern in ("*.npy", "*.arrow"):
        for file in workdir.glob(f"phase-*/{pattern}"):
            file.unlink(missing_ok=True)
    for part in _halves(workdir):
        shutil.rmtree(part, ignore_errors=True)


def _halves(workdir: Path) -> Iterator[Path]:
    yield from workdir.glob("phase-*/*.part")
    yield from workdir.glob(f"{LEADER}.part")
    if (workdir / LEADER).is_dir():
        yield from workdir.glob(f"{LEADER}.{OLD}")
    for path in workdir.glob("phase-*/checkpoint-*"):
        if _state(path) is None:
            yield path


def _state(checkpoint: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return state
