"""All that the doctor finds in rows on disk, once for the same rows: the next time it is read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import datasets
import numpy as np

from ...home import home, prune
from ...tasks import Task
from ...values import Event, Listener, Problem
from ..checks import SHOWN, counted_rows
from ..labels.reading import Reading
from ..rows import digest_all
from . import giveaways, labels
from .duplicates import ALONE, Groups, groups_of
from .personal import personal
from .sheet import Sheet, texts_in
from .texts import FOUND

VERSION = 2  # of what is looked for; a change makes what is kept unused
KEPT_BYTES = 1 << 30
# What is said of texts, each message after how many rows it is of.
TEXTS = {
    "mojibake": (
        "warning",
        "decoded by the wrong encoding, such as Ã© for é",
        "save the source in the encoding that it was written in, or have it repaired",
    ),
    "lost-characters": (
        "info",
        "with the sign for what could not be decoded, U+FFFD",
        "take the texts from where they came from once more, in their own encoding",
    ),
    "hidden-characters": (
        "warning",
        "with characters that nobody sees: byte order marks, zero-width spaces or controls",
        "take them out, or have them taken out by a repair",
    ),
    "whitespace-text": (
        "info",
        "with whitespace at the beginning or the end",
        "nothing needs to be done: tokenizers pass over most of it",
    ),
    "personal-data": (
        "info",
        "with e-mail addresses, phone numbers or card numbers",
        "replace them with --redact if others are to have the data or the model",
    ),
}


@dataclass(frozen=True)
class Diagnosis:
    """What was found: problems, and of each part's rows the groups that they are in (see `Groups`).

    `near` are the rows that have met one in another part, where all that are alike have one label. `classes` says
    whether labels are classes, of which none may lose all its rows; a number may well be a row's alone.
    """

    problems: tuple[Problem, ...]
    copies: Mapping[str, np.ndarray]
    alike: Mapping[str, np.ndarray]
    near: Mapping[str, np.ndarray]
    classes: bool


def diagnose(
    parts: Mapping[str, datasets.Dataset], task: Task, reading: Reading, place: str, on_event: Listener
) -> Diagnosis:
    """Look at all rows, or read what was found in the very same ones before."""
    sheet = Sheet(parts, task.modality.column)
    file = home("diagnoses") / f"{_key(sheet, task)}.npz"
    found = _opened(file)
    if found is None:
        on_event(Event("load", "looking for duplicates and other faults"))
        found = _found(sheet, reading)
        _keep(file, *found)
    problems, groups = found
    problems = tuple(replace(problem, where=problem.where or place) for problem in problems)
    split = {name: {part: sheet.of(part, values) for part in parts} for name, values in vars(groups).items()}
    return Diagnosis(problems, split["copies"], split["alike"], split["met"], task.target.shape == "class")


def _found(sheet: Sheet, reading: Reading) -> tuple[tuple[Problem, ...], Groups]:
    """What concerns the source as a whole is said without its place: the same rows may lie elsewhere."""
    groups = groups_of(sheet)
    groups.met[conflicting(sheet, groups.alike, reading)] = False
    problems = [
        *_in_texts(sheet),
        *labels.told(sheet, reading),
        *giveaways.told(sheet, reading),
        *_in_groups(sheet, groups, reading),
    ]
    return tuple(problems), groups


def _in_texts(sheet: Sheet) -> Iterator[Problem]:
    """What is wrong inside texts, row by row."""
    if sheet.column != "text":
        return
    rows: dict[str, list[int]] = {code: [] for code in TEXTS}
    for start, values in sheet.stretches():
        for number, value in enumerate(values, start):
            for text in texts_in(value):
                for code, is_so in FOUND.items():
                    if is_so(text):
                        rows[code].append(number)
                if personal(text):
                    rows["personal-data"].append(number)
    for code, found in rows.items():
        severity, message, fix = TEXTS[code]
        if found := list(dict.fromkeys(found)):
            yield Problem(code, severity, sheet.places(found), f"{counted_rows(len(found))}: {message}", fix)


def _in_groups(sheet: Sheet, groups: Groups, reading: Reading) -> Iterator[Problem]:
    copied, kept = _in_one_part(sheet, groups.copies)
    near = np.flatnonzero((groups.alike != ALONE) & (groups.copies == ALONE))
    if len(copied):
        yield Problem(
            "exact-duplicate",
            "warning",
            sheet.places(copied),
            f"{len(copied)} rows are the same as others: {kept} would do",
            "keep one of each; where splits are made here, all copies of a row go to one side",
        )
    if len(near):
        together = np.flatnonzero(groups.alike != ALONE)
        yield Problem(
            "near-duplicate",
            "info",
            sheet.places(_side_by_side(groups.alike)),
            f"{len(together)} rows are nearly the same as others, in {_several(groups.alike)}",
            "look whether they are examples of their own; where splits are made here, a group goes to one side",
        )
    yield from _in_conflict(sheet, groups, reading)


def _in_one_part(sheet: Sheet, copies: np.ndarray) -> tuple[np.ndarray, int]:
    """The rows with copies in their own part, and how many would do; what another part holds too is a leak."""
    member = np.flatnonzero(copies != ALONE)
    keys = copies[member] * len(sheet.parts) + sheet.part_of()[member]
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return member[counts[place] > 1], int((counts > 1).sum())


def _several(groups: np.ndarray) -> str:
    count = int(groups.max(initial=ALONE)) + 1
    return "1 group" if count == 1 else f"{count} groups"


def _side_by_side(groups: np.ndarray) -> np.ndarray:
    """The rows that are in groups, a group after another."""
    inside = np.flatnonzero(groups != ALONE)
    return inside[np.argsort(groups[inside], kind="stable")]


def _in_conflict(sheet: Sheet, groups: Groups, reading: Reading) -> Iterator[Problem]:
    rows = conflicting(sheet, groups.copies, reading)
    if rows:
        yield Problem(
            "label-conflict",
            "warning",
            sheet.places(rows),
            f"{len(rows)} rows are the same as others, but their labels differ",
            "decide which label is right, or leave these rows out",
        )


def conflicting(sheet: Sheet, copies: np.ndarray, reading: Reading) -> list[int]:
    """The rows of each group of copies whose labels do not agree."""
    differ, found = labels.differ(sheet, reading), []
    ordered = _side_by_side(copies)
    for group in np.split(ordered, np.flatnonzero(np.diff(copies[ordered])) + 1) if len(ordered) else ():
        if any(differ(int(group[0]), int(other)) for other in group[1:]):
            found += group.tolist()
    return found


def _key(sheet: Sheet, task: Task) -> str:
    """Changes when any row, its label, its place or the task does."""

    def chunks() -> Iterator[bytes]:
        yield f"{VERSION} {SHOWN} {task.name} {sheet.column}".encode()
        for part, rows in sheet.parts.items():
            yield part.encode()
            for name in ("digest", "label", "origin"):
                for batch in rows.data.column(name).chunks:
                    values = batch.to_pylist()
                    yield str(list(map(len, values))).encode()
                    yield b"".join(value if isinstance(value, bytes) else value.encode() for value in values)

    return digest_all(chunks())


def _opened(file: Path) -> tuple[tuple[Problem, ...], Groups] | None:
    try:
        with np.load(file, allow_pickle=False) as kept:
            problems = tuple(Problem(**problem) for problem in json.loads(str(kept["problems"])))
            groups = Groups(kept["copies"], kept["alike"], kept["met"])
        os.utime(file)
    except (OSError, ValueError, KeyError, TypeError):  # never written, or damaged
        return None
    return problems, groups


def _keep(file: Path, problems: tuple[Problem, ...], groups: Groups) -> None:
    """For the next time; where the disk refuses, it is looked for again."""
    told = json.dumps([problem.to_json() for problem in problems])
    with suppress(OSError):
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", suffix=".npz", delete=False) as part:
            np.savez_compressed(part, problems=np.array(told), **vars(groups))
        Path(part.name).replace(file)
        prune(file.parent, KEPT_BYTES)
