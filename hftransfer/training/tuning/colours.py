"""Changes of colour, made to images as they are seen: what the processor did to their pixels is taken back first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torchvision.transforms.v2 import functional as vision

GREY = (0.299, 0.587, 0.114)
FAR = 0.27  # RandAugment's strength of nine of thirty


@dataclass(frozen=True)
class Light:
    """How a processor made numbers of colours: `(colour - mean) / std`, where white is 1. Both are [C, 1, 1]."""

    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def of(cls, processor: Any) -> Light | None:
        """A processor's; None where it doesn't say."""
        told = getattr(processor, "data_config", None) or {}
        mean = getattr(processor, "image_mean", None) or told.get("mean")
        std = getattr(processor, "image_std", None) or told.get("std")
        plain = not getattr(processor, "do_normalize", True)
        if not plain and (mean is None or std is None):
            return None
        rescaled = getattr(processor, "do_rescale", True)
        white = 255.0 * (getattr(processor, "rescale_factor", 1 / 255) if rescaled else 1.0)
        numbers = ((0.0,), (1.0,)) if plain else (mean, std)
        return cls(*(torch.tensor(part, dtype=torch.float32).reshape(-1, 1, 1) / white for part in numbers))

    def seen(self, pixels: torch.Tensor) -> torch.Tensor:
        """Colours from 0 to 1."""
        return (pixels * self.std.to(pixels.device) + self.mean.to(pixels.device)).clamp(0, 1)

    def processed(self, colours: torch.Tensor) -> torch.Tensor:
        """Such as the model takes."""
        return (colours - self.mean.to(colours.device)) / self.std.to(colours.device)


def jitter(images: torch.Tensor, far: float) -> torch.Tensor:
    """Brightness, contrast and saturation of each image [B, 3, H, W] changed by up to a part of themselves."""
    if not far:
        return images
    bright, contrast, colour = (1 + far * (2 * torch.rand(len(images), 1, 1, 1) - 1).to(images.device) for _ in "bcs")
    images = (images * bright).clamp(0, 1)
    images = _blended(images, _grey(images).mean((2, 3), keepdim=True), contrast)
    return _blended(images, _grey(images), colour)


def _grey(images: torch.Tensor) -> torch.Tensor:
    if images.shape[1] != len(GREY):
        return images
    return (images * images.new_tensor(GREY).reshape(1, -1, 1, 1)).sum(1, keepdim=True)


def _blended(images: torch.Tensor, other: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
    return (other + (images - other) * part).clamp(0, 1)


# Of images alike, with the sign of the change.
CHANGES: tuple[Callable[[torch.Tensor, int], torch.Tensor], ...] = (
    lambda images, sign: vision.adjust_brightness(images, 1 + sign * FAR),
    lambda images, sign: vision.adjust_contrast(images, 1 + sign * FAR),
    lambda images, sign: vision.adjust_saturation(images, 1 + sign * FAR),
    lambda images, sign: vision.adjust_sharpness(images, 1 + sign * FAR),
    lambda images, sign: vision.posterize(images, 6),
    lambda images, sign: vision.solarize(images, 0.7),
    lambda images, sign: vision.autocontrast(images),
    lambda images, sign: vision.equalize(images),
)


def random_colours(images: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Images [B, 3, H, W], each changed by the ones of `CHANGES` that [B, N] names; other numbers name none."""
    signs = torch.randint(2, (len(images),)) * 2 - 1
    for numbers in chosen.T:
        images = images.clone()
        for number, change in enumerate(CHANGES):
            for sign in (-1, 1):
                rows = ((numbers == number) & (signs == sign)).nonzero().flatten().to(images.device)
                if len(rows):
                    images[rows] = change(images[rows], sign)
    return images
