"""For few shots: the backbone is tuned until examples of one class lie together, then a head is solved."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .paces import paced
from .phases import Facts, Phase, Rates

# By the backbone's family, as in `full`.
PEAKS = {"attention": 1e-4, "convolution": 1e-4}
# Steps: of 8 rows a class this many a class, of more the more by their root. Pairs, which grow by their square, have
# no say.
STEPS_A_CLASS, SHOTS = 10.0, 8.0
STEPS = (12, 200)


@dataclass(frozen=True)
class Contrastive:
    """Supervised contrastive learning, Khosla et al. 2020, https://arxiv.org/abs/2004.11362.

    The probe before chooses nothing, it reads the mean of the whole backbone's tokens: where frozen features
    tell classes apart best says little of where tuned ones will (a cut to four of six layers cost nine
    points on questions, 8 a class), and a handful of rows chooses by chance.
    Convolutions, 8 images a class, for twenty times the probe's seconds: they gain where images are unlike those
    they learned from (letters, 85 to 92 %; photos of 32 pixels, 46 to 53 %), and on photos of rubbish about
    nothing (54 to 58 %, and with other seeds 59 to 56 %).
    Words' embeddings, or a stem, stay as they are: few rows meet few of them.
    """

    name: str = "contrastive"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        peak = paced(PEAKS[facts.family], recipe)
        tuned = Phase(
            "contrastive",
            trains="layers",
            solver="trainer",
            rates=Rates(peak, peak),
            epochs=epochs_for(facts, recipe),
            layers=max(1, facts.layers),
            loss="contrastive",
            whole=True,
        )
        head = Phase("head", trains="head", solver="closed-form", depth="kept", whole=True)
        return (Phase("probe", trains="head", solver="closed-form", depth="mean", whole=True), tuned, head)


def epochs_for(facts: Facts, recipe: Recipe) -> float:
    """The recipe's, else as many as give steps within the bounds."""
    each = -(-facts.rows // recipe.batch_size)  # steps of an epoch, as they are counted
    steps = STEPS_A_CLASS * (facts.labels * facts.rows / SHOTS) ** 0.5
    least, most = STEPS
    return recipe.epochs or round(min(most, max(least, steps))) / each
