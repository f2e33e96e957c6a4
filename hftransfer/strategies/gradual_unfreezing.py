"""The head first, then the backbone's layer groups from the top, one after another (ULMFiT)."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .full import epochs_for, rates_for
from .phases import Facts, Phase
from .start import start_for

STAGES = 3  # of unfreezing, at most


@dataclass(frozen=True)
class GradualUnfreezing:
    """Howard and Ruder 2018, https://arxiv.org/abs/1801.06146."""

    name: str = "gradual-unfreezing"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        stages = min(STAGES, facts.layers)
        epochs, rates = epochs_for(facts, recipe) / stages, rates_for(facts, recipe)
        tops = [round(facts.layers * stage / stages) for stage in range(1, stages)]
        parts = [Phase(f"top-{top}", "layers", "trainer", rates=rates, epochs=epochs, layers=top) for top in tops]
        return (*start_for(recipe), *parts, Phase("full", "everything", "trainer", rates=rates, epochs=epochs))
