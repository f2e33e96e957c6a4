"""Low-rank adapters train, the backbone's own weights do not; merged at the end."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .full import epochs_for
from .paces import paced
from .phases import Adapter, Facts, Phase, Rates
from .start import start_for

PEAK = 1e-3


@dataclass(frozen=True)
class Lora:
    """Hu et al. 2021, https://arxiv.org/abs/2106.09685."""

    name: str = "lora"
    adapter: Adapter = Adapter()

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        peak = paced(PEAK, recipe)
        epochs = epochs_for(facts, recipe)
        return (
            *start_for(recipe),
            Phase("lora", "adapters", "trainer", rates=Rates(peak, peak), epochs=epochs, adapter=self.adapter),
        )
