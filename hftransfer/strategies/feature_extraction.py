"""The backbone stays as it is; a head is solved on its features."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .phases import Facts, Phase

PROBE = Phase("probe", trains="head", solver="closed-form", depth="best")


@dataclass(frozen=True)
class FeatureExtraction:
    """One forward pass, then a multinomial logistic regression; the backbone is read, and cut, at
    the depth that validation likes best."""

    name: str = "feature-extraction"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        return (PROBE,)
