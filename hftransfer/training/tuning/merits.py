"""What the best checkpoint is kept by, and the start is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..balancing import watched
from ..progress import Leg

MERIT = "eval_merit"
TIE = 1e-6  # what the loss weighs at most beside a figure: it tells equal ones apart

Merit = Callable[[Mapping[str, float]], float]


def merit_of(leg: Leg) -> Merit:
    """One number of validation's figures, the greater the better: the one that is watched, and of equal ones the
    smaller loss. Where few rows are watched many checkpoints are equal to the start, and worse on others.
    """
    name = f"eval_{watched(leg.task, leg.recipe)}"
    return lambda metrics: metrics[name] - TIE * metrics["eval_loss"] / (1 + metrics["eval_loss"])
