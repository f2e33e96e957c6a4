"""Rows that stand on both sides of a split: measured by what was learned, a model looks better than it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ...values import SPLITS, Problem
from ..checks import Aside
from ..labels.reading import asides
from ..rows import ALL
from ..splits import Slice
from .diagnosis import Diagnosis
from .duplicates import ALONE

MOST_LOST = 0.5  # of a part
Parts = Mapping[str, Slice]


def set_apart(parts: Parts, found: Diagnosis) -> tuple[dict[str, Slice], tuple[Aside, ...]]:
    """The parts without the rows that a given validation or test holds too (see `leaving`); and those rows."""
    leaks = leaving(parts, found)
    kept = {name: Slice(part.rows, part.indices[~leaks[name]]) for name, part in parts.items()}
    lost = (Slice(part.rows, part.indices[leaks[name]]) for name, part in parts.items() if leaks[name].any())
    return kept, tuple(aside for part in lost for aside in asides("split-leakage", part))


def leaving(parts: Parts, found: Diagnosis) -> dict[str, np.ndarray]:
    """Which rows of each part another one keeps: those of train that validation or test holds, of validation those
    of test.

    Copies go. What is nearly the same goes from train where its own like, and not a like of that, is on the other
    side, and all that are alike have one label: else a word, or who stands before the camera, may be what decides.
    Where half of a part would go, or all rows of a class, the copies go alone; and where that is so of these, none.
    """
    leaks = {name: np.zeros(len(part.indices), dtype=bool) for name, part in parts.items()}
    pool = _pool(parts)
    given = [split for split in SPLITS[1:] if split in parts]
    if pool in parts and given:
        copies = np.logical_or.reduce([_shared(parts, found.copies, pool, split) for split in given])
        leaks[pool] = _bearable(parts[pool], found.classes, copies | found.near[pool][parts[pool].indices], copies)
    if len(given) > 1:
        leaks["validation"] = _bearable(parts["validation"], found.classes, _shared(parts, found.copies, *given))
    return leaks


def _shared(parts: Parts, groups: Mapping[str, np.ndarray], part: str, other: str) -> np.ndarray:
    """Which rows of a part are in a group with any of another."""
    there = groups[other][parts[other].indices]
    return np.isin(groups[part][parts[part].indices], there[there != ALONE])


def _bearable(part: Slice, classes: bool, *leaks: np.ndarray) -> np.ndarray:
    """The first of some choices of rows that leaves enough of the part without them."""
    labels = np.array(part.labels, dtype=object)
    for chosen in leaks:
        if chosen.mean() <= MOST_LOST and not (classes and set(labels[chosen]) - set(labels[~chosen])):
            return chosen
    return np.zeros(len(labels), dtype=bool)


def told_leaks(place: str, slices: Parts, found: Diagnosis) -> Iterator[Problem]:
    """What still stands on both sides: a warning for copies, a word for what is nearly the same."""
    copies, alike = (
        {split: kind[split if split in kind else _pool(kind)] for split in slices}
        for kind in (found.copies, found.alike)
    )
    for split in (split for split in SPLITS[1:] if split in slices):
        same = _shared(slices, copies, split, "train")
        near = int((_shared(slices, alike, split, "train") & ~same).sum())
        if same.any():
            yield Problem(
                "split-overlap",
                "warning",
                place,
                f"{int(same.sum())} rows of {split} are in train too: figures on {split} say little",
                f"give {split} rows of its own, or more rows of the classes that hold copies alone",
            )
        if near:
            yield Problem(
                "split-overlap",
                "info",
                place,
                f"{near} rows of {split} are nearly the same as rows of train: figures on {split} may be too good",
                "look whether what the model will be asked about is so much alike, too",
            )
    yield from _told_between(place, slices, copies)


def _told_between(place: str, slices: Parts, copies: Mapping[str, np.ndarray]) -> Iterator[Problem]:
    if not set(SPLITS[1:]) <= slices.keys():
        return
    if both := int(_shared(slices, copies, *SPLITS[1:]).sum()):
        yield Problem(
            "split-overlap",
            "warning",
            place,
            f"{both} rows of validation are in test too: what is chosen by them looks better on test than it is",
            "give validation rows of its own",
        )


def _pool(parts: Mapping[str, object]) -> str:
    """The part that train is, or that what lacks is carved from."""
    return "train" if "train" in parts else ALL
