"""What a run's headline would be without a model: an honest floor for it, from the report's own counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from ..measures import own, written
from .views import mean_alone

Facts = Mapping[str, Any]


def baseline(facts: Facts, headline: str | None) -> str:
    """A sentence; empty where there is nothing fair to compare with."""
    return BASELINES.get(str(headline), lambda facts: "")(facts)


def _most_frequent(facts: Facts) -> str:
    supports = [sum(row) for row in facts.get("confusion") or []]
    if not sum(supports):
        return ""
    return f"Always giving the most frequent label would get {written('accuracy', max(supports) / sum(supports))}."


def _always_given(facts: Facts) -> str:
    """The best that giving every row the same labels can do: the most frequent ones, as many as pay."""
    rows = (facts.get("rows") or {}).get(str(facts.get("evaluated_on")))
    supports = sorted((row.get("support") or 0 for row in _table(facts)), reverse=True)
    if not rows or not sum(supports):
        return ""
    right = list(accumulate(supports))
    scores = [2 * found / (rows * given + right[-1]) for given, found in enumerate(right, start=1)]
    best = scores.index(max(scores)) + 1
    labels = "the most frequent label" if best == 1 else f"the {best} most frequent labels"
    return f"Always giving {labels} would get {written('f1_micro', max(scores))}."


def _mean(facts: Facts) -> str:
    """Of several numbers the mean of theirs, as the headline is."""
    alone = [found for row in _table(facts) if (found := mean_alone(row)) is not None]
    if not alone or len(alone) < len(_table(facts)):
        return ""
    return f"Always answering with the mean would miss by {own(sum(alone) / len(alone))}, and have an R² of 0."


def _table(facts: Facts) -> Sequence[Mapping[str, Any]]:
    return list((facts.get("per_label") or {}).values())


# Entities have none: who marks nothing finds nothing.
BASELINES: Mapping[str, Callable[[Facts], str]] = {
    "accuracy": _most_frequent,
    "f1_micro": _always_given,
    "rmse": _mean,
}
