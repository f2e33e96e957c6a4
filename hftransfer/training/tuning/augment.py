"""Changes that keep what an image means, made to training batches alone: a few presets, by kind of image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from .colours import Light, jitter, random_colours


@dataclass(frozen=True)
class Preset:
    """How far an image may be changed; each one of a batch is changed by chances of its own.

    Attributes:
        turn: degrees, to either side.
        shift: the part of a side that it is moved by, to either side; None for within what
            the zoom left out, so that nothing from beyond its edges comes in.
        shear: the slope, to either side.
        zoom: the part of the sides that is cropped away at most; where `out`, or added.
        flip: whether it may be mirrored, left to right.
        colour: how far brightness, contrast and saturation go, as a part of themselves.
        random: how many of RandAugment's changes each image gets (Cubuk et al. 2020,
            https://arxiv.org/abs/1909.13719).
        beyond: what lies beyond the edges, in grid_sample's words.
    """

    turn: float = 0.0
    shift: float | None = None
    shear: float = 0.0
    zoom: float = 0.0
    out: bool = False
    flip: bool = False
    colour: float = 0.0
    random: int = 0
    beyond: str = "reflection"


PRESETS = {
    "mild": Preset(zoom=0.2),
    "photo": Preset(zoom=0.3, flip=True, colour=0.2, random=1),
    "document": Preset(turn=5.0, zoom=0.2),  # never mirrored: a letter would not be itself
    "classic": Preset(turn=40.0, shift=0.2, shear=0.2, zoom=0.2, out=True, flip=True, beyond="border"),
}
# RandAugment's changes of place at the strength of nine of thirty that is usual; the others are of colour.
PLACES = ({"turn": 9.0}, {"across": 0.136}, {"down": 0.136}, {"slope": 0.09}, {"lean": 0.09})
COLOURS = 8


def augmented(pixels: torch.Tensor, preset: Preset, light: Light | None) -> torch.Tensor:
    """Images [B, 3, H, W], each changed as the preset allows, by torch's chance on the CPU.

    Args:
        light: what the processor made of colours; where it is None, colours stay as they are.
    """
    rows = len(pixels)
    chosen = torch.randint(len(PLACES) + COLOURS + 1, (rows, preset.random))  # the last one changes nothing
    grid = functional.affine_grid(_frames(pixels, preset, chosen), list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode=preset.beyond, align_corners=False)
    if light is not None and (preset.colour or preset.random):
        plain = jitter(light.seen(moved), preset.colour)
        moved = light.processed(random_colours(plain, chosen - len(PLACES)))
    return moved.contiguous(memory_format=torch.channels_last)


def _frames(pixels: torch.Tensor, preset: Preset, chosen: torch.Tensor) -> torch.Tensor:
    """What of each image is seen, as affine maps [B, 2, 3] from the new image's places to the old one's."""
    rows, ratio = len(pixels), pixels.shape[-2] / pixels.shape[-1]
    far = _drawn(rows, preset)
    signs = _either(rows)
    for number, change in enumerate(PLACES):
        times = (chosen == number).sum(1) * signs
        far |= {name: far[name] + times * strength for name, strength in change.items()}
    angle = far["turn"] * (math.pi / 180)
    cos, sin = angle.cos(), angle.sin()
    zero, one = torch.zeros(rows), torch.ones(rows)
    turn = _matrices(cos, -sin * ratio, sin / ratio, cos)  # of a frame that need not be square
    shear = _matrices(one, far["slope"] * ratio, far["lean"] / ratio, one)
    scale = _matrices(far["wide"] * far["mirror"], zero, zero, far["high"])
    place = torch.stack([far["across"], far["down"]], 1)[:, :, None] * 2  # a side is two long
    return torch.cat([turn @ shear @ scale, place], 2).to(pixels.device)


def _drawn(rows: int, preset: Preset) -> dict[str, torch.Tensor]:
    """How far each image is changed, before RandAugment."""
    wide = 1 - preset.zoom * (_about(rows) if preset.out else torch.rand(rows))
    high = 1 - preset.zoom * _about(rows) if preset.out else wide
    slack = [(1 - side) / 2 if preset.shift is None else preset.shift * torch.ones(rows) for side in (wide, high)]
    return {
        "wide": wide,
        "high": high,
        "across": slack[0] * _about(rows),
        "down": slack[1] * _about(rows),
        "turn": preset.turn * _about(rows),
        "slope": preset.shear * _about(rows),
        "lean": torch.zeros(rows),
        "mirror": _either(rows) if preset.flip else torch.ones(rows),
    }


def _about(rows: int) -> torch.Tensor:
    """From -1 to 1."""
    return 2 * torch.rand(rows) - 1


def _either(rows: int) -> torch.Tensor:
    """-1 or 1."""
    return torch.randint(2, (rows,)).float() * 2 - 1


def _matrices(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    return torch.stack([torch.stack([a, b], 1), torch.stack([c, d], 1)], 1)
