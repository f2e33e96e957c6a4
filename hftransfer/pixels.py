"""An image as every model sees it: upright, in RGB of 8 bits, without holes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

ORIENTATION = 0x0112
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # Pillow itself cuts these off at 255: all white
WHITES = (1.0, 255.0, 65535.0)  # what white may be; images of whole numbers never have the first


def upright(image: Image.Image) -> Image.Image:
    """The image in RGB, turned as its EXIF orientation says.

    Transparency becomes white. Greys of 16 bits are scaled; those of 32 bits and decimals
    too, by the least usual white that all of them are below, else from their least to their most.
    """
    turned = ImageOps.exif_transpose(image) if is_turned(image) else image
    if turned.mode in DEEP:
        return _scaled(turned).convert("RGB")
    if turned.has_transparency_data:
        return _on_white(turned)
    return turned if turned.mode == "RGB" else turned.convert("RGB")


def is_turned(image: Image.Image) -> bool:
    return image.getexif().get(ORIENTATION, 1) in range(2, 9)


def has_holes(image: Image.Image) -> bool:
    """Whether anything of a decoded image is transparent."""
    if image.mode in DEEP or not image.has_transparency_data:
        return False
    opaque = 255
    return image.convert("RGBA").getchannel("A").getextrema() != (opaque, opaque)


def _on_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def _scaled(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    known = values[np.isfinite(values)]
    black, white = _range(image.mode, float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    values = np.nan_to_num(values, nan=black, posinf=white, neginf=black)
    greys = (values - black) * (255 / max(white - black, 1e-30))
    return Image.fromarray(np.rint(greys).clip(0, 255).astype(np.uint8))


def _range(mode: str, least: float, most: float) -> tuple[float, float]:
    """Which values are black and white."""
    whites = {"F": WHITES, "I": WHITES[1:]}.get(mode, WHITES[2:])
    return next(((0.0, white) for white in whites if least >= 0 and most <= white), (least, most))
