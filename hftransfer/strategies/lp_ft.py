"""Linear probing, then fine-tuning everything from that head at small, equal rates."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .feature_extraction import PROBE
from .full import epochs_for, rates_for
from .phases import Facts, Phase, Rates


@dataclass(frozen=True)
class LpFt:
    """Kumar et al. 2022, https://arxiv.org/abs/2202.10054."""

    name: str = "lp-ft"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        peak = rates_for(facts, recipe).backbone
        rates, epochs = Rates(peak, peak), epochs_for(facts, recipe)
        return (PROBE, Phase("full", "everything", "trainer", rates=rates, epochs=epochs))
