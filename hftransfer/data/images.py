"""Whether bytes are an image that decodes."""

from __future__ import annotations

import io
import warnings

from PIL import Image

MOST_PIXELS = 90_000_000  # some 360 MB once decoded: more is a mistake, or an attack

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

_SUFFIXES = "jpg jpeg jpe jfif png gif bmp webp tif tiff ppm pgm pbm pnm avif heic heif jp2"
SUFFIXES = frozenset(_SUFFIXES.split())


def is_image_path(path: str) -> bool:
    """Whether a path ends as images' paths do."""
    return "." in path and path.rsplit(".", 1)[-1].lower() in SUFFIXES


def decodes(content: bytes) -> bool:
    """Decode an image and forget it; large JPEGs are decoded at an eighth of their side."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MOST_PIXELS:
                return False
            image.draft("RGB", (64, 64))
            image.load()
            image.getexif()
    except Exception:  # decoders raise whatever they like on broken bytes
        return False
    return True
