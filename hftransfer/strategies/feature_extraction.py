"""The backbone stays as it is; a head is solved on its features."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..recipe import Recipe
from .phases import Facts, Phase

PROBE = Phase("probe", trains="head", solver="closed-form", depth="best")


@dataclass(frozen=True)
class FeatureExtraction:
    """One forward pass, then a multinomial logistic regression; the backbone is read, and cut, at
    the depth that validation likes best. Where validation has few rows cross-validation chooses, and
    learns from them too if they were taken from train and a test of its own measures."""

    name: str = "feature-extraction"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        return (replace(PROBE, whole=True),)
