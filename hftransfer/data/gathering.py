"""A source's rows with those that are named for validation and test, their task, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import datasets

from ..errors import SourceError
from ..recipe import Recipe
from ..tasks import Task, get_task, recognise, task_for
from ..values import SPLITS, Known, Listener, Problem
from .arrow import Kept
from .checks import Aside
from .doctor import Diagnosis, diagnose
from .finding import Source, read_source
from .labels.reading import Reading, distinct
from .rows import Found
from .splits import Slice


@dataclass(frozen=True)
class Gathered:
    """A source's parts together with those that the recipe takes from elsewhere."""

    name: str
    place: str
    task: Task
    parts: Mapping[str, datasets.Dataset]
    problems: tuple[Problem, ...]
    columns: Mapping[str, Any] | None
    asides: tuple[Aside, ...] = ()


def _gather(
    source: Source, recipe: Recipe, known: Known | None, on_event: Listener, mend: Callable[[Found], Found]
) -> Gathered:
    kept = read_source(source, recipe, on_event, mend)
    task, said = (get_task(recipe.task), ()) if recipe.task else _recognised(kept, known)
    asked = {split: getattr(recipe, split) for split in SPLITS[1:] if getattr(recipe, split)}
    others = {split: read_source(other, recipe.with_(task=task.name), on_event, mend) for split, other in asked.items()}
    for other in others.values():
        require_alike(other, bool((kept.columns or {}).get("pair")))
    parts = {**kept.parts, **{split: other.part(split) for split, other in others.items()}}
    problems = chain(kept.problems, said, *(other.problems for other in others.values()))
    asides = chain(kept.asides, *(other.asides for other in others.values()))
    return Gathered(kept.name, kept.place, task, parts, tuple(problems), kept.columns, tuple(asides))


def require_alike(kept: Kept, pairs: bool) -> None:
    """Raises SourceError where a source holds single texts and pairs are asked for, or the other way round."""
    if bool((kept.columns or {}).get("pair")) == pairs:
        return
    raise SourceError(
        "it holds single texts, where pairs of texts are needed"
        if pairs
        else "it holds pairs of texts, where single ones are needed",
        place=kept.place,
        fix="name the columns with --text-column and --text-pair-column",
    )


def _recognised(kept: Kept, known: Known | None) -> tuple[Task, tuple[Problem, ...]]:
    """The task that the labels speak for, which is said, unless it is the plainest; a known model's where it fits."""
    if known and _speaks(known, kept):
        return get_task(known.task), ()
    task, why = recognise(kept.modality, distinct(kept.parts))
    if task == task_for(kept.modality):
        return task, ()
    fix = "if that is wrong, name another with --task"
    return task, (Problem("recognised-task", "info", kept.place, f"taken as {task.name}: {why}", fix),)


def _speaks(known: Known, kept: Kept) -> bool:
    """Whether a known model's task reads these labels: all as numbers, or some as its own."""
    task = get_task(known.task)
    reading = Reading.of(task.target, kept.parts, known.labels)
    if task.modality.name != kept.modality or reading.unreadable:
        return False
    if task.target.shape == "numbers":
        return True
    return any(name in known.labels for text in reading.found for name in task.target.names(reading.read(text)))


def survey(
    source: Source,
    recipe: Recipe,
    on_event: Listener,
    *,
    known: Known | None = None,
    mend: Callable[[Found], Found] = lambda found: found,
) -> tuple[Gathered, Reading, Diagnosis]:
    """The rows of all parts on disk, how their labels are read, and what is wrong with them.

    Args:
        known: a model of ours that is gone on from.
        mend: changes the rows on their way in.

    Raises:
        HFTransferError: as `load_data`, where a source cannot be read.
    """
    gathered = _gather(source, recipe, known, on_event, mend)
    labels = known.labels if known and known.task == gathered.task.name else ()
    reading = Reading.of(gathered.task.target, gathered.parts, labels)
    return gathered, reading, diagnose(gathered.parts, gathered.task, reading, gathered.place, on_event)


def readable(gathered: Gathered, reading: Reading) -> tuple[dict[str, Slice], list[Aside]]:
    """The parts' rows whose labels can be read, and the others. Raises SourceError where a part has none."""
    found = {part: reading.readable(rows) for part, rows in gathered.parts.items()}
    for part, lost in found.values():
        if lost and not len(part.indices):
            raise SourceError(
                f"no label can be read as {gathered.task.name} takes them, the first is '{lost[0].label}'",
                place=f"{gathered.place}, {lost[0].origin}",
                fix="leave --task out, or name the column of the labels with --label-column",
            )
    asides = list(chain.from_iterable(lost for _, lost in found.values()))
    return {part: slice for part, (slice, _) in found.items()}, asides


def fit_labels(gathered: Gathered, slices: Mapping[str, Slice], reading: Reading) -> tuple[str, ...]:
    """The labels, of train alone. Raises SourceError where there is nothing to learn from them."""
    target, train = gathered.task.target, slices["train"]
    everywhere = chain.from_iterable(map(reading.values, slices.values()))
    if refusal := target.refusal(reading.values(train), everywhere):
        refusal.place = gathered.place
        raise refusal
    named = gathered.columns or {}
    columns = named.get("labels") or [named.get("label", "")]
    return target.fit(reading.values(train), columns[0])
