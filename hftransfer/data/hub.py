"""Data sets of the `datasets` library: from the Hub by their id, or as they are in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import datasets
import httpx2
import huggingface_hub.utils
from datasets.exceptions import DatasetNotFoundError, DatasetsError
from datasets.naming import camelcase_to_snakecase
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from ..errors import HubError, SourceError, SourceMissing
from ..reach import silence
from ..recipe import Recipe
from ..values import SPLITS
from .packed.archives import SUFFIXES
from .rows import ALL, Found, digest, split_named
from .tables.reading import READERS, found_in
from .tables.records import read_dataset

Splits = Mapping[str, datasets.Dataset]
LONGEST = 200  # characters; the Hub takes 96 for owner and name


def looks_like_id(source: str) -> bool:
    """Whether a name may be `name`, `owner/name` or `owner/name:config`, and no file's."""
    plausible = re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?(:[\w.+-]+)?", source) is not None
    return plausible and len(source) < LONGEST and not source.lower().endswith((*READERS, *SUFFIXES))


def read_hub(source: str, recipe: Recipe) -> Found:
    """The rows of a data set on the Hub.

    Raises:
        SourceMissing: no such data set, or it is private.
        HubError: the Hub did not answer, and the data set was not downloaded before.
        SourceError: it cannot be loaded.
    """
    repo, _, config = source.partition(":")
    if not _cached(repo):
        _reach(source)
    return read_splits(_load(source, repo, config or None), recipe, name=source)


def read_splits(data: datasets.Dataset | Splits, recipe: Recipe, *, name: str = "dataset") -> Found:
    """The rows of a `datasets.Dataset` or `DatasetDict`."""
    splits = {ALL: data} if isinstance(data, datasets.Dataset) else _known(data)
    tables = {part: [read_dataset(name if part == ALL else part, split)] for part, split in splits.items()}
    key = digest(*(f"{part}\0{split._fingerprint}" for part, split in splits.items()))
    return found_in(name, name, tables, recipe, key=key, load=_read_local)


def _known(splits: Splits) -> dict[str, datasets.Dataset]:
    """The splits under our names; a lone one is everything."""
    if len(splits) == 1:
        return {ALL: next(iter(splits.values()))}
    named = {split_named(name): split for name, split in reversed(list(splits.items()))}
    known = {name: named[name] for name in SPLITS if name in named}
    if "train" not in known:
        raise SourceError(
            "none of the data set's splits is train",
            place=", ".join(splits),
            fix="rename the splits to train, validation and test",
        )
    return known


def _read_local(path: str) -> bytes:
    return Path(path).read_bytes()


def _cached(repo: str) -> bool:
    """Whether the library downloaded it before, and then needs no Hub."""
    owner, _, name = repo.rpartition("/")
    folder = "___".join(filter(None, (owner, camelcase_to_snakecase(name))))
    return (Path(datasets.config.HF_DATASETS_CACHE) / folder).is_dir()


def _reach(source: str) -> None:
    """Find out soon whether there is a Hub to ask."""
    why_not = silence()
    if why_not:
        raise _unreachable(source, why_not)


def _load(source: str, repo: str, config: str | None) -> Splits:
    try:
        with _without_bars():
            splits: Splits = datasets.load_dataset(repo, config)
        return splits
    except (DatasetNotFoundError, HFValidationError) as error:
        raise SourceMissing(
            f"there is neither such a path nor such a data set on the Hub: {_first_line(error)}",
            place=source,
            fix="check the spelling; for a private or gated data set log in with `hf auth login`",
        ) from error
    except (ConnectionError, HfHubHTTPError, httpx2.HTTPError) as error:
        raise _unreachable(source, _first_line(error)) from error
    except (DatasetsError, ValueError, RuntimeError, FileNotFoundError) as error:
        raise SourceError(
            f"the data set cannot be loaded: {error}", place=source, fix="for one of several configs give NAME:CONFIG"
        ) from error


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the libraries' progress bars off the standard error: events tell what there is to tell."""
    shown = [bars for bars in (datasets.utils, huggingface_hub.utils) if not bars.are_progress_bars_disabled()]
    for bars in shown:
        bars.disable_progress_bars()
    try:
        yield
    finally:
        for bars in shown:
            bars.enable_progress_bars()


def _unreachable(source: str, why: str) -> HubError:
    return HubError(
        f"there is no such path here, and the Hub could not be asked for a data set of this name: {why}",
        place=f"'{source}' at {constants.ENDPOINT}",
        fix="check the path, or the connection",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
