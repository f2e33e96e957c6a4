"""Images opened: whether bytes decode at all, what is odd about them, and a file as it is asked about."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image, UnidentifiedImageError

from ...errors import SourceError, SourceMissing
from ...pixels import DEEP, ORIENTATION, has_holes, is_turned, upright
from ..packed.bounds import most_pixels
from ..rows import storable
from .metadata import bare

warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of odd metadata, which goes
warnings.simplefilter("error", Image.DecompressionBombWarning)

# What names' ends say about the content, by Pillow's names of formats. The others of Pillow's
# are not opened: some of them start programs, or hold no pixels.
FORMATS = {
    **dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), ("JPEG", "MPO")),
    **dict.fromkeys(("png", "apng"), ("PNG",)),
    **dict.fromkeys(("tif", "tiff"), ("TIFF",)),
    **dict.fromkeys(("ppm", "pgm", "pbm", "pnm"), ("PPM",)),
    **dict.fromkeys(("heic", "heif"), ("HEIF", "AVIF")),
    **dict.fromkeys(("bmp", "dib"), ("BMP", "DIB")),
    "gif": ("GIF",),
    "webp": ("WEBP",),
    "avif": ("AVIF",),
    "jp2": ("JPEG2000",),
}
SUFFIXES = frozenset(FORMATS)
# Of what has an end, its beginning and that end.
ENDS = ((b"\xff\xd8\xff", b"\xff\xd9"), (b"\x89PNG", b"IEND"), (b"GIF8", b";"))


class Looked(NamedTuple):
    """An image's bytes as they are kept; why it cannot be used (a code, or empty); and what is told of it."""

    content: bytes
    fault: str = ""
    remarks: tuple[str, ...] = ()


def is_image_path(path: str) -> bool:
    """Whether a path ends as images' paths do."""
    return "." in path and _suffix(path) in SUFFIXES


def look(content: bytes, path: str = "") -> Looked:
    """Decode an image once, and take its metadata away; large JPEGs are decoded at an eighth of their side.

    Raises:
        RecipeError: the bound on pixels is no number.
    """
    most = most_pixels()
    try:
        with _opened(io.BytesIO(content), most) as image:
            mode = image.mode
            several = _has_several(image)
            image.draft("RGB", (64, 64))
            image.load()
            remarks = tuple(_remarks(image, mode, several, path))
            return Looked(_kept(content, image, several), "", remarks)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Looked(content, "oversized-image")
    except Exception as error:  # decoders raise whatever they like on broken bytes
        return Looked(content, "truncated-image" if _is_cut(content, error) else "unreadable-image")


def open_image(path: str | Path) -> Image.Image:
    """An image file, decoded whole, as it lies there: neither turned nor converted.

    Raises:
        SourceMissing: there is no such file.
        SourceError: it is no image, or a damaged one, or one of too many pixels.
    """
    place, most = storable(str(path)), most_pixels()
    try:
        with _opened(path, most) as image:
            image.load()
            image.getexif()  # kept with the image: it cannot be read once the file is closed
            return image
    except FileNotFoundError as error:
        raise SourceMissing("there is no such image", place=place, fix="give paths of image files") from error
    except Exception as error:  # decoders raise whatever they like on broken bytes
        raise SourceError(
            _why(error), place=place, fix="give a JPEG, PNG or WebP that other programs can show"
        ) from error


def _opened(file: str | Path | BinaryIO, most: float) -> Image.Image:
    """Its header alone is read: too many pixels are refused before they are made."""
    Image.MAX_IMAGE_PIXELS = int(most)
    Image.init()
    known = {form for forms in FORMATS.values() for form in forms} & Image.OPEN.keys()
    image = Image.open(file, formats=sorted(known))
    if image.width * image.height > most:
        image.close()
        raise Image.DecompressionBombError(f"more than {most:.0f} pixels")
    return image


def _has_several(image: Image.Image) -> bool:
    """Whether there are more frames or pages. What follows a JPEG's picture are views and maps of the same."""
    try:
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # a later frame is broken: it is not needed
        return True


def _remarks(image: Image.Image, mode: str, several: bool, path: str) -> Iterator[str]:
    """What to tell of a decoded image, by the names in `remarks`."""
    if is_image_path(path) and image.format not in FORMATS[_suffix(path)]:
        yield "wrong-extension"
    if several:
        yield "animated-image"
    if is_turned(image):
        yield "rotated-image"
    if mode in DEEP:
        yield "deep"
    elif has_holes(image):
        yield "transparent"
    elif mode == "P":
        yield "palette"
    elif mode not in ("RGB", "RGBA", "L", "LA", "1"):
        yield "cmyk" if mode == "CMYK" else "colours"


def _kept(content: bytes, image: Image.Image, several: bool) -> bytes:
    """The file without metadata, or its picture drawn anew where it cannot be had otherwise."""
    if image.format == "AVIF" and not several and not {"exif", "xmp"} & image.info.keys():
        return content
    orientation = image.getexif().get(ORIENTATION, 1) if is_turned(image) else 1
    copy = None if several else bare(content, image.format or "", orientation)
    if copy is not None:
        return copy
    with _opened(io.BytesIO(content), most_pixels()) as whole:
        return _drawn(whole)


def _drawn(image: Image.Image) -> bytes:
    """A PNG of what models see, and nothing else."""
    seen = upright(image)
    plain = Image.frombytes(seen.mode, seen.size, seen.tobytes())
    file = io.BytesIO()
    (plain.convert("L") if image.mode in ("1", "L", *DEEP) else plain).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _is_cut(content: bytes, error: Exception) -> bool:
    """Whether an image that cannot be decoded lacks its end."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return len(content) < 8 + int.from_bytes(content[4:8], "little")
    lacks = any(content.startswith(head) and end not in content[-64:] for head, end in ENDS)
    return lacks or (isinstance(error, OSError) and "truncated" in str(error))


def _suffix(path: str) -> str:
    return path.rsplit(".", 1)[-1].lower()


def _why(error: Exception) -> str:
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"the image has more than {most_pixels() / 1e6:g} million pixels"
    if isinstance(error, UnidentifiedImageError):
        return "this is no image"
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return f"the image cannot be read: {storable(told)}"
