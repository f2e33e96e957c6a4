"""Which rows are learned from, which ones are watched, and which ones measure."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import datasets
import numpy as np
import pyarrow as pa

from ..errors import SourceError
from ..recipe import Recipe
from ..values import SPLITS, Problem
from .checks import tiny_classes
from .rows import ALL

Indices = np.ndarray  # int64, ascending
MANY, MANY_OF = 4, 0.02  # rows that are alike, and their part of all: more stay in train


@dataclass(frozen=True)
class Slice:
    """Some rows of a part on disk."""

    rows: datasets.Dataset
    indices: Indices

    @classmethod
    def of(cls, rows: datasets.Dataset) -> Slice:
        """All of them."""
        return cls(rows, np.arange(len(rows), dtype=np.int64))

    @property
    def labels(self) -> list[str]:
        """The rows' labels as they were found."""
        found: list[str] = self.rows.data.column("label").take(pa.array(self.indices)).to_pylist()
        return found


Strata = Callable[[Slice], list[str]]


def arrange(
    name: str, parts: Mapping[str, Slice], recipe: Recipe, strata: Strata, alike: Mapping[str, Indices]
) -> dict[str, Slice]:
    """Train, validation and (where there is one) test.

    What is given stays; what lacks is carved out of train. Validation is never taken
    from test, and where a validation is given without a test, it is what is reported.

    Args:
        strata: gives the group of each row of a slice; of each group every split gets some.
        alike: for each part, which rows are alike by a number that they share, below 0 for none: they stay together.

    Raises:
        SourceError: there are splits, but none to train on.
    """
    source = "train" if "train" in parts else ALL
    pool = parts.get(source)
    if pool is None:
        raise SourceError(
            "there are splits, but none is train",
            place=f"{name}, which has {' and '.join(parts)}",
            fix="name a folder or file train, or give the others with --validation and --test",
        )
    given = {split: parts[split] for split in SPLITS[1:] if split in parts}
    if "validation" in given:
        return {"train": pool, **given}
    shares = {"validation": recipe.validation_share}
    if "test" not in given and recipe.test_share > 0:
        shares["test"] = recipe.test_share
    groups, together = strata(pool), alike[source][pool.indices]
    carved = carve_together(groups, together, shares, recipe.seed)
    if not len(carved["validation"]):  # too few rows for three
        carved = carve_together(groups, together, {"validation": recipe.validation_share}, recipe.seed)
    return {**{split: Slice(pool.rows, pool.indices[places]) for split, places in carved.items()}, **given}


def told_carved(
    name: str, parts: Mapping[str, object], slices: Mapping[str, Slice], seed: int, names: Callable[[Slice], list[str]]
) -> Iterator[Problem]:
    """What to say of splits that were carved out of train, and of classes too small for that."""
    carved = [split for split in SPLITS[1:] if split in slices and split not in parts]
    if carved:
        sizes = " and ".join(f"{split} ({len(slices[split].indices)} rows)" for split in carved)
        message = f"set aside from train, of each class alike, by seed {seed}: {sizes}"
        yield Problem("carved-splits", "info", name, message, "give splits of your own with --validation and --test")
        counts = Counter(name for split in ("train", *carved) for name in names(slices[split]))
        yield from tiny_classes(counts, 1 + len(carved))


def carve_together(labels: Sequence[str], alike: Indices, shares: Mapping[str, float], seed: int) -> dict[str, Indices]:
    """As `carve`, and rows that are alike go where the first of them goes; many of them stay in train.

    Of a class that has fewer rows of its own than there are splits, each row is for itself.
    """
    firsts, units = _units(alike)
    few = _few(labels, firsts, units, 1 + len(shares))
    if few.any():
        firsts, units = _units(np.where(few, -1, alike))
    small = np.flatnonzero(~_are_many(units))
    carved = carve([labels[firsts[place]] for place in small], shares, seed)
    sides = {split: np.flatnonzero(np.isin(units, small[carved[split]])) for split in shares}
    return {"train": np.setdiff1d(np.arange(len(units)), np.concatenate(list(sides.values()))), **sides}


def _are_many(units: Indices) -> np.ndarray:
    """Which groups hold so many rows that a split made of them would be of nothing else."""
    return np.bincount(units) > max(MANY, MANY_OF * len(units))


def _units(alike: Indices) -> tuple[Indices, Indices]:
    """The first row of each group of rows that are alike, ascending, and the place of each row's group among them."""
    own = np.where(alike < 0, np.arange(len(alike)) + alike.max(initial=0) + 1, alike)
    _, firsts, units = np.unique(own, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return firsts[order], place[units]


def _few(labels: Sequence[str], firsts: Indices, units: Indices, least: int) -> np.ndarray:
    """Whether a row is alike to one of a class that has rows enough for every split, but too few of its own."""
    own, rows = Counter(labels[first] for first in firsts[~_are_many(units)]), Counter(labels)
    short = np.array([own[label] < min(least, rows[label]) for label in labels], dtype=bool)
    return np.isin(units, units[short])


def carve(labels: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, Indices]:
    """Set shares of train aside, of each class alike.

    Each class has at least one row in every split where it has rows enough; what a
    class of two has beside train goes to the last split of `shares`; a class of one
    stays in train. Which rows go where depends on the seed, the class's name and the
    order of its rows, not on other classes.

    Args:
        labels: each row's label.
        shares: split names to the shares of the rows that they take, in (0, 0.5].

    Returns:
        `train` and each split of `shares` to the indices of its rows.
    """
    places: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        places.setdefault(label, []).append(index)
    taken: dict[str, list[np.ndarray]] = {split: [] for split in ("train", *shares)}
    for label, rows in places.items():
        shuffled = np.random.default_rng([seed, zlib.crc32(label.encode())]).permutation(rows)
        sizes = _sizes(len(rows), shares)
        ends = np.cumsum([sizes[split] for split in taken])[:-1]
        for split, part in zip(taken, np.split(shuffled, ends), strict=True):
            taken[split].append(part)
    return {split: np.sort(np.concatenate(parts)).astype(np.int64) for split, parts in taken.items()}


def _sizes(rows: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many of a class's rows each split takes; train keeps at least one."""
    left = rows - 1
    sizes: dict[str, int] = {}
    for waiting, (split, share) in enumerate(reversed(list(shares.items())), 1 - len(shares)):
        most = max(left + waiting, min(left, 1))  # leaves one to each split that is still waiting
        sizes[split] = min(max(round(rows * share), 1), most)
        left -= sizes[split]
    return {"train": rows - sum(sizes.values()), **sizes}
