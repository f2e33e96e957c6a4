"""Whether images are drawn on a plain ground, such as letters and digits, or photographs: by looking at some."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from ...pixels import upright

if TYPE_CHECKING:
    import datasets

LOOKED_AT = 48  # images from all over train
SIDE = 96
BIN = 8  # of brightness, of 256
COLOURED = 60  # between the strongest and the weakest part of a colour that is one
GROUND = 0.35  # of an image that is plain, at least
ENDS = 0.6  # of it that is ground or stroke, and nothing between
NEAR = 40
MOST = 0.6  # of the images
# On photos of small real sets flips, colours and RandAugment gained nothing over shifts and zooms, and took longer.
OTHERWISE = "mild"


class Choice(NamedTuple):
    """A preset's name, and why it is this one; empty where it was asked for."""

    name: str
    why: str = ""


def preset_for(rows: datasets.Dataset, column: str) -> Choice:
    """The preset that fits what training images show."""
    places = range(0, len(rows), max(1, len(rows) // LOOKED_AT))
    images = rows.select(places)[:LOOKED_AT][column]
    drawn = sum(is_drawn(image) for image in images)
    if drawn >= MOST * len(images):
        return Choice("document", f"{drawn} of {len(images)} images are strokes on a plain ground")
    return Choice(OTHERWISE, f"{len(images) - drawn} of {len(images)} images are more than strokes on a plain ground")


def is_drawn(image: Image.Image) -> bool:
    """Whether an image is all but grey, its ground plain, and what stands on it far from the ground."""
    small = upright(image).copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    colours = np.asarray(small, dtype=np.float32)
    grey = colours.mean(2)
    if np.percentile(colours.max(2) - colours.min(2), 95) > COLOURED:
        return False
    counts = np.bincount((grey // BIN).astype(int).ravel(), minlength=256 // BIN) / grey.size
    most = int(counts.argmax())
    away = np.abs(grey - (most + 0.5) * BIN)
    ends = ((away < NEAR) | (away > ENDS * away.max())).mean()
    return bool(counts[max(0, most - 1) : most + 2].sum() > GROUND and ends > ENDS)
