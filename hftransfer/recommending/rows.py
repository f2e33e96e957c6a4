"""The rows that backbones are tried on, and the parts of a cross-validation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..data import labels_of
from ..errors import SourceError
from ..tasks import get_task
from ..values import Dataset

SAMPLE = 1000  # rows
FOLDS = 5
REPEATS = ((60, 3), (200, 2))  # of the cross-validation, up to so many rows; one where there are more


def sample(data: Dataset, seed: int) -> Dataset:
    """Train and validation as they are where they are few, else some rows of train, of each class alike."""
    few = data.rows["train"] + data.rows["validation"] <= SAMPLE
    if few:
        return replace(data, splits={name: data.splits[name] for name in ("train", "validation")})
    groups = strata(data, "train")
    order = np.lexsort((np.random.default_rng(seed).random(len(groups)), groups))
    places = np.sort(order[np.linspace(0, len(order) - 1, min(SAMPLE, len(order))).astype(int)])
    name = hashlib.blake2b(places.tobytes(), digest_size=8).hexdigest()
    digests = {"train": f"{data.digests['train']}-{name}"}
    return replace(data, splits={"train": data.splits["train"].select(places)}, digests=digests)


def strata(data: Dataset, split: str) -> np.ndarray:
    """The group of each row: every part gets rows of each."""
    return STRATA[get_task(data.task).target.shape](labels_of(data.splits[split]))


def _rarest(flags: np.ndarray) -> np.ndarray:
    """Of each row's labels the one that fewest rows have."""
    found: np.ndarray = np.where(flags > 0, flags.sum(0), np.inf).argmin(1)
    return np.where(flags.any(1), found, flags.shape[1])


def _tenths(numbers: np.ndarray) -> np.ndarray:
    ranks = numbers[:, 0].argsort(kind="stable").argsort(kind="stable")
    found: np.ndarray = ranks * 10 // len(ranks)
    return found


STRATA: dict[str, Callable[[Any], np.ndarray]] = {
    "class": lambda labels: np.asarray(labels),
    "flags": _rarest,
    "numbers": _tenths,
    "tags": lambda words: np.zeros(len(words.ends), dtype=np.int64),
}


def fold_rows(data: Dataset, seed: int) -> np.ndarray:
    """The part that each row is in, of each class alike.

    Raises:
        SourceError: the rows are too few to learn from three parts of them.
    """
    groups = np.concatenate([strata(data, split) for split in data.splits])
    classes = get_task(data.task).target.shape == "class"
    if len(groups) < FOLDS or (classes and (np.bincount(groups) > 2).sum() < 2):
        fix = "name a --backbone, or add rows: three of each class at least"
        raise SourceError("the rows are too few to compare backbones on", place=data.name, fix=fix)
    order = np.lexsort((np.random.default_rng(seed).random(len(groups)), groups))
    folds = np.empty(len(groups), dtype=np.int64)
    folds[order] = np.arange(len(groups)) % FOLDS
    return folds


def repeats(data: Dataset) -> int:
    rows = sum(map(len, data.splits.values()))
    return next((times for most, times in REPEATS if rows <= most), 1)
