"""One label a row, of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..errors import SourceError
from .kinds import Target, few, in_order


@dataclass(frozen=True)
class SingleLabel(Target):
    """A label is a text, and its own value."""

    name: str = "single-label"
    problem_type: str = "single_label_classification"
    shape: str = "class"
    activation: str = "softmax"
    solver: str = "multinomial"
    metrics: str = "classification"
    best: str = "accuracy"

    def recognise(self, found: Mapping[str, int]) -> str:
        return "each row has one label of several"

    def reader(self, found: Iterable[str], known: Iterable[str] = ()) -> Callable[[str], str]:
        return str

    def names(self, value: str) -> tuple[str, ...]:
        return (value,)

    def fit(self, values: Iterable[str], column: str) -> tuple[str, ...]:
        return in_order(values)

    def encode(self, value: str, index: Mapping[str, int]) -> int:
        return index[value]

    def strata(self, values: Iterable[str]) -> list[str]:
        return list(values)

    def refusal(self, train: Iterable[str], everywhere: Iterable[str]) -> SourceError | None:
        learned, counts = Counter(train), Counter(everywhere)
        if sum(count for label, count in learned.items() if label[:1] == "{") > sum(learned.values()) / 2:
            return SourceError(
                "the labels are JSON objects of a form that no task has",
                fix="write spans as [[start, end, label], …], several labels as a list, numbers as one column each",
            )
        if len(learned) == 1:
            return SourceError(
                f"there is a single class, '{next(iter(learned))}'", fix="add examples of at least one other class"
            )
        if max(counts.values()) == 1:
            cause = f"each class has one example only, so that none is left to measure with: {few(counts)}"
            return SourceError(cause, fix="add examples, or name the column of the labels with --label-column")
        return None
