"""Images opened: whether bytes decode at all, and a file as it is asked about."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ..errors import SourceError, SourceMissing
from .rows import storable

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


def open_image(path: str | Path) -> Image.Image:
    """An image file, decoded whole, as it lies there: neither turned nor converted.

    Raises:
        SourceMissing: there is no such file.
        SourceError: it is no image, or a damaged one, or one of too many pixels.
    """
    place = storable(str(path))
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError(path)
            image.load()
            image.getexif()  # kept with the image: it cannot be read once the file is closed
            return image
    except FileNotFoundError as error:
        raise SourceMissing("there is no such image", place=place, fix="give paths of image files") from error
    except Exception as error:  # decoders raise whatever they like on broken bytes
        raise SourceError(
            _why(error), place=place, fix="give a JPEG, PNG or WebP that other programs can show"
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"the image has more than {MOST_PIXELS // 10**6} million pixels"
    if isinstance(error, UnidentifiedImageError):
        return "this is no image"
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return f"the image cannot be read: {storable(told)}"
