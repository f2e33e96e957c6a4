"""From any source to a `Dataset`: found, read, split, labels fitted and encoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import datasets

from ..errors import HFTransferError, RecipeError, SourceError, SourceMissing
from ..recipe import Recipe
from ..tasks import Task, get_task, task_for
from ..values import SPLITS, Dataset, Event, Listener, Problem, silent
from .archives import SUFFIXES, is_archive, open_archive
from .arrow import Kept, keep
from .checks import told, usable_labels
from .folders import read_tree
from .hub import looks_like_id, read_hub, read_splits
from .labels import encode, refuse_empty, refuse_unknown
from .rows import Found
from .samples import PREFIX, read_sample
from .splits import Slice, arrange, told_carved
from .tables import READERS, read_tables
from .trees import Folder

DEFAULT = Recipe()

Source: TypeAlias = str | Path | datasets.Dataset | Mapping[str, datasets.Dataset]


def load_data(source: Source, recipe: Recipe = DEFAULT, *, on_event: Listener = silent) -> Dataset:
    """Read labelled images or texts, split them where they are not, fit the labels on train.

    Args:
        source: a folder or archive of class folders or tables, a table, a Hub id
            (`owner/name`, `owner/name:config`), `sample:NAME`, or a `datasets.Dataset`
            or `DatasetDict`.
        recipe: which columns and task, where validation and test come from, the seed.

    Raises:
        SourceMissing: there is nothing of that name.
        SourceError: what is there cannot be used; ColumnError where a column is at fault.
        RecipeError: the recipe asks for a task that the data is not for.
        HubError: the Hub did not answer.
    """
    gathered = _gather(source, recipe, on_event)
    slices = arrange(gathered.place, gathered.parts, recipe)
    labels = _fit(gathered, slices)
    encoded = {split: encode(part, labels, gathered.task) for split, part in slices.items()}
    for split, part in encoded.items():
        refuse_empty(gathered.place, split, part)
    carved = told_carved(gathered.place, gathered.parts, slices, recipe.seed)
    unknown = told([aside for part in encoded.values() for aside in part.asides])
    problems = tuple(dict.fromkeys((*gathered.problems, *carved, *unknown)))
    return Dataset(
        name=gathered.name,
        task=gathered.task.name,
        labels=labels,
        splits={split: part.rows for split, part in encoded.items()},
        digests={split: part.digest for split, part in encoded.items()},
        problems=problems,
        notes=tuple(problem.message for problem in problems if problem.severity == "info"),
        columns=gathered.columns,
    )


def load_evaluation(
    source: Source,
    task: str,
    labels: tuple[str, ...],
    recipe: Recipe = DEFAULT,
    *,
    on_event: Listener = silent,
) -> datasets.Dataset:
    """The rows to evaluate a model on: a source's test split where it has one, else every row.

    Args:
        labels: the model's, which the rows are encoded with.

    Raises:
        SourceError: as `load_data`; where a label is none of the model's; and where there
            is a test split without a usable row.
    """
    kept = _read(source, recipe.with_(task=task), on_event)
    for problem in kept.problems:
        if problem.severity != "info":
            on_event(Event("load", f"{problem.message} ({problem.where})"))
    encoded = encode(Slice.of(kept.part("test")), labels, get_task(task))
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
    counts = Counter(chain.from_iterable(split["label"][:] for split in data.splits.values()))
    return {
        "task": data.task,
        "rows": sum(data.rows.values()),
        "labels": {label: counts[number] for number, label in enumerate(data.labels)},
        "problems": [problem.to_json() for problem in data.problems],
    }


@dataclass(frozen=True)
class Gathered:
    """A source's parts together with those that the recipe takes from elsewhere."""

    name: str
    place: str
    task: Task
    parts: Mapping[str, datasets.Dataset]
    problems: tuple[Problem, ...]
    columns: Mapping[str, Any] | None


def _gather(source: Source, recipe: Recipe, on_event: Listener) -> Gathered:
    kept = _read(source, recipe, on_event)
    task = get_task(recipe.task) if recipe.task else task_for(kept.modality)
    asked = {split: getattr(recipe, split) for split in SPLITS[1:] if getattr(recipe, split)}
    others = {split: _read(other, recipe.with_(task=task.name), on_event) for split, other in asked.items()}
    parts = {**kept.parts, **{split: other.part(split) for split, other in others.items()}}
    problems = chain(kept.problems, *(other.problems for other in others.values()))
    return Gathered(kept.name, kept.place, task, parts, tuple(problems), kept.columns)


def _fit(gathered: Gathered, slices: Mapping[str, Slice]) -> tuple[str, ...]:
    """The labels, of train alone."""
    counts = {split: Counter(part.labels) for split, part in slices.items()}
    usable_labels(gathered.place, counts["train"], sum(counts.values(), Counter()))
    return gathered.task.target.fit(counts["train"])


def _read(source: Source, recipe: Recipe, on_event: Listener) -> Kept:
    """The source's rows, on disk and ready to be split."""
    try:
        found = _find(source, recipe)
    except HFTransferError:
        raise
    except OSError as error:
        raise SourceError(f"cannot read it: {error.strerror or error}", place=str(source)) from error
    if recipe.task and get_task(recipe.task).modality.name != found.modality:
        raise RecipeError(
            f"the source holds {found.modality}s, which {recipe.task} does not take",
            place=found.place,
            fix=f"leave --task out, or pass --task {task_for(found.modality).name}",
        )
    return keep(found, on_event)


def _find(source: Source, recipe: Recipe) -> Found:
    """Ask each kind of source in turn whether this is one of its own."""
    for is_it, reader in KINDS:
        if is_it(source):
            return reader(source, recipe)
    raise SourceMissing(
        "there is no such file or folder",
        place=str(source),
        fix="check the path; a data set on the Hub is written owner/name",
    )


def _is_data(source: Source) -> bool:
    return isinstance(source, (datasets.Dataset, Mapping))


def _is_sample(source: Source) -> bool:
    return str(source).startswith(PREFIX)


def _is_there(source: Source) -> bool:
    try:
        return _path(source).exists()
    except (OSError, ValueError):  # no path at all: too long, or with a zero byte
        return False


def _is_id(source: Source) -> bool:
    return isinstance(source, str) and looks_like_id(source)


def _path(source: Any) -> Path:
    return Path(source).expanduser()


def _read_path(source: Source, recipe: Recipe) -> Found:
    path = _path(source)
    if path.is_dir():
        return read_tree(Folder.whole(path), recipe)
    if path.suffix.lower() in READERS:
        beside = Folder.around(path)
        return read_tables(beside, beside.entries, recipe)
    if is_archive(path):
        return read_tree(open_archive(path), recipe)
    raise SourceError(
        "this file is neither a table nor an archive",
        place=str(path),
        fix=f"give a folder, an archive ({', '.join(SUFFIXES)}), or a table ({', '.join(READERS)})",
    )


KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any, Recipe], Found]], ...] = (
    (_is_data, read_splits),
    (_is_sample, read_sample),
    (_is_there, _read_path),
    (_is_id, read_hub),
)
