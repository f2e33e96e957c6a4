"""Small changes that keep an image's meaning, made to training batches alone."""

from __future__ import annotations

import torch
from torch.nn import functional

ZOOM = 0.2  # up to this part is cropped away
FLIP = 0.5


def shift_and_zoom(pixels: torch.Tensor, *, flip: bool = False) -> torch.Tensor:
    """Each image of [B, 3, H, W] zoomed in a little, shifted within its bounds, and mirrored if `flip`."""
    rows = len(pixels)
    scale = 1 - ZOOM * torch.rand(rows)
    slack = 1 - scale
    across, down = (slack * (2 * torch.rand(rows) - 1) for _ in range(2))
    mirror = torch.where(torch.rand(rows) < FLIP, -1.0, 1.0) if flip else torch.ones(rows)
    zero = torch.zeros(rows)
    frames = torch.stack([torch.stack([scale * mirror, zero, across], 1), torch.stack([zero, scale, down], 1)], 1)
    grid = functional.affine_grid(frames, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
