"""The values that travel from station to station. None of them changes.

Heavy libraries appear here as types only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from transformers import PreTrainedModel

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: the core never prints, each door renders these.

    `stage` is one of load, features, train, evaluate, save, push, download.
    `step` of `total` is the place within the stage (0 of 0: no measure). Where training has
    several stretches, `phase` names the one that counts these steps; the names sort as they ran.
    """

    stage: str
    message: str = ""
    step: int = 0
    total: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    phase: str = ""


Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """The listener that hears nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the data: `severity` is info, warning or error."""

    code: str
    severity: str
    where: str
    message: str
    fix: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Known:
    """What a model that training goes on from can do already: its task, its labels in order, and whether it
    takes two texts."""

    name: str
    task: str
    labels: tuple[str, ...]
    pairs: bool = False


@dataclass(frozen=True)
class Part:
    """Rows that a split has all or, by `places`, some of; `digest` is the hash of the inputs of them all."""

    rows: datasets.Dataset
    digest: str
    places: np.ndarray | None = None


@dataclass(frozen=True)
class Dataset:
    """Labelled rows in their splits, ready for a backbone.

    `splits` maps train, validation and (where there is one) test to Arrow-backed
    tables with the columns `image` or `text` (the task's input; a text may be a list of
    two), `label` and `origin` (where the row came from: a file's path, or file:line).
    A label is, by the task's target: an int into `labels`; a 0 or 1 for each of them; a
    number for each; or a list of words with `start` and `end` in characters and a `tag`,
    an int into `labels`. `labels` were fitted on train alone. `digests` maps each split to a hash of
    its inputs, in order, labels left out: what depends on inputs alone is cached by it.
    `columns` says of a table which there are (`names`), and which were taken as `input`,
    as `pair` (of texts, the second) and as `labels`. `known` are those of `labels`, the
    first ones, that the model to go on from has already. `carved` names the splits that were
    made of train's rows. `parts` are, of a split that was
    put together, what it was put together of, in order: what is cached is cached by them.
    """

    name: str
    task: str
    labels: tuple[str, ...]
    splits: Mapping[str, datasets.Dataset]
    digests: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    columns: Mapping[str, Any] | None = None
    known: tuple[str, ...] = ()
    carved: tuple[str, ...] = ()
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, int]:
        return {name: len(self.splits[name]) if name in self.splits else 0 for name in SPLITS}

    @property
    def pairs(self) -> bool:
        """Whether a row's input is two texts."""
        return bool((self.columns or {}).get("pair"))

    @property
    def evaluated_on(self) -> str:
        """The split that a report speaks of: test, or validation where there is none."""
        return "test" if "test" in self.splits else "validation"


@dataclass(frozen=True)
class Backbone:
    """A pretrained model with a head for the task's labels, and its processor.

    `key` is a hash of what came from the checkpoint (weights, config, tokenizer): caches
    depend on it. The head's first `known` rows came from it too, and are gone on from.
    """

    name: str
    revision: str | None
    modality: str
    model: PreTrainedModel
    processor: Any
    key: str
    known: int = 0


def finite(value: float) -> float | None:
    """A number as JSON can write it."""
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """Null for a figure that does not exist, such as R² where all rows are alike."""
        return {name: finite(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Report:
    """What a model does on labelled rows.

    `confusion[i][j]` counts rows of true label i that were given label j, in the
    order of `labels`; it is empty where a row has not one label of several. `per_label`
    gives the figures of each label, number or kind of entity. `points` are, of each
    number, some rows' true and predicted values.
    """

    rows: int
    labels: tuple[str, ...]
    metrics: Mapping[str, Interval]
    per_label: Mapping[str, Mapping[str, float]]
    confusion: tuple[tuple[int, ...], ...] = ()
    points: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "metrics": {name: interval.to_json() for name, interval in self.metrics.items()},
            "per_label": {
                name: {figure: finite(value) for figure, value in row.items()} for name, row in self.per_label.items()
            },
            "confusion": [list(row) for row in self.confusion],
            **(
                {"points": {name: [list(pair) for pair in pairs] for name, pairs in self.points.items()}}
                if self.points
                else {}
            ),
        }


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer.

    `prediction` is, by the task's target: the best label; a list of the labels that
    reach their thresholds, the surest first; a number, or numbers by name; a list of
    entities, each `{label, text, start, end, score}` with its place in characters.
    `score` is that of the best label, None where there is none; `scores` holds every
    label's score, or every number. `unfamiliar` is None until a model knows what it has
    never seen.
    """

    input: str
    prediction: Any
    score: float | None
    scores: Mapping[str, float]
    unfamiliar: bool | None = None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "scores": dict(self.scores)}
