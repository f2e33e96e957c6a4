"""For few shots: the backbone is tuned until examples of one class lie together, then a head is solved."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .feature_extraction import PROBE
from .full import epochs_for, rates_for
from .phases import Facts, Phase


@dataclass(frozen=True)
class Contrastive:
    """Supervised contrastive learning, Khosla et al. 2020, https://arxiv.org/abs/2004.11362."""

    name: str = "contrastive"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        rates, epochs = rates_for(facts, recipe), epochs_for(facts, recipe)
        return (
            PROBE,
            Phase("contrastive", "everything", "trainer", rates=rates, epochs=epochs, loss="contrastive"),
            Phase("head", trains="head", solver="closed-form"),
        )
