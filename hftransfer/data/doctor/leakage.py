"""Rows that stand on both sides of a split: measured by what was learned, a model looks better than it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from ...values import SPLITS, Problem
from ..checks import Aside
from ..labels.reading import asides
from ..rows import ALL
from ..splits import Slice
from .duplicates import ALONE

MOST_LOST = 0.5  # of train
Groups = Mapping[str, np.ndarray]  # by part


def set_apart(parts: Mapping[str, Slice], alike: Groups) -> tuple[dict[str, Slice], tuple[Aside, ...]]:
    """The parts without the rows of train that are, nearly, rows of a given validation or test; and those rows.

    Where that would take half of train, or all rows of a label, nothing is taken.
    """
    name = _pool(parts)
    others = [alike[split][parts[split].indices] for split in SPLITS[1:] if split in parts]
    if name not in parts or not others:
        return dict(parts), ()
    train, given = parts[name], np.concatenate(others)
    leaks = np.isin(alike[name][train.indices], given[given != ALONE])
    kept, lost = (Slice(train.rows, train.indices[chosen]) for chosen in (~leaks, leaks))
    if not leaks.any() or leaks.mean() > MOST_LOST or Counter(lost.labels).keys() - Counter(kept.labels).keys():
        return dict(parts), ()
    return {**parts, name: kept}, asides("split-leakage", lost)


def told_leaks(place: str, slices: Mapping[str, Slice], alike: Groups) -> Iterator[Problem]:
    """A warning where rows of validation or test still are in train, or nearly."""
    groups = {split: alike[split if split in alike else _pool(alike)][part.indices] for split, part in slices.items()}
    learned = groups["train"][groups["train"] != ALONE]
    for split in SPLITS[1:]:
        if split in slices:
            found = int(np.isin(groups[split], learned).sum())
            if found:
                yield Problem(
                    "split-leakage",
                    "warning",
                    place,
                    f"{found} rows of {split} are in train too, or nearly: figures on {split} say little",
                    f"give {split} rows of its own, or more rows of the classes that hold copies alone",
                )


def _pool(parts: Mapping[str, object]) -> str:
    """The part that train is, or that what lacks is carved from."""
    return "train" if "train" in parts else ALL
