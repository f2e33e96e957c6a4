"""The models station: pretrained backbones, their parts, and their features."""

from .anatomy import Anatomy, dissect
from .backbones import load_backbone, quiet
from .features import features

__all__ = ["Anatomy", "dissect", "features", "load_backbone", "quiet"]
