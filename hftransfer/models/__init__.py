"""The models station: pretrained backbones, their parts, and their features."""

from .anatomy import Anatomy, dissect
from .backbones import load_backbone, quiet
from .features import read_features

__all__ = ["Anatomy", "dissect", "load_backbone", "quiet", "read_features"]
