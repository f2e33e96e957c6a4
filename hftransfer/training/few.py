"""Where rows are few: what is learned from validation too, and what may be said afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from datasets import concatenate_datasets

from ..checkpoints import START
from ..models.dense import is_dense
from ..models.loading import reload_weights
from ..recipe import Recipe
from ..tasks import get_task
from ..values import Backbone, Dataset, Event
from .balancing import watched
from .progress import Leg, Trained

PARTS = ("train", "validation")
ENOUGH = 100  # rows of validation: with fewer, a choice by them is chance
BOTH, ALONE = "cross-validation of train and validation", "cross-validation of train"
MANY = 3000  # rows of train: with more, heads for every fold, view and strength take their time


def learns_from_all(leg: Leg) -> bool:
    """Whether validation's rows are learned from too."""
    return leg.phase.whole and spares(leg.backbone, leg.data, leg.recipe)


def spares(backbone: Backbone, data: Dataset, recipe: Recipe) -> bool:
    """Whether validation may be learned from: too few rows to choose by, where a test of its own measures.

    A validation of the user's own is theirs to watch, and stays unseen.
    """
    return too_few(backbone, data, recipe) and data.evaluated_on == "test" and "validation" in data.carved


def too_few(backbone: Backbone, data: Dataset, recipe: Recipe) -> bool:
    """Whether a head is better chosen by cross-validation than by validation's rows.

    Rows that were made up, guessed or repeated would stand on both sides of a fold; and a dense head is trained until
    validation gains no more, so that it must be of rows that nothing was tuned on.
    """
    alike = get_task(data.task).target.shape == "class" and not backbone.known and not is_dense(backbone.model.config)
    plain = recipe.generate is None and recipe.balance == "none" and "train" not in data.parts
    few = data.rows["validation"] < ENOUGH and data.rows["train"] < MANY
    return few and alike and plain


def chosen_by(leg: Leg) -> str:
    """In words for the history: the rows that a head's depth and strength are chosen by."""
    if learns_from_all(leg):
        return BOTH
    return ALONE if too_few(leg.backbone, leg.data, leg.recipe) else "validation"


def with_all_rows(leg: Leg) -> Leg:
    """The leg with train and validation together as train, where it learns from both."""
    return replace(leg, data=together(leg.data)) if learns_from_all(leg) else leg


def tell_of_all(leg: Leg) -> None:
    """Say that validation is learned from, where it is."""
    if learns_from_all(leg):
        rows = leg.data.rows["validation"]
        leg.on_event(Event("train", f"{rows} rows of validation are too few to choose by: they are learned from too"))


def together(data: Dataset) -> Dataset:
    """The data with validation's rows in train too."""
    rows = concatenate_datasets([data.splits[name] for name in PARTS])
    digest = hashlib.blake2b("".join(data.digests[name] for name in PARTS).encode(), digest_size=16).hexdigest()
    return replace(data, splits={**data.splits, "train": rows}, digests={**data.digests, "train": digest})


@dataclass(frozen=True)
class Ahead:
    """What a phase left behind that validation could not judge: once there is a head again, the two are compared.

    Attributes:
        leg: the phase's, whose room keeps the model that it began with.
        before: what that model reached on validation; empty where nobody measured it.
    """

    leg: Leg
    before: Mapping[str, Any]

    @classmethod
    def of(cls, leg: Leg, trained: Trained) -> Ahead:
        return cls(leg, trained.history[-1] if trained.history else {})

    def settle(self, leg: Leg, trained: Trained) -> None:
        """Back to the model before, where validation has rows enough to tell that it was better."""
        name = f"eval_{watched(leg.task, leg.recipe)}"
        before, after = self.before.get(name), trained.history[-1].get(name)
        if before is None or after is None or after >= before or leg.data.rows["validation"] < ENOUGH:
            return
        leg.on_event(Event("train", f"{self.leg.phase.name} gained nothing on validation: its start is kept"))
        reload_weights(leg.backbone.model, self.leg.room / START)
