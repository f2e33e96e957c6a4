"""Where rows are few: what is learned from validation too, and what may be said afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from datasets import concatenate_datasets

from ..checkpoints import START
from ..models.loading import reload_weights
from ..values import Dataset, Event
from .progress import Leg, Trained

ENOUGH = 100  # rows of validation: with fewer, a choice by them is chance


def learns_from_all(leg: Leg) -> bool:
    """Whether validation's rows are learned from too: too few to choose by, where a test of its own measures.

    A validation of the user's own is theirs to watch, and stays unseen; and rows that were made up,
    guessed or repeated would stand on both sides of a cross-validation.
    """
    few = leg.data.rows["validation"] < ENOUGH and leg.data.evaluated_on == "test"
    alike = leg.task.target.shape == "class" and not leg.backbone.known
    plain = leg.recipe.generate is None and leg.recipe.pseudo_label is None and leg.recipe.balance == "none"
    return leg.phase.whole and few and alike and plain and "validation" in leg.data.carved


def with_all_rows(leg: Leg) -> Leg:
    """The leg with train and validation together as train, where it learns from both."""
    if not learns_from_all(leg):
        return leg
    rows = leg.data.rows["validation"]
    leg.on_event(Event("train", f"{rows} rows of validation are too few to choose by: they are learned from too"))
    return replace(leg, data=together(leg.data))


def together(data: Dataset) -> Dataset:
    """The data with validation's rows in train too."""
    parts = ("train", "validation")
    rows = concatenate_datasets([data.splits[name] for name in parts])
    digest = hashlib.blake2b("".join(data.digests[name] for name in parts).encode(), digest_size=16).hexdigest()
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
        name = f"eval_{leg.task.target.best}"
        before, after = self.before.get(name), trained.history[-1].get(name)
        if before is None or after is None or after >= before or leg.data.rows["validation"] < ENOUGH:
            return
        leg.on_event(Event("train", f"{self.leg.phase.name} gained nothing on validation: its start is kept"))
        reload_weights(leg.backbone.model, self.leg.room / START)
