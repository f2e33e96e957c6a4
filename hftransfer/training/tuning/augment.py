"""Small changes that keep an image's meaning, made to training batches alone."""

from __future__ import annotations

import torch
from torch.nn import functional

ZOOM = 0.2  # up to this part is cropped away


def shift_and_zoom(pixels: torch.Tensor) -> torch.Tensor:
    """Each image of [B, 3, H, W] zoomed in a little, and shifted within its bounds, by torch's chance on the CPU."""
    rows = len(pixels)
    scale = 1 - ZOOM * torch.rand(rows)
    slack = 1 - scale
    across, down = (slack * (2 * torch.rand(rows) - 1) for _ in range(2))
    zero = torch.zeros(rows)
    frames = torch.stack([torch.stack([scale, zero, across], 1), torch.stack([zero, scale, down], 1)], 1)
    grid = functional.affine_grid(frames.to(pixels.device), list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    return moved.contiguous(memory_format=torch.channels_last)
