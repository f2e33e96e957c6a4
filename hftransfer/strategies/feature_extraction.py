"""The backbone stays as it is; a head is solved on its features."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .phases import Facts, Phase


@dataclass(frozen=True)
class FeatureExtraction:
    """One forward pass, then a multinomial logistic regression.

    `depth` is `best` to read, and cut, the backbone where validation likes it most.
    """

    name: str = "feature-extraction"
    depth: str = "best"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        return (Phase("probe", trains="head", solver="closed-form", depth=self.depth),)
