"""Everything trains, from a head that already fits."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .phases import Facts, Phase, Rates

# Peak rates by the backbone's family: attention wants small steps, and smaller ones
# the nearer a layer is to the input; convolutions under AdamW bear ten times more.
RATES = {
    "attention": Rates(backbone=5e-5, head=5e-4, decay=0.9),
    "convolution": Rates(backbone=5e-4, head=1e-3, decay=0.95),
}
STEPS_AT_LEAST = 200  # of small data, more passes
EPOCHS = (3.0, 20.0)


@dataclass(frozen=True)
class Full:
    """The head starts from a probe on the frozen features, which costs one forward
    pass; a random head would spend its first epochs on spoiling the backbone
    (Kumar et al. 2022, https://arxiv.org/abs/2202.10054)."""

    name: str = "full"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        rates = RATES[facts.family]
        if recipe.learning_rate:
            scale = recipe.learning_rate / rates.backbone
            rates = Rates(recipe.learning_rate, rates.head * scale, rates.decay)
        epochs = recipe.epochs or enough_epochs(facts.rows, recipe.batch_size)
        return (
            Phase("probe", trains="head", solver="closed-form"),
            Phase("full", trains="everything", solver="trainer", rates=rates, epochs=epochs),
        )


def enough_epochs(rows: int, batch_size: int) -> float:
    """At least STEPS_AT_LEAST steps, within the bounds of EPOCHS."""
    low, high = EPOCHS
    return float(min(high, max(low, -(-STEPS_AT_LEAST * batch_size // max(rows, 1)))))
