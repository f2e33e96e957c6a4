"""Whether a model of ours can be gone on from with new data, and with which labels."""

from __future__ import annotations

from ..tasks.kinds import few
from ..values import Known, Problem
from .gathering import Gathered


def gone_on(
    known: Known | None, gathered: Gathered, fitted: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Problem, ...]]:
    """The labels, those of the known model first; which of them are its; and what to say of it."""
    if known is None:
        return fitted, (), ()
    if not _fits(known, gathered, fitted):
        message = f"{known.name} is for other labels or another task: its head is not gone on with"
        fix = "if its labels should stay, give the new rows the same ones"
        return fitted, (), (Problem("new-head", "info", gathered.place, message, fix),)
    new = () if gathered.task.target.shape == "numbers" else tuple(name for name in fitted if name not in known.labels)
    more = f", and {len(new)} more: {few(new)}" if new else ""
    message = f"goes on from {known.name} with its {len(known.labels)} labels{more}"
    said = Problem("goes-on", "info", gathered.place, message, "name another --backbone to begin anew")
    return (*known.labels, *new), known.labels, (said,)


def _fits(known: Known, gathered: Gathered, fitted: tuple[str, ...]) -> bool:
    """Whether the known model's head means what these labels mean: numbers of as many names, or some labels alike."""
    pairs = bool((gathered.columns or {}).get("pair"))
    if (known.task, known.pairs) != (gathered.task.name, pairs):
        return False
    if gathered.task.target.shape == "numbers":
        return len(known.labels) == len(fitted) and (len(fitted) == 1 or set(fitted) == set(known.labels))
    return len(set(known.labels) & set(fitted)) > (gathered.task.target.shape == "tags")  # all tags have an O
