"""The source model's own classes, mapped onto the target's; nothing is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ..recipe import Recipe
from .phases import Facts, Phase

MAPPING = Phase("mapping", trains="head", solver="mapping")


@dataclass(frozen=True)
class LabelMapping:
    """Target classes given source classes, as LEEP computes them: Nguyen et al. 2020, https://arxiv.org/abs/2002.12462."""

    name: str = "label-mapping"

    def phases(self, facts: Facts, recipe: Recipe) -> tuple[Phase, ...]:
        return (MAPPING,)
