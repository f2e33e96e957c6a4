"""How the learning rate moves through a phase, where Transformers has no name for it."""

from __future__ import annotations

from collections.abc import Callable

# Of all steps and those that rise: each step's part of the peak.
Schedule = Callable[[int, int], Callable[[int], float]]

RATIO = 32  # of the highest rate to the lowest


def slanted(steps: int, rise: int) -> Callable[[int], float]:
    """ULMFiT's slanted triangle: a short linear rise from a 32nd of the peak, a long linear fall back to it.

    The formula is the paper's (section 3.2, `cut` being `rise`), but for the fall's length:
    the paper writes `cut * (1 / cut_frac - 1)`, which is `steps - cut` unless `cut` was rounded,
    and goes below nought then.
    """

    def factor(step: int) -> float:
        part = step / rise if step < rise else max(0.0, 1 - (step - rise) / max(1, steps - rise))
        return (1 + part * (RATIO - 1)) / RATIO

    return factor


OWN: dict[str, Schedule] = {"slanted": slanted}
