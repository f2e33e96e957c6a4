"""A head on few rows: what a validation of a handful would choose by chance is chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from .solvers import class_figures
from .solving import HeadProblem, Solved, Split, refit

FOLDS = 4
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)


def solve_by_folds(problems: Sequence[HeadProblem], units: np.ndarray, seed: int) -> tuple[int, Solved]:
    """The best of some views of the same rows, by place, and its head, solved on train and validation together.

    Args:
        units: [rows of train and validation], one number for copies of a row, which stay together.

    Returns:
        The head's figures are those of the folds: each row is answered by a head that never saw it.
    """
    whole = [replace(problem, train=joined(problem.train, problem.validation)) for problem in problems]
    places = dealt(whole[0].train.labels, units, FOLDS, seed)
    tried = {
        (at, strength): _across(problem, places, strength) for at, problem in enumerate(whole) for strength in STRENGTHS
    }
    at, strength = min(tried, key=lambda one: tried[one]["loss"])
    return at, replace(refit(whole[at], strength), figures=tried[at, strength])


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


def _across(problem: HeadProblem, places: np.ndarray, strength: float) -> dict[str, float]:
    logits = np.zeros((len(places), problem.outputs))
    for inside, out in parted(problem.train, places):
        logits[out] = refit(replace(problem, train=inside), strength).logits(problem.train.features[out])
    return class_figures(logits, problem.train.labels)


def parted(rows: Split, places: np.ndarray) -> Iterator[tuple[Split, np.ndarray]]:
    """For each fold the rows that are in none but the others, and which are in it; without those that leave nothing
    to tell apart."""
    for fold in np.unique(places):
        inside = places != fold
        if len(np.unique(rows.labels[inside])) > 1:
            yield rows.take(np.flatnonzero(inside)), ~inside
