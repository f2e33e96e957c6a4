"""A clean copy of a source: what can be set right is, what cannot is left out, and each is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import OutputError, SourceError
from ...output import claim, staged
from ...recipe import Recipe
from ...tasks.regression import ONE
from ...values import SPLITS, Event, Listener, Problem, silent
from ..checks import TOLD, Aside, told
from ..finding import Source, find
from ..gathering import Gathered, survey
from ..labels.reading import Reading
from ..rows import ALL
from ..sources import check
from ..splits import Slice
from . import labels
from .copying import write, write_left_out
from .diagnosis import Diagnosis, conflicting
from .duplicates import ALONE
from .leakage import leaving, set_apart
from .mending import Mending
from .redaction import count_personal
from .sheet import Sheet

TAKEN = ("text", "text_pair", "image", "label")  # columns of the copy
GONE = "left out of the copy, and listed there"
# What is done about each problem that can be repaired.
DONE = {
    "mojibake": "decoded by the right encoding; texts with tagged words stay as they are",
    "hidden-characters": "the characters that nobody sees were taken out",
    "whitespace-text": "the whitespace around them was taken away",
    "personal-data": "written as [email], [phone] and [card]",
    "label-spelling": "merged into the most frequent way of writing",
    "exact-duplicate": "one of each was kept",
    "label-conflict": "left out: nothing says which label is right",
    "split-leakage": "left out of train, or of validation: test is whole",
    "wrong-extension": "named by what they hold",
    "rotated-image": "turned upright",
    "converted-image": "written as models see them",
    "encoding": "written in UTF-8",
    "byte-order-mark": "written without it",
    "header-whitespace": "written without it",
    "no-header": "written with one",
    "animated-image": "the first of several frames or pages was written",
    **dict.fromkeys(sorted(set(TOLD) - {"split-leakage", "unknown-label"}), GONE),
}
REASONS = {
    **{code: reason for code, (reason, _) in TOLD.items()},
    "exact-duplicate": "the same as another row, which was kept",
    "label-conflict": "the same as another row, with another label",
}
# Whose messages begin with their counts.
MENDED = {"mojibake", "hidden-characters", "whitespace-text", "label-spelling"}
MENDED |= {"wrong-extension", "rotated-image", "converted-image", "animated-image"}
ONCE = {"encoding", "byte-order-mark", "header-whitespace", "no-header"}  # of a file, whatever its rows
ASKED = ("personal-data",)
_COUNT = re.compile(r"(\d+) ")


def repair(source: Source, recipe: Recipe, output: Path, *, on_event: Listener = silent) -> dict[str, Any]:
    """Write a clean copy of a source into a new folder. The source is not touched.

    Returns:
        What the source holds, as `check` says it; `repaired`, a list of `{code, count, done}`;
        `left_out`, how many rows are not in the copy; and `copy`, where it is and what it holds.

    Raises:
        OutputError: the folder holds anything, or lies in the source.
        SourceError: the source cannot be used, or nothing of it would be left.
    """
    _refuse_inside(source, output)
    claim(output, copy=True)
    gathered, reading, found = survey(source, recipe, on_event)
    sheet = Sheet(gathered.parts, gathered.task.modality.column)
    names = labels.name_counts(sheet, reading)
    mend = Mending(reading, labels.spellings(names), sheet.column == "text")
    mended = survey(source, recipe.with_(task=gathered.task.name), on_event, mend=mend)
    reasons = _left_out(mended)
    on_event(Event("save", "writing the copy"))
    asked = Recipe(task=gathered.task.name, seed=recipe.seed)
    column = _written_as(gathered, names)
    with staged(output) as folder:
        lines = _write(folder, mended, reasons, column)
        check(folder, asked)  # a copy that cannot be used shall not appear
    problems = (*gathered.problems, *told([*_unread(gathered, reading), *_leaked(gathered, found)]), *found.problems)
    redacted = _count_redacted(source, recipe) if recipe.redact else 0
    copy = check(output, asked)
    return {
        **({"numbers": copy["numbers"]} if "numbers" in copy else {}),
        "task": gathered.task.name,
        "rows": len(sheet),
        "labels": {name or _column(gathered): count for name, count in names.items()},
        "problems": [problem.to_json() for problem in dict.fromkeys(problems)],
        "repaired": list(_repaired(dict.fromkeys(problems), lines, redacted)),
        "left_out": len(lines),
        "copy": {"path": str(output), **copy},
    }


def _count_redacted(source: Source, recipe: Recipe) -> int:
    """Of all rows that are used: what is named for validation or test stands for the source's own."""
    asked = {split: getattr(recipe, split) for split in SPLITS[1:] if getattr(recipe, split)}
    return count_personal(find(source, recipe), but=tuple(asked)) + sum(
        count_personal(find(other, recipe), only=split) for split, other in asked.items()
    )


def repairable(problems: Iterable[Problem]) -> bool:
    """Whether a repair would change anything; what is replaced only if it is asked for does not count."""
    return any(problem.code in DONE and problem.code not in ASKED for problem in problems)


def _refuse_inside(source: Any, output: Path) -> None:
    """Raises OutputError where the copy would change the source."""
    if isinstance(source, (str, Path)) and Path(source).expanduser().is_dir():
        inside = Path(source).expanduser().resolve()
        if output.absolute().resolve().is_relative_to(inside):
            raise OutputError("the copy would lie in the source", place=str(output), fix="name a folder outside of it")


def _unread(gathered: Gathered, reading: Any) -> list[Aside]:
    return [aside for rows in gathered.parts.values() for aside in reading.readable(rows)[1]]


def _leaked(gathered: Gathered, found: Any) -> Sequence[Aside]:
    return set_apart({part: Slice.of(rows) for part, rows in gathered.parts.items()}, found)[1]


def _left_out(surveyed: tuple[Gathered, Reading, Diagnosis]) -> dict[int, str]:
    """The numbers of the rows that are not copied, and the code of each."""
    gathered, reading, found = surveyed
    sheet = Sheet(gathered.parts, gathered.task.modality.column)
    copies = np.concatenate([found.copies[part] for part in sheet.parts])
    reasons = {n: "unreadable-label" for n, label in enumerate(sheet.labels) if label in reading.unreadable}
    reasons |= dict.fromkeys(conflicting(sheet, copies, reading), "label-conflict")
    reasons = {**dict.fromkeys(_leaking(gathered, reading, found, sheet), "split-leakage"), **reasons}
    reasons |= dict.fromkeys(_again(sheet, copies, reasons), "exact-duplicate")
    learned = np.isin(sheet.part_of(), [n for n, part in enumerate(sheet.parts) if part in ("train", ALL)])
    if len(reasons.keys() & set(np.flatnonzero(learned).tolist())) == learned.sum():
        raise SourceError(
            "no row would be left to learn from: all are copies, or in conflict",
            place=gathered.place,
            fix="give validation and test rows of their own",
        )
    return reasons


def _leaking(gathered: Gathered, reading: Reading, found: Diagnosis, sheet: Sheet) -> list[int]:
    """The numbers of the rows that reading would set aside as leaks."""
    parts = {part: reading.readable(rows)[0] for part, rows in gathered.parts.items()}
    leaks = leaving(parts, found)
    return [sheet.starts[part] + int(n) for part, rows in parts.items() for n in rows.indices[leaks[part]]]


def _again(sheet: Sheet, copies: np.ndarray, reasons: Mapping[int, str]) -> Iterator[int]:
    """Rows that their part has already."""
    parts, seen = sheet.part_of(), set()
    for number in np.flatnonzero(copies != ALONE).tolist():
        group = int(copies[number]), int(parts[number])
        if number not in reasons and group in seen:
            yield number
        elif number not in reasons:
            seen.add(group)


def _column(gathered: Gathered) -> str:
    """What the first column of labels is called."""
    named = gathered.columns or {}
    return str((named.get("labels") or [named.get("label") or "value"])[0])


def _written_as(gathered: Gathered, names: Mapping[str, int]) -> str:
    """A single number keeps the name that its model says it by, where that is one."""
    name = _column(gathered)
    taken = name.isdecimal() or name.casefold() in TAKEN
    return name if ONE in names and not taken else "label"


def _write(
    folder: Path, mended: tuple[Any, Any, Any], reasons: Mapping[int, str], column: str
) -> list[tuple[str, str, str]]:
    """The copy and its list of what was left out, which is returned."""
    gathered, reading, _ = mended
    sheet = Sheet(gathered.parts, gathered.task.modality.column)
    kept = np.ones(len(sheet), dtype=bool)
    kept[list(reasons)] = False
    folders = sheet.column == "image" and gathered.columns is None and reading.target.shape == "class"
    write(folder, sheet, kept, folders=folders, tags=reading.target.shape == "tags", column=column)
    numbers = sorted(reasons)
    lines = [(aside.origin, aside.code, REASONS[aside.code]) for aside in gathered.asides]
    lines += [(o, reasons[n], REASONS[reasons[n]]) for n, o in zip(numbers, sheet.origins(numbers), strict=True)]
    write_left_out(folder, lines)
    return lines


def _repaired(
    problems: Iterable[Problem], lines: Sequence[tuple[str, str, str]], redacted: int
) -> Iterator[dict[str, Any]]:
    """What was done about each problem, and to how many rows."""
    counts = Counter(code for _, code, _ in lines)
    for problem in problems:
        if problem.code in MENDED and (found := _COUNT.match(problem.message)):
            counts[problem.code] += int(found[1])
        counts[problem.code] += problem.code in ONCE
    counts["personal-data"] = redacted
    for code, done in DONE.items():
        if counts[code]:
            yield {"code": code, "count": counts[code], "done": done}
