"""Linear probing, then fine-tuning everything from that head at one small rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..recipe import Recipe
from .full import epochs_for, rates_for
from .phases import Facts, Phase, Rates
from .start import from_start, start_for

SMALL = 0.5  # of the peak that `full` would take at the top


@dataclass(frozen=True)
class LpFt:
    """Kumar et al. 2022, https://arxiv.org/abs/2202.10054.

    As there, the head is solved at the last layer, and one small rate holds for every layer:
    the features change little, so that what they knew of inputs unlike train's is kept. `full`
    starts from the probe at the depth that validation likes best, where the backbone is cut;
    its rates fall towards the input, and its peak is higher, and tested. Which of the two depths
    a text model is better tuned from differs from draw to draw (TREC, five of them: the best
    one won by 0 to 3 points in three, the last one by 1.5 in two).
    """

    name: str = "lp-ft"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        peak = recipe.learning_rate or SMALL * rates_for(facts, recipe).backbone
        rates, epochs = from_start(Rates(peak, peak), recipe), epochs_for(facts, recipe)
        start = (replace(phase, depth="last") for phase in start_for(recipe))
        return (*start, Phase("full", "everything", "trainer", rates=rates, epochs=epochs))
