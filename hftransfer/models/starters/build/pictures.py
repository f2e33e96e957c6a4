"""What the image starter sees: banks of square pictures on disk, and random views of them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from PIL import Image
from torch import nn

from ....errors import SourceError
from .glyphs import glyph
from .painting import paint
from .saving import Tell

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
PHOTO_SIDE, PAINTED_SIDE, GLYPH_SIDE = 96, 160, 64
HANDS = 20  # drawings of every glyph


def painted_bank(work: Path, count: int, tell: Tell) -> np.ndarray:
    """`count` pictures from formulas: uint8 [N, 160, 160, 3]."""
    drawn = (paint(np.random.default_rng([1, number]), PAINTED_SIDE) for number in range(count))
    return _bank(work / f"painted-{count}.npy", drawn, count, (PAINTED_SIDE, PAINTED_SIDE, 3), tell)


def glyph_bank(work: Path, classes: int, tell: Tell) -> np.ndarray:
    """Twenty drawings of each class, one class after another: uint8 [20 × classes, 64, 64]."""
    count = classes * HANDS
    drawn = (glyph(number // HANDS, np.random.default_rng([2, number]), GLYPH_SIDE) for number in range(count))
    return _bank(work / f"glyphs-{classes}.npy", drawn, count, (GLYPH_SIDE, GLYPH_SIDE), tell)


def photo_bank(work: Path, zips: Sequence[Path], tell: Tell) -> np.ndarray:
    """The middle square of every image of the zips, whatever its folder: uint8 [N, 96, 96, 3].

    Raises:
        SourceError: no zip, one without images, or an image that cannot be read.
    """
    count = sum(len(_images(path)) for path in zips)
    cut = chain.from_iterable(map(_photos, zips))
    return _bank(work / f"photos-{digest(zips)}.npy", cut, count, (PHOTO_SIDE, PHOTO_SIDE, 3), tell)


def digest(files: Sequence[Path]) -> str:
    """Of what the files hold, not of where they lie."""
    whole = hashlib.blake2b(digest_size=8)
    for file in files:
        whole.update(hashlib.blake2b(file.read_bytes()).digest())
    return whole.hexdigest()


def _images(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.lower().endswith(SUFFIXES))
    except zipfile.BadZipFile as error:
        raise SourceError("this is no zip", place=str(path), fix="give zips of images") from error
    wanted = [name for name in names if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))]
    if not wanted:
        raise SourceError("the zip holds no images", place=str(path), fix="give zips of JPEG, PNG or WebP files")
    return wanted


def _photos(path: Path) -> Iterator[np.ndarray]:
    names = _images(path)
    with zipfile.ZipFile(path) as archive:
        for name in names:
            image = _decoded(archive.read(name), f"{path}:{name}")
            left, top = ((length - min(image.size)) / 2 for length in image.size)
            box = (left, top, left + min(image.size), top + min(image.size))
            yield np.asarray(image.resize((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.BICUBIC, box=box))


def _decoded(content: bytes, place: str) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceError("an image cannot be read", place=place, fix="take it out of the zip") from error


def _bank(path: Path, drawn: Iterable[np.ndarray], count: int, shape: tuple[int, ...], tell: Tell) -> np.ndarray:
    """An array on disk, filled once; a half-filled one is begun again."""
    if not path.exists():
        unfinished = path.with_suffix(".part")
        bank = open_memmap(unfinished, "w+", np.uint8, (count, *shape))
        for number, picture in enumerate(drawn):
            bank[number] = picture
            if number % 2000 == 0:
                tell(f"{path.stem}: {number} of {count}")
        bank.flush()
        unfinished.rename(path)
    return np.load(path, mmap_mode="r")


def views(pictures: np.ndarray, side: int, generator: torch.Generator, *, mirror: bool) -> torch.Tensor:
    """A random crop of each picture, its colours changed a little: [B, 3, side, side] in [-1, 1].

    Args:
        pictures: uint8 [B, S, S, 3], or [B, S, S] for grey ones.
        mirror: turn half of them left to right; letters are not turned.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(pictures))
    pixels = pixels.unsqueeze(1).expand(-1, 3, -1, -1) if pixels.dim() == 3 else pixels.permute(0, 3, 1, 2)
    pixels = pixels.float() / 127.5 - 1
    grid = nn.functional.affine_grid(_frames(len(pixels), generator, mirror), [len(pixels), 3, side, side], False)
    cropped = nn.functional.grid_sample(pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return _recoloured(cropped, generator).contiguous(memory_format=torch.channels_last)


def _frames(count: int, generator: torch.Generator, mirror: bool) -> torch.Tensor:
    """Affine maps [B, 2, 3] onto boxes of 25 to 100 % of the area."""
    scale = torch.empty(count).uniform_(0.25, 1, generator=generator).sqrt()
    ratio = torch.empty(count).uniform_(-0.25, 0.25, generator=generator).exp()
    wide, high = (scale * ratio).clamp(max=1), (scale / ratio).clamp(max=1)
    room = torch.empty(2, count).uniform_(-1, 1, generator=generator)
    flip = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0) if mirror else torch.ones(count)
    frames = torch.zeros(count, 2, 3)
    frames[:, 0, 0], frames[:, 1, 1] = wide * flip, high
    frames[:, 0, 2], frames[:, 1, 2] = room[0] * (1 - wide), room[1] * (1 - high)
    return frames


def _recoloured(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Brightness, contrast and saturation of each image, a little."""
    strength = torch.empty(3, len(pixels), 1, 1, 1).uniform_(-0.3, 0.3, generator=generator)
    grey = pixels.mean(1, keepdim=True)
    mean = pixels.mean((1, 2, 3), keepdim=True)
    coloured = grey + (pixels - grey) * (1 + strength[0])
    return ((coloured - mean) * (1 + strength[1]) + mean + strength[2] * 0.5).clamp(-1, 1)


def inked(glyphs: np.ndarray, side: int, generator: torch.Generator) -> torch.Tensor:
    """Glyphs as written on paper: any dark and light, either way round, [B, 3, side, side] in [-1, 1]."""
    ink = (views_of_glyphs(glyphs, side, generator) + 1) / 2
    ends = torch.empty(2, len(glyphs), 3, 1, 1).uniform_(-1, 1, generator=generator)
    plain = torch.rand(len(glyphs), 1, 1, 1, generator=generator)
    paper = torch.where(plain < 0.35, -1.0, torch.where(plain < 0.7, 1.0, ends[0]))
    written = torch.where(plain < 0.7, -paper, ends[1])
    written = torch.where((written - paper).abs().amax(1, keepdim=True) < 0.6, -paper, written)
    return (paper + (written - paper) * ink).contiguous(memory_format=torch.channels_last)


def views_of_glyphs(glyphs: np.ndarray, side: int, generator: torch.Generator) -> torch.Tensor:
    """Enlarged and shifted a little, never mirrored or cut: [B, 3, side, side] in [-1, 1]."""
    pixels = torch.from_numpy(np.ascontiguousarray(glyphs)).unsqueeze(1).float() / 127.5 - 1
    count = len(pixels)
    frames = torch.zeros(count, 2, 3)
    scale = torch.empty(count).uniform_(0.95, 1.25, generator=generator)
    frames[:, 0, 0], frames[:, 1, 1] = scale, scale
    frames[:, :, 2] = torch.empty(count, 2).uniform_(-0.1, 0.1, generator=generator)
    grid = nn.functional.affine_grid(frames, [count, 1, side, side], False)
    moved = nn.functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    return moved.expand(-1, 3, -1, -1)
