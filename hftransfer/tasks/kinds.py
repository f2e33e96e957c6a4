"""What a task is made of: what goes in, and what comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import SourceError


@dataclass(frozen=True)
class Modality:
    """What goes in: the canonical column, and the Transformers classes that take it."""

    name: str
    column: str
    auto_model: str
    auto_processor: str


@dataclass(frozen=True)
class Target(ABC):
    """What comes out: how labels are recognised, read, fitted and encoded, and how scores become an answer.

    A label travels in three forms. As it is *found* it is a text: a cell, or JSON where a row
    has several (a list; an object of names and numbers; `[[start, end, tag], …]`). Its
    *value* is what the text means. *Encoded* it is what a model learns.

    Attributes:
        problem_type: chooses the loss in the model's config; empty where the class of model does.
        shape: what encoded labels are: `class` (an int), `flags` (a 0 or 1 a label),
            `numbers` (one a label), `tags` (one a word, with the word's place).
        activation: turns logits into scores.
        solver: the closed form of a head on frozen features.
        metrics: the family of measures; `best` is the one that the best checkpoint is
            kept by, the higher the better.
        unit: what is given a label: a `row`, or each `word` of it.
        auto_model: the Transformers class, where it is not the modality's own.
    """

    name: str
    problem_type: str
    shape: str
    activation: str
    solver: str
    metrics: str
    best: str
    unit: str = "row"
    auto_model: str = ""

    @abstractmethod
    def recognise(self, found: Mapping[str, int]) -> str:
        """Why labels, as found with how many rows have each, are of this kind; empty where they are not."""

    @abstractmethod
    def reader(self, found: Iterable[str], known: Iterable[str] = ()) -> Callable[[str], Any]:
        """How one of these labels is read; what it gives raises ValueError where it cannot be.

        Args:
            found: all of them.
            known: the labels of a model that they are for.
        """

    @abstractmethod
    def names(self, value: Any) -> tuple[str, ...]:
        """The labels in a value, as they are counted."""

    @abstractmethod
    def fit(self, values: Iterable[Any], column: str) -> tuple[str, ...]:
        """The labels that a model for these values has; `column` is what their column is called."""

    @abstractmethod
    def encode(self, value: Any, index: Mapping[str, int]) -> Any:
        """The value as the model learns it. Raises KeyError where it holds a label that is not in `index`."""

    @abstractmethod
    def strata(self, values: Iterable[Any]) -> list[str]:
        """The group of each row; every split gets rows of each."""

    @abstractmethod
    def refusal(self, train: Iterable[Any], everywhere: Iterable[Any]) -> SourceError | None:
        """What makes these values, those of train and those of all splits, nothing to learn from."""

    def decode(self, scores: Sequence[float], labels: Sequence[str], thresholds: Mapping[str, float]) -> Any:
        """The answer to a row, and its score: the label with the highest one."""
        place = max(range(len(scores)), key=scores.__getitem__)
        return labels[place], scores[place]


@dataclass(frozen=True)
class Task:
    """A row of the table. `pipeline` is the name of Transformers' own."""

    name: str
    modality: Modality
    target: Target
    pipeline: str

    @property
    def auto_model(self) -> str:
        return self.target.auto_model or self.modality.auto_model


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct names, numbers by value and words by alphabet."""
    return tuple(sorted(set(names), key=lambda name: (not name.isdecimal(), len(name) * name.isdecimal(), name)))


def rarest(names: Iterable[tuple[str, ...]]) -> list[str]:
    """Of each row's names the one that fewest rows have; empty where a row has none."""
    rows = [tuple(set(row)) for row in names]
    counts: dict[str, int] = {}
    for row in rows:
        for name in row:
            counts[name] = counts.get(name, 0) + 1
    return [min(row, key=lambda name: (counts[name], name), default="") for row in rows]


def few(names: Iterable[str], shown: int = 5) -> str:
    """The first names, for a message."""
    first = list(islice(names, shown + 1))
    return ", ".join(first[:shown]) + (", …" if len(first) > shown else "")
