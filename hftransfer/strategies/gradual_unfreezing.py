"""The head first, then the backbone's layer groups from the top, one stage after another (ULMFiT)."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .full import epochs_for, rates_for
from .phases import Facts, Phase
from .start import start_for

STAGES = 3  # of unfreezing, at most: a phase for each of a dozen blocks would be a dozen warm-ups


@dataclass(frozen=True)
class GradualUnfreezing:
    """Howard and Ruder 2018, https://arxiv.org/abs/1801.06146: what is nearest to the task learns
    first, and what is most general is touched last, at rates that fall towards the input.

    The paper unfreezes one of four layers an epoch, and divides the rate by 2.6 a layer. Here
    the blocks of a deep backbone are bundled into a few stages, which share the epochs that
    `full` would take; the head is solved, not trained; `Rates.decay` is the family's, per block.
    """

    name: str = "gradual-unfreezing"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        stages = min(STAGES, max(1, facts.layers))
        first, epochs = rates_for(facts, recipe), epochs_for(facts, recipe) / stages
        later = rates_for(facts, recipe.with_(start="probe"))  # the head has been trained by then
        rates = [first, *[later] * (stages - 1)]
        tops = [round(facts.layers * stage / stages) for stage in range(1, stages)]
        return (
            *start_for(recipe),
            *(
                Phase(f"top-{top}", "layers", "trainer", rates=rate, epochs=epochs, layers=top, schedule="slanted")
                for top, rate in zip(tops, rates, strict=False)
            ),
            Phase("full", "everything", "trainer", rates=rates[-1], epochs=epochs, schedule="slanted"),
        )
