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


def arrange(name: str, parts: Mapping[str, Slice], recipe: Recipe, strata: Strata) -> dict[str, Slice]:
    """Train, validation and (where there is one) test.

    What is given stays; what lacks is carved out of train. Validation is never taken
    from test, and where a validation is given without a test, it is what is reported.

    Args:
        strata: gives the group of each row of a slice; of each group every split gets some.

    Raises:
        SourceError: there are splits, but none to train on.
    """
    pool = parts.get("train", parts.get(ALL))
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
    groups = strata(pool)
    carved = carve(groups, shares, recipe.seed)
    if not len(carved["validation"]):  # too few rows for three
        carved = carve(groups, {"validation": recipe.validation_share}, recipe.seed)
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
