"""The rows that backbones are tried on, and the parts of a cross-validation."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from ..data import labels_of, units_of
from ..errors import SourceError
from ..tasks import get_task
from ..training.heads.folding import dealt
from ..training.heads.folds import STRATA
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


def fold_rows(data: Dataset, seed: int) -> np.ndarray:
    """The part that each row is in, of each class alike; copies of a row are in one part.

    Raises:
        SourceError: the rows are too few to learn from three parts of them.
    """
    task = get_task(data.task)
    groups = np.concatenate([strata(data, split) for split in data.splits])
    units = units_of(data.splits.values(), task.modality.column)
    if units.max(initial=0) + 1 < FOLDS or (task.target.shape == "class" and (np.bincount(groups) > 2).sum() < 2):
        fix = "add rows: three of each class at least; or choose a backbone yourself, and train"
        raise SourceError("the rows are too few to compare backbones on", place=data.name, fix=fix)
    return dealt(groups, units, FOLDS, seed)


def repeats(data: Dataset) -> int:
    rows = sum(map(len, data.splits.values()))
    return next((times for most, times in REPEATS if rows <= most), 1)
