"""What the head of a tuned model starts from, before anything else trains."""

from __future__ import annotations

from dataclasses import replace

from ..recipe import Recipe
from .feature_extraction import PROBE
from .label_mapping import MAPPING
from .phases import Phase, Rates

STARTS: dict[str, tuple[Phase, ...]] = {"probe": (PROBE,), "label-mapping": (MAPPING,), "random": ()}
FRESH = 10.0  # times the backbone's rate: a head of chance has everything to learn, what it stands on little


def start_for(recipe: Recipe) -> tuple[Phase, ...]:
    """The phases that a strategy begins with, so that tuning starts from a head that fits; none for chance."""
    return STARTS[recipe.start]


def from_start(rates: Rates, recipe: Recipe) -> Rates:
    """The rates, the head's raised where nothing was solved before."""
    return rates if start_for(recipe) else replace(rates, head=rates.head * FRESH)
