"""Ways to transfer, one small file each; `STRATEGIES` holds them by name."""

from __future__ import annotations

from .contrastive import Contrastive
from .feature_extraction import FeatureExtraction
from .full import Full
from .gradual_unfreezing import GradualUnfreezing
from .l2_sp import L2Sp
from .label_mapping import LabelMapping
from .lora import Lora
from .lp_ft import LpFt
from .phases import Adapter, Facts, Phase, Rates, SourcePenalty, Strategy

ALL: tuple[Strategy, ...] = (
    FeatureExtraction(),
    Full(),
    GradualUnfreezing(),
    Lora(),
    LpFt(),
    Contrastive(),
    L2Sp(),
    LabelMapping(),
)
STRATEGIES = {strategy.name: strategy for strategy in ALL}

__all__ = [
    "STRATEGIES",
    "Adapter",
    "Contrastive",
    "Facts",
    "FeatureExtraction",
    "Full",
    "GradualUnfreezing",
    "L2Sp",
    "LabelMapping",
    "Lora",
    "LpFt",
    "Phase",
    "Rates",
    "SourcePenalty",
    "Strategy",
]
