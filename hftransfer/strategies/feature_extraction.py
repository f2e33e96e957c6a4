"""The backbone stays as it is; a head is solved on its features."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..recipe import Recipe
from .phases import Facts, Phase

PROBE = Phase("probe", trains="head", solver="closed-form", depth="best")


@dataclass(frozen=True)
class FeatureExtraction:
    """One forward pass, then a multinomial logistic regression; the backbone is read, and cut, at
    the depth that validation likes best; where rows are few, at the one that cross-validation does,
    and all of them are learned from."""

    name: str = "feature-extraction"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        return (replace(PROBE, whole=True),)
