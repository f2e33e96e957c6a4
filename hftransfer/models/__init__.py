"""The models station: pretrained backbones, their parts, and their features."""

from .anatomy import Anatomy, dissect
from .features import read_features
from .loading import load_backbone, quiet

__all__ = ["Anatomy", "dissect", "load_backbone", "quiet", "read_features"]
