"""Two small pretrained backbones that come with the package: a first run needs no download."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def starter(modality: str) -> Path:
    """The folder of the checkpoint for images or for texts."""
    return Path(str(files(__name__))) / modality
