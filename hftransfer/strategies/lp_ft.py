"""Linear probing, then fine-tuning everything from that head at one small rate."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .full import epochs_for, rates_for
from .phases import Facts, Phase, Rates
from .start import from_start, start_for

SMALL = 0.5  # of the peak that `full` would take at the top


@dataclass(frozen=True)
class LpFt:
    """Kumar et al. 2022, https://arxiv.org/abs/2202.10054.

    As there, one rate holds for every layer, and it is small: the features change little,
    so that what they knew of inputs unlike train's is kept. `full` also starts from a probe,
    but its rates fall towards the input, and its peak is higher, and tested. The probe is at
    the depth that validation likes best, where the paper's is at the last layer.
    """

    name: str = "lp-ft"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        peak = recipe.learning_rate or SMALL * rates_for(facts, recipe).backbone
        rates, epochs = from_start(Rates(peak, peak), recipe), epochs_for(facts, recipe)
        return (*start_for(recipe), Phase("full", "everything", "trainer", rates=rates, epochs=epochs))
