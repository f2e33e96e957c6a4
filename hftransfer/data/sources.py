"""From any source to a `Dataset`: found, read, split, labels fitted and encoded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import datasets

from ..errors import HFTransferError, RecipeError, SourceError, SourceMissing
from ..recipe import Recipe
from ..tasks import Task, get_task, recognise, task_for
from ..tasks.kinds import few
from ..values import SPLITS, Dataset, Event, Known, Listener, Problem, silent
from .archives import SUFFIXES, is_archive, open_archive
from .arrow import Kept, keep
from .checks import Aside, told
from .doctor import Diagnosis, diagnose
from .doctor.leakage import set_apart, told_leaks
from .doctor.redaction import redacted
from .encoded import counted
from .folders import read_tree
from .hub import looks_like_id, read_hub, read_splits
from .labels import Reading, distinct, encode, refuse_empty, refuse_unknown
from .rows import Found
from .samples import PREFIX, read_sample
from .splits import Slice, arrange, told_carved
from .spread import spreads
from .tables import READERS, read_tables
from .trees import Folder

DEFAULT = Recipe()

Source: TypeAlias = str | Path | datasets.Dataset | Mapping[str, datasets.Dataset]


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
    parts, asides = _readable(gathered, reading)
    parts, leaked = set_apart(parts, found.alike)
    slices = arrange(gathered.place, parts, recipe, lambda part: target.strata(reading.values(part)), found.alike)
    fitted = _fit(gathered, slices, reading)
    labels, kept, said = gone_on(known, gathered, fitted)
    encoded = {split: encode(part, labels, gathered.task, reading) for split, part in slices.items()}
    for split, part in encoded.items():
        refuse_empty(gathered.place, split, part)
    carved = told_carved(gathered.place, gathered.parts, slices, recipe.seed, partial(_names, reading))
    lost = told([*asides, *leaked, *chain.from_iterable(part.asides for part in encoded.values())])
    leaks = told_leaks(gathered.place, slices, found.alike)
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
    )


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
    reading = Reading.of(gathered.task.target, gathered.parts)
    return gathered, reading, diagnose(gathered.parts, gathered.task, reading, gathered.place, on_event)


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


def _readable(gathered: Gathered, reading: Reading) -> tuple[dict[str, Slice], list[Aside]]:
    """The parts' rows whose labels can be read, and the others. Raises SourceError where none can be."""
    found = {part: reading.readable(rows) for part, rows in gathered.parts.items()}
    asides = list(chain.from_iterable(lost for _, lost in found.values()))
    if not any(len(part.indices) for part, _ in found.values()):
        raise SourceError(
            f"no label can be read as {gathered.task.name} takes them, the first is '{asides[0].label}'",
            place=f"{gathered.place}, {asides[0].origin}",
            fix="leave --task out, or name the column of the labels with --label-column",
        )
    return {part: slice for part, (slice, _) in found.items()}, asides


def _names(reading: Reading, part: Slice) -> list[str]:
    return [name for value in reading.values(part) for name in reading.target.names(value)]


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
    rows, asked = kept.part("test"), get_task(task)
    reading = Reading.of(asked.target, {"test": rows})
    encoded = encode(Slice.of(rows), labels, asked, reading)
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
    kept = _read(source, recipe, on_event, mend)
    task, said = (get_task(recipe.task), ()) if recipe.task else _recognised(kept, known)
    asked = {split: getattr(recipe, split) for split in SPLITS[1:] if getattr(recipe, split)}
    others = {split: _read(other, recipe.with_(task=task.name), on_event, mend) for split, other in asked.items()}
    for other in others.values():
        _require_alike(kept, other)
    parts = {**kept.parts, **{split: other.part(split) for split, other in others.items()}}
    problems = chain(kept.problems, said, *(other.problems for other in others.values()))
    asides = chain(kept.asides, *(other.asides for other in others.values()))
    return Gathered(kept.name, kept.place, task, parts, tuple(problems), kept.columns, tuple(asides))


def _require_alike(kept: Kept, other: Kept) -> None:
    """Raises SourceError where one source holds pairs of texts, and the other single ones."""
    paired, others = (bool((source.columns or {}).get("pair")) for source in (kept, other))
    if paired != others:
        raise SourceError(
            "it holds single texts, and the rows to train on are pairs"
            if paired
            else "it holds pairs of texts, and the rows to train on are single ones",
            place=other.place,
            fix="name the columns with --text-column and --text-pair-column, or give both files the same",
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
    reading = Reading.of(task.target, kept.parts)
    if task.modality.name != kept.modality or reading.unreadable:
        return False
    if task.target.shape == "numbers":
        return True
    return any(name in known.labels for text in reading.found for name in task.target.names(reading.read(text)))


def _fit(gathered: Gathered, slices: Mapping[str, Slice], reading: Reading) -> tuple[str, ...]:
    """The labels, of train alone. Raises SourceError where there is nothing to learn from them."""
    target, train = gathered.task.target, slices["train"]
    everywhere = chain.from_iterable(map(reading.values, slices.values()))
    if refusal := target.refusal(reading.values(train), everywhere):
        refusal.place = gathered.place
        raise refusal
    named = gathered.columns or {}
    columns = named.get("labels") or [named.get("label", "")]
    return target.fit(reading.values(train), columns[0])


def _read(
    source: Source, recipe: Recipe, on_event: Listener, mend: Callable[[Found], Found] = lambda found: found
) -> Kept:
    """The source's rows, on disk and ready to be split."""
    try:
        found = find(source, recipe)
    except HFTransferError:
        raise
    except OSError as error:
        raise SourceError(f"cannot read it: {error.strerror or error}", place=str(source)) from error
    if recipe.task and get_task(recipe.task).modality.name != found.modality:
        raise RecipeError(
            f"the source holds {found.modality}s, which {recipe.task} does not take",
            place=found.place,
            fix=f"leave --task out, or pass --task {task_for(found.modality, get_task(recipe.task).target.name).name}",
        )
    return keep(mend(redacted(found) if recipe.redact else found), on_event)


def find(source: Source, recipe: Recipe) -> Found:
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
