"""From any source to a `Dataset`: found, read, split, labels fitted and encoded."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import Any

import datasets

from ..recipe import Recipe
from ..tasks import get_task
from ..values import SPLITS, Dataset, Event, Known, Listener, silent
from .checks import told
from .doctor.leakage import set_apart, told_leaks
from .finding import Source, read_source
from .gathering import fit_labels, readable, require_alike, survey
from .going_on import gone_on
from .labels.encoded import counted
from .labels.reading import Reading, encode, refuse_empty, refuse_unknown
from .labels.spread import spreads
from .splits import Slice, arrange, told_carved

DEFAULT = Recipe()


def load_data(
    source: Source, recipe: Recipe = DEFAULT, *, known: Known | None = None, on_event: Listener = silent
) -> Dataset:
    """Read labelled images or texts, split them where they are not, fit the labels on train.

    Args:
        source: a folder or archive of class folders or tables, a table, a Hub id
            (`owner/name`, `owner/name:config`), `sample:NAME`, or a `datasets.Dataset`
            or `DatasetDict`.
        recipe: which columns and task, where validation and test come from, the seed.
        known: the model to go on from: where it fits, its labels come first, whether they
            occur or not.

    Raises:
        SourceMissing: there is nothing of that name.
        SourceError: what is there cannot be used; ColumnError where a column is at fault.
        RecipeError: the recipe asks for a task that the data is not for.
        HubError: the Hub did not answer.
    """
    gathered, reading, found = survey(source, recipe, on_event, known=known)
    target = gathered.task.target
    parts, asides = readable(gathered, reading)
    parts, leaked = set_apart(parts, found)
    slices = arrange(gathered.place, parts, recipe, lambda part: target.strata(reading.values(part)), found.alike)
    fitted = fit_labels(gathered, slices, reading)
    labels, kept, said = gone_on(known, gathered, fitted)
    encoded = {split: encode(part, labels, gathered.task, reading) for split, part in slices.items()}
    for split, part in encoded.items():
        refuse_empty(gathered.place, split, part)
    carved = told_carved(gathered.place, gathered.parts, slices, recipe.seed, partial(_names, reading))
    lost = told([*asides, *leaked, *chain.from_iterable(part.asides for part in encoded.values())])
    leaks = told_leaks(gathered.place, slices, found)
    problems = tuple(dict.fromkeys((*gathered.problems, *said, *carved, *lost, *found.problems, *leaks)))
    return Dataset(
        name=gathered.name,
        task=gathered.task.name,
        labels=labels,
        splits={split: part.rows for split, part in encoded.items()},
        digests={split: part.digest for split, part in encoded.items()},
        problems=problems,
        notes=tuple(problem.message for problem in problems if problem.severity == "info"),
        columns=gathered.columns,
        known=kept,
        carved=tuple(split for split in SPLITS[1:] if split in slices and split not in gathered.parts),
    )


def _names(reading: Reading, part: Slice) -> list[str]:
    return [name for value in reading.values(part) for name in reading.target.names(value)]


def load_evaluation(
    source: Source,
    task: str,
    labels: tuple[str, ...],
    recipe: Recipe = DEFAULT,
    *,
    pairs: bool = False,
    on_event: Listener = silent,
) -> datasets.Dataset:
    """The rows to evaluate a model on: a source's test split where it has one, else every row.

    Args:
        labels: the model's, which the rows are encoded with.
        pairs: whether the model takes two texts.

    Raises:
        SourceError: as `load_data`; where a label is none of the model's; where there is a
            test split without a usable row; and where the model takes pairs and the rows
            are none, or the other way round.
    """
    kept = read_source(source, recipe.with_(task=task), on_event)
    require_alike(kept, pairs)
    for problem in kept.problems:
        if problem.severity != "info":
            on_event(Event("load", f"{problem.message} ({problem.where})"))
    rows, asked = kept.part("test"), get_task(task)
    reading = Reading.of(asked.target, {"test": rows}, labels)
    part, unread = reading.readable(rows)
    for problem in told(unread):
        on_event(Event("load", f"{problem.message} ({problem.where})"))
    encoded = encode(part, labels, asked, reading)
    refuse_unknown(kept.place, encoded, labels)
    return encoded.rows


def check(source: Source, recipe: Recipe = DEFAULT, *, on_event: Listener = silent) -> dict[str, Any]:
    """What a source holds, and what is noteworthy about it, as JSON.

    Raises:
        HFTransferError: whatever `load_data` raises, where nothing can be made of it.
    """
    return described(load_data(source, recipe, on_event=on_event))


def described(data: Dataset) -> dict[str, Any]:
    """What a data set holds, as `check` says it."""
    return {
        "task": data.task,
        "rows": sum(data.rows.values()),
        "labels": counted(data),
        "problems": [problem.to_json() for problem in data.problems],
        **({"numbers": numbers} if (numbers := spreads(data)) else {}),
    }
