"""The backbones to try where none is named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import BackboneError
from ..models.backbones import ANSWER, RECOMMENDED, Known, is_cached, is_starter, packaged
from ..models.kinship import reads, script_of
from ..models.vocabulary import LOOKED_AT
from ..reach import silence
from ..tasks import get_task
from ..training import Machine
from ..values import Dataset, Event, Listener, silent

DOWNLOADS = {"cpu": 900}  # megabytes in all, without being asked for by name
ELSEWHERE = 2000  # of a machine with an accelerator
LARGEST = {"cpu": 30.0}  # million parameters, where others of the table are smaller
PAIR = 2  # of large ones, where there is no small one: one alone would be compared with nothing


def at_hand(data: Dataset, machine: Machine, on_event: Listener = silent) -> tuple[list[str], str]:
    """The rows of the table to try where none is named: first those that need no download.

    Returns:
        Their names; and why there are no more, where some could not be had.

    Raises:
        BackboneError: none that reads the texts is here, and the Hub does not answer.
    """
    rows = _readable(data)
    here = [row for row in rows if is_starter(row.name) or packaged(row) or is_cached(row.name, row.modality)]
    wanted = _affordable([row for row in rows if row not in here], machine.device.type)
    why_not, note = silence(seconds=ANSWER) if wanted else None, ""
    if why_not and not here:
        raise _none_here(rows, why_not)
    elif why_not:
        wanted, note = [], f"only backbones that are at hand are tried: {why_not}"
        on_event(Event("load", note))
    elif wanted:
        names, size = ", ".join(row.name for row in wanted), sum(row.megabytes for row in wanted)
        on_event(Event("download", f"up to {size} MB are downloaded to try {names}"))
    return [row.name for row in (*here, *wanted)], note


def _readable(data: Dataset) -> list[Known]:
    """The rows of the table for the data's kind, and its language where there are such."""
    task = get_task(data.task)
    column = task.modality.column
    script = script_of(data.splits["train"][:LOOKED_AT][column]) if task.modality.name == "text" else None
    rows = [row for row in RECOMMENDED if row.modality == task.modality.name]
    return [row for row in rows if reads(row, script)] or rows


def _affordable(rows: Sequence[Known], device: str) -> list[Known]:
    """The small ones, as many as may be downloaded; of large ones the two smallest, where there is no other."""
    ranked = sorted(rows, key=lambda row: row.megabytes)
    fitting = [row for row in ranked if row.parameters <= LARGEST.get(device, np.inf)] or ranked[:PAIR]
    total = np.cumsum([row.megabytes for row in fitting])
    return [row for row, so_far in zip(fitting, total, strict=True) if so_far <= DOWNLOADS.get(device, ELSEWHERE)]


def _none_here(rows: Sequence[Known], why_not: str) -> BackboneError:
    names = ", ".join(row.name for row in sorted(rows, key=lambda row: row.megabytes))
    cause = f"no backbone that reads these texts is on this machine, and {why_not}; there are {names}"
    fix = "download one of them where the Hub answers, or name the folder of a model with --backbone"
    return BackboneError(cause, place="--backbone", fix=fix)
