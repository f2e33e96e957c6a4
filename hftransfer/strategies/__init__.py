"""Ways to transfer, one small file each; `STRATEGIES` holds them by name."""

from __future__ import annotations

from .feature_extraction import FeatureExtraction
from .full import Full
from .phases import Facts, Phase, Rates, Strategy

STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in (FeatureExtraction(), Full())}

__all__ = ["STRATEGIES", "Facts", "FeatureExtraction", "Full", "Phase", "Rates", "Strategy"]
