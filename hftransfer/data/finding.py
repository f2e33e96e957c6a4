"""Which kind of source this is, and its rows on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import datasets

from ..errors import HFTransferError, RecipeError, SourceError, SourceMissing
from ..recipe import Recipe
from ..tasks import get_task, task_for
from ..values import Listener
from .arrow import Kept, keep
from .doctor.redaction import redacted
from .folders import read_tree
from .hub import looks_like_id, read_hub, read_splits
from .packed.archives import SUFFIXES, is_archive, open_archive
from .rows import Found
from .samples import PREFIX, read_sample
from .tables.reading import READERS, read_tables
from .trees import Folder

Source: TypeAlias = str | Path | datasets.Dataset | Mapping[str, datasets.Dataset]


def read_source(
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
