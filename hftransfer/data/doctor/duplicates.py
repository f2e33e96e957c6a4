"""Rows that are copies of each other, or nearly; and which of them meet those of another part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from . import likeness, looks
from .sheet import Sheet

ALONE = -1
AT_ONCE = 64  # images that are decoded whole together
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]  # of copies, of what is compared as one, of what is nearly the same


@dataclass(frozen=True)
class Groups:
    """Of each row the group that it is in, by number, `ALONE` where it is in none."""

    copies: np.ndarray  # of the same inputs
    alike: np.ndarray  # of nearly the same, copies among them
    met: np.ndarray  # whether one that it is nearly the same as, itself and not by way of others, is in another part


def groups_of(sheet: Sheet) -> Groups:
    """Each row's groups: by content first, then by likeness."""
    copied, same, near = KINDS[sheet.column](sheet)
    as_one = joined(len(sheet), np.concatenate([copied, same]))
    alike = joined(len(sheet), np.concatenate([copied, same, near]))
    return Groups(joined(len(sheet), copied), alike, _met(sheet, as_one, near))


def _met(sheet: Sheet, as_one: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Of pairs one row of many copies may stand for all: so copies of both count."""
    own = as_one.max(initial=ALONE) + 1 + np.arange(len(sheet))
    _, node = np.unique(np.where(as_one == ALONE, own, as_one), return_inverse=True)
    parts = sheet.part_of()
    there = np.zeros((int(node.max(initial=0)) + 1, len(sheet.parts)), dtype=bool)
    there[node, parts] = True
    reached = there.copy()
    for one, other in ((0, 1), (1, 0)):
        np.logical_or.at(reached, node[near[:, one]], there[node[near[:, other]]])
    elsewhere = reached[node]
    elsewhere[np.arange(len(sheet)), parts] = False
    return np.asarray(elsewhere.any(1))


def joined(rows: int, pairs: np.ndarray) -> np.ndarray:
    """The groups that pairs of rows make together, numbered from 0 in the order of their first rows."""
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(rows, rows))
    _, parts = connected_components(links, directed=False)
    several = np.bincount(parts, minlength=1)[parts] > 1
    found, first = np.unique(parts[several], return_index=True)
    number = np.full(int(parts.max(initial=0)) + 1, ALONE)
    number[found[np.argsort(first)]] = np.arange(len(found))
    return number[parts]


def equal(keys: np.ndarray) -> np.ndarray:
    """Pairs of rows of the same key: each with the first of them."""
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    pairs = np.stack([first[place], np.arange(len(keys))], 1)
    return pairs[pairs[:, 0] != pairs[:, 1]]


def _of_texts(sheet: Sheet) -> Pairs:
    keys = np.zeros(len(sheet), dtype=np.uint64)
    for start, values in sheet.stretches():
        keys[start : start + len(values)] = [likeness.key(value) for value in values]
    return equal(keys), *likeness.similar(sheet)


def _of_images(sheet: Sheet) -> Pairs:
    """Copies by their bytes; and, of those that look the same, by their pixels."""
    near = looks.similar(sheet)
    copied = equal(sheet.digests())
    seen: dict[int, int] = {}
    rows = np.unique(near)
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        seen.update(zip(part.tolist(), map(looks.pixels, sheet.inputs(part)), strict=True))
    same = np.array([seen[one] == seen[other] for one, other in near.tolist()], dtype=bool)
    return np.concatenate([copied, near[same]]), near[same], near[~same]


KINDS: dict[str, Callable[[Sheet], Pairs]] = {"text": _of_texts, "image": _of_images}
