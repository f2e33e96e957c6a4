"""Everything trains, from a head that already fits."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .paces import paced
from .phases import Facts, Phase, Rates
from .start import from_start, start_for

# Peak rates by the backbone's family: attention wants small steps, convolutions under
# AdamW bear larger ones; in both they shrink towards the input. The head already fits,
# and needs no faster steps than what it stands on.
RATES = {
    "attention": Rates(backbone=1e-4, head=1e-4, decay=0.9),
    "convolution": Rates(backbone=5e-4, head=5e-4, decay=0.9),
}
STEPS_AT_LEAST = 400  # of small data, more passes
EPOCHS = (3.0, 20.0)


@dataclass(frozen=True)
class Full:
    """The head starts from a probe on the frozen features, which costs one forward
    pass; a random head would spend its first epochs on spoiling the backbone
    (Kumar et al. 2022, https://arxiv.org/abs/2202.10054). The probe also chooses the depth
    that training starts from, and what validation does not like better gives way to it."""

    name: str = "full"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        rates, epochs = rates_for(facts, recipe), epochs_for(facts, recipe)
        full = Phase("full", "everything", "trainer", rates=rates, epochs=epochs, finds_rate=not recipe.learning_rate)
        return (*start_for(recipe), full)


def rates_for(facts: Facts, recipe: Recipe) -> Rates:
    """The family's in the optimizer's steps, or scaled to the recipe's peak where it names one."""
    rates = RATES[facts.family]
    peak = paced(rates.backbone, recipe)
    return from_start(Rates(peak, peak * (rates.head / rates.backbone), rates.decay), recipe)


def epochs_for(facts: Facts, recipe: Recipe) -> float:
    """The recipe's, else as many as the data's size asks for."""
    return recipe.epochs or enough_epochs(facts.rows, recipe.batch_size)


def enough_epochs(rows: int, batch_size: int) -> float:
    """At least STEPS_AT_LEAST steps, within the bounds of EPOCHS."""
    low, high = EPOCHS
    return float(min(high, max(low, -(-STEPS_AT_LEAST * batch_size // max(rows, 1)))))
