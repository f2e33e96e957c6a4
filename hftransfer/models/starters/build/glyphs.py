"""Made-up letters: a class is a formula of a few strokes, its members are drawn by shaky hands.

No letter or digit of any writing system is copied. The formula is the only label there is,
as in formula-driven pretraining (Kataoka et al. 2020).
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SHARPER = 2  # drawn so many times larger, then shrunk: smooth edges
STEPS = np.linspace(0, 1, 14)[:, None]


def glyph(number: int, random: np.random.Generator, side: int) -> np.ndarray:
    """One drawing of class `number`, by the hand that `random` stands for: uint8 [side, side]."""
    strokes = _formula(number)
    turn, slant, stretch = random.normal(0, 0.12), random.normal(0, 0.15), random.uniform(0.8, 1.2, 2)
    hand = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    hand = hand @ np.array([[1, slant], [0, 1]]) * stretch
    large, scale = side * SHARPER, side * SHARPER * random.uniform(0.28, 0.46)
    centre, width = large / 2 + random.normal(0, 0.04, 2) * large, max(2, int(large * random.uniform(0.02, 0.13)))
    picture = Image.new("L", (large, large))
    for stroke in strokes:
        shaken = (stroke + random.normal(0, 0.06, stroke.shape)) @ hand.T * scale + centre
        _draw(ImageDraw.Draw(picture), _curve(shaken), width)
    return _inked(picture, random, side)


def _formula(number: int) -> list[np.ndarray]:
    """The strokes of a class, each four control points in [-1, 1]², joined where they meet."""
    random = np.random.default_rng([number, 7])
    strokes: list[np.ndarray] = []
    for _ in range(random.choice([1, 2, 3, 4], p=[0.3, 0.35, 0.25, 0.1])):
        points = random.uniform(-1, 1, (4, 2))
        if strokes and random.random() < 0.6:
            points[0] = strokes[-1][random.choice([0, 3])]
        if random.random() < 0.35:
            points[1:3] = np.linspace(points[0], points[3], 4)[1:3]  # a straight one
        elif random.random() < 0.25:
            points[3] = points[0]  # a loop
            points[1:3] *= 1.6
        strokes.append(points)
    return _centred(strokes)


def _centred(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """Filling the square [-1, 1]² one way."""
    curves = np.concatenate([_curve(points) for points in strokes])
    low, high = curves.min(0), curves.max(0)
    return [(points - (low + high) / 2) * 2 / (high - low).max() for points in strokes]


def _curve(points: np.ndarray) -> np.ndarray:
    """A cubic Bézier curve through [14, 2] points."""
    a, b, c, d = points
    return (1 - STEPS) ** 3 * a + 3 * (1 - STEPS) ** 2 * STEPS * b + 3 * (1 - STEPS) * STEPS**2 * c + STEPS**3 * d


def _draw(draw: ImageDraw.ImageDraw, line: np.ndarray, width: int) -> None:
    draw.line([tuple(point) for point in line], fill=255, width=width, joint="curve")
    for x, y in (line[0], line[-1]):
        draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)


def _inked(picture: Image.Image, random: np.random.Generator, side: int) -> np.ndarray:
    """Shrunk to its side; sometimes through a few coarse pixels, as from a poor scanner."""
    coarse = int(random.choice([8, 14, 28])) if random.random() < 0.45 else 0
    if coarse:
        how = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BILINEAR)[random.integers(3)]
        return np.asarray(picture.resize((coarse, coarse), Image.Resampling.BOX).resize((side, side), how))
    soft = picture.filter(ImageFilter.GaussianBlur(random.uniform(0, 2.0)))
    return np.asarray(soft.resize((side, side), Image.Resampling.BOX))
