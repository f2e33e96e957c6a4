"""Pictures from formulas: leaves, fractals, contours, textures. No photo, no licence, no end of them.

After the dead leaves of Baradad et al. 2021 (Learning to See by Looking at Noise), the
fractals of Kataoka et al. 2020 (Pre-training without Natural Images) and the contours of
Takashima et al. 2023 (Visual Atoms). A painter takes a generator and a side in pixels and
returns uint8 [side, side, 3].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Painter = Callable[[np.random.Generator, int], np.ndarray]


def paint(random: np.random.Generator, side: int) -> np.ndarray:
    """A picture by one of the painters, at random."""
    return PAINTERS[random.integers(len(PAINTERS))](random, side)


def leaves(random: np.random.Generator, side: int) -> np.ndarray:
    """Overlapping shapes of all sizes, large ones rarer, some of them textured."""
    picture = Image.fromarray(_ground(random, side))
    for _ in range(random.integers(8, 70)):
        radius = min(side / 2, 0.02 * side * random.pareto(1.1) + 2)
        mask = Image.new("L", (side, side))
        ImageDraw.Draw(mask).polygon(_outline(random, random.uniform(0, side, 2), radius), fill=255)
        picture.paste(Image.fromarray(_ground(random, side)), mask=mask)
    return np.asarray(_softened(random, picture))


def fractals(random: np.random.Generator, side: int) -> np.ndarray:
    """The attractor of a random iterated function system, in one colour on a ground."""
    maps = _contractions(random, int(random.integers(2, 6)))
    points = np.zeros((2000, 2))
    density = np.zeros((side, side))
    for step in range(60):
        chosen = maps[random.integers(len(maps), size=len(points))]
        points = np.einsum("nij,nj->ni", chosen[:, :, :2], points) + chosen[:, :, 2]
        if step > 15:
            _count(points, density)
    strength = np.clip(density / max(1e-9, np.percentile(density[density > 0], 80)), 0, 1)[..., None]
    return _bytes(_ground(random, side) * (1 - strength) + random.uniform(0, 255, 3) * strength)


def contours(random: np.random.Generator, side: int) -> np.ndarray:
    """Closed waves drawn inside each other, as lines."""
    picture = Image.fromarray(_ground(random, side))
    draw = ImageDraw.Draw(picture)
    for _ in range(random.integers(1, 6)):
        centre, radius, rings = random.uniform(0, side, 2), random.uniform(0.1, 0.5) * side, random.integers(1, 9)
        shape = _waves(random)
        for ring in range(1, rings + 1):
            line = [tuple(centre + radius * ring / rings * spoke) for spoke in shape]
            draw.line([*line, line[0]], fill=_colour(random), width=int(random.integers(1, 5)))
    return np.asarray(_softened(random, picture))


def textures(random: np.random.Generator, side: int) -> np.ndarray:
    """One pattern all over, between two or three colours."""
    return _ground(random, side, plain=0.0)


PAINTERS: tuple[Painter, ...] = (leaves, leaves, fractals, contours, textures)


def _ground(random: np.random.Generator, side: int, plain: float = 0.3) -> np.ndarray:
    """A surface: one colour, or a pattern between colours."""
    if random.random() < plain:
        return np.full((side, side, 3), random.uniform(0, 255, 3), dtype=np.uint8)
    pattern = PATTERNS[random.integers(len(PATTERNS))](random, side)[..., None]
    one, other = random.uniform(0, 255, (2, 3))
    other = one + (other - one) * random.uniform(0.2, 1)
    grain = random.normal(0, random.exponential(6), (side, side, 1))
    return _bytes(one * (1 - pattern) + other * pattern + grain)


def _noise(random: np.random.Generator, side: int) -> np.ndarray:
    """Clouds: noise whose power falls with the frequency."""
    waves = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]) + 1 / side
    stretch = np.hypot(np.fft.fftfreq(side)[:, None] * random.uniform(0.3, 1), np.fft.rfftfreq(side)[None]) + 1 / side
    spectrum = np.fft.rfft2(random.normal(size=(side, side))) / (waves * stretch) ** random.uniform(0.3, 1.1)
    return _scaled(np.fft.irfft2(spectrum, (side, side)))


def _stripes(random: np.random.Generator, side: int) -> np.ndarray:
    """A grating, straight or bent, soft or hard; sometimes two across each other."""
    across = _grating(random, side)
    return np.clip(across * _grating(random, side) if random.random() < 0.4 else across, 0, 1)


def _grating(random: np.random.Generator, side: int) -> np.ndarray:
    row, column = np.mgrid[:side, :side] / side
    angle, waves = random.uniform(0, np.pi), random.uniform(2, side / 5)
    bend = random.exponential(0.05) * np.sin(2 * np.pi * (random.uniform(0.5, 4) * column + random.random()))
    wave = np.sin(2 * np.pi * waves * (row * np.cos(angle) + column * np.sin(angle) + bend))
    return 1 / (1 + np.exp(-wave * random.choice([1.0, 4.0, 30.0])))


def _cells(random: np.random.Generator, side: int) -> np.ndarray:
    """Cracked earth, bubbles or a mosaic: distances to the nearest and second nearest of some points."""
    places = random.uniform(0, side, (random.integers(6, 60), 2))
    grid = np.moveaxis(np.mgrid[:side:2, :side:2], 0, -1).reshape(-1, 1, 2)
    distances = np.linalg.norm(grid - places, axis=-1)
    near = np.partition(distances, 1, axis=1)
    kinds = (near[:, 0], near[:, 1] - near[:, 0], random.random(len(places))[distances.argmin(1)])
    cells = _scaled(kinds[random.integers(3)].reshape(side // 2, side // 2))
    cells = cells ** random.choice([0.3, 1.0, 2.0])
    return (
        np.asarray(Image.fromarray((cells * 255).astype(np.uint8)).resize((side, side), Image.Resampling.BILINEAR))
        / 255
    )


def _checks(random: np.random.Generator, side: int) -> np.ndarray:
    row, column = np.mgrid[:side, :side]
    angle, size = random.uniform(0, np.pi), random.uniform(4, side / 3)
    turned = row * np.cos(angle) + column * np.sin(angle), column * np.cos(angle) - row * np.sin(angle)
    return ((turned[0] // size + turned[1] // size) % 2).astype(float)


def _gradient(random: np.random.Generator, side: int) -> np.ndarray:
    row, column = np.mgrid[:side, :side] / side
    return _scaled(
        random.normal() * row + random.normal() * column + random.normal() * np.hypot(row - 0.5, column - 0.5)
    )


PATTERNS = (_noise, _noise, _stripes, _cells, _checks, _gradient)


def _outline(random: np.random.Generator, centre: np.ndarray, radius: float) -> list[tuple[float, float]]:
    """A closed wave, or a polygon of few corners, stretched one way."""
    shape = _waves(random) if random.random() < 0.5 else _corners(random)
    return [tuple(centre + radius * spoke) for spoke in shape * random.uniform(0.4, 1.0, 2)]


def _waves(random: np.random.Generator) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    waves = random.integers(1, 12, (3, 1))
    radii = 1 + (random.uniform(0, 0.25, (3, 1)) * np.sin(waves * angles + random.uniform(0, 6, (3, 1)))).sum(0)
    return radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])


def _corners(random: np.random.Generator) -> np.ndarray:
    angles = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(3, 8))))
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _contractions(random: np.random.Generator, count: int) -> np.ndarray:
    maps = random.uniform(-1, 1, (count, 2, 3))
    largest = np.linalg.svd(maps[:, :, :2], compute_uv=False)[:, :1, None]
    maps[:, :, :2] *= random.uniform(0.4, 0.85, (count, 1, 1)) / largest
    return maps


def _count(points: np.ndarray, density: np.ndarray) -> None:
    side = len(density)
    row, column = ((points / 3 + 0.5) * side).astype(int).T.clip(0, side - 1)
    np.add.at(density, (row, column), 1)


def _softened(random: np.random.Generator, picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.5))) if random.random() < 0.5 else picture


def _colour(random: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(value) for value in random.integers(0, 256, 3))


def _scaled(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    return (values - low) / max(1e-9, high - low)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)
