"""A head on few rows: what a validation of a handful would choose by chance is chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import product
from typing import Any

import numpy as np

from .solving import HeadProblem, Solved, Split, along, refit

FOLDS = 4
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)


def solve_by_folds(
    views: Sequence[int], problem: Callable[[int], HeadProblem], units: np.ndarray, seed: int, *, whole: bool
) -> tuple[int, Solved]:
    """The best of some views of the same rows, by place, and its head.

    Args:
        problem: of a view; one after another is made, as in `best_view`.
        units: [rows], one number for copies of a row, which stay together: of train, and of validation if `whole`.
        whole: whether the head learns from validation too. Its figures are then those of the folds, where each row
            is answered by a head that never saw it; else they are validation's, which chose nothing.
    """

    def learned(at: int) -> HeadProblem:
        made = problem(at)
        return replace(made, train=joined(made.train, made.validation)) if whole else made

    found = {at: _across(learned(at), units, seed) for at in views}
    at, number = min(product(views, range(len(STRENGTHS))), key=lambda one: found[one[0]][one[1]]["loss"])
    solved = refit(learned(at), STRENGTHS[number])
    return at, replace(solved, figures=found[at][number]) if whole else solved


def joined(one: Split, other: Split) -> Split:
    """The rows of both."""
    if not len(other.labels):
        return one
    pairs = {part.name: (getattr(one, part.name), getattr(other, part.name)) for part in fields(Split)}
    both: dict[str, Any] = {name: None if pair[0] is None else np.concatenate(pair) for name, pair in pairs.items()}
    return Split(**both)


def dealt(strata: np.ndarray, units: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Each row's fold: strata are dealt out one after another as cards are, copies of a row to one fold."""
    chance = np.random.default_rng([seed, folds])
    found, first, place = np.unique(units, return_index=True, return_inverse=True)
    order = np.lexsort((chance.random(len(found)), strata[first]))
    fold = np.empty(len(found), dtype=np.int64)
    fold[order] = np.arange(len(found)) % folds
    return fold[place]


def _across(problem: HeadProblem, units: np.ndarray, seed: int) -> list[dict[str, float]]:
    """At each strength the mean figures of the rows that are held out."""
    tried, sizes = [], []
    for inside, out in parted(problem.train, dealt(problem.train.labels, units, FOLDS, seed)):
        tried.append([solved.figures for solved in along(replace(problem, train=inside, validation=out), STRENGTHS)])
        sizes.append(len(out.labels))
    return [
        {name: float(np.average([one[name] for one in column], weights=sizes)) for name in column[0]}
        for column in zip(*tried, strict=True)
    ]


def parted(rows: Split, places: np.ndarray) -> Iterator[tuple[Split, Split]]:
    """For each fold the rows of all others, and its own."""
    for fold in np.unique(places):
        yield rows.take(np.flatnonzero(places != fold)), rows.take(np.flatnonzero(places == fold))
