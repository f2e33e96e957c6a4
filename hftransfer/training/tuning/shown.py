"""Augmentation as a person can see it: one training image, changed as training would change it."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from ...models.inputs import encode
from ..progress import Leg
from .augment import PRESETS, augmented
from .batches import preset_of
from .colours import Light

VARIANTS = 8


def variants(leg: Leg) -> tuple[str, list[Image.Image]]:
    """The preset that the phase would train with, and variants of an image: as the model sees them, in colours."""
    name = preset_of(leg).name
    if name not in PRESETS:
        return name, []
    train = leg.data.splits["train"]
    image = train[len(train) // 2][leg.task.modality.column]
    light = Light.of(leg.backbone.processor)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(leg.recipe.seed)
        pixels = encode(leg.backbone, [image])["pixel_values"].repeat(VARIANTS, 1, 1, 1)
        changed = augmented(pixels, PRESETS[name], light)
    seen = light.seen(changed) if light else (changed - changed.min()) / (changed.max() - changed.min()).clamp(min=1e-6)
    arrays = (seen * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return name, [Image.fromarray(np.ascontiguousarray(array).squeeze()).convert("RGB") for array in arrays]
