"""One way from any image to what a model sees."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hftransfer.data.pictures.images import look
from hftransfer.models import inputs
from hftransfer.pixels import has_holes, upright

RAMP = np.arange(256, dtype=np.float64).reshape(16, 16)
WHITE, RED = (255, 255, 255), (255, 0, 0)


def saved(image: Image.Image, kind: str, **more: object) -> Image.Image:
    """As it is read from a file of that kind."""
    file = io.BytesIO()
    image.save(file, kind, **more)
    return Image.open(io.BytesIO(file.getvalue()))


def test_training_and_prediction_take_the_same_way() -> None:
    assert inputs.upright is upright


@pytest.mark.parametrize(
    "values",
    [
        (RAMP * 257).astype(np.uint16),
        (RAMP * 257).astype(">u2"),
        (RAMP * 257).astype(np.int32),
        RAMP.astype(np.int32),
        (RAMP / 255).astype(np.float32),
        RAMP.astype(np.float32),
        (RAMP * 257).astype(np.float32),
        (RAMP * 3e6 - 7).astype(np.float32),
        (RAMP * 1000 - 7).astype(np.int32),
    ],
)
def test_deep_greys_are_scaled_and_not_cut_off(values: np.ndarray) -> None:
    seen = upright(Image.fromarray(values))
    assert seen.mode == "RGB"
    assert np.abs(np.asarray(seen)[..., 1] - RAMP).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_a_file_of_16_bits_is_scaled(kind: str) -> None:
    seen = upright(saved(Image.fromarray((RAMP * 257).astype(np.uint16)), kind))
    assert np.array_equal(np.asarray(seen)[..., 0], RAMP)


def test_numbers_that_are_none_and_images_of_one_value_stay_images() -> None:
    odd = np.array([[np.nan, np.inf], [-np.inf, 1.0]], np.float32)
    assert np.asarray(upright(Image.fromarray(odd)))[..., 0].tolist() == [[0, 255], [0, 255]]
    for value in (np.nan, -3.0, 0.0):
        assert upright(Image.new("F", (2, 2), value)).getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((1, 1), (255, 255, 255, 128) if mode == "LA" else (255, 0, 0, 255))
    held = image.convert(mode) if mode != "PA" else image.convert("P").convert("PA")
    if mode == "PA":
        held.putalpha(image.getchannel("A"))
    assert has_holes(held) and upright(held).getpixel((0, 0)) == WHITE
    assert upright(held).mode == "RGB"


@pytest.mark.parametrize(
    ("image", "value"),
    [
        (Image.new("P", (4, 4), 0), 0),
        (Image.new("L", (4, 4), 3), 3),
        (Image.new("RGB", (4, 4), (9, 9, 9)), (9, 9, 9)),
        (Image.new("1", (4, 4), 0), 0),
    ],
)
def test_a_colour_that_stands_for_nothing_becomes_white(image: Image.Image, value: object) -> None:
    read = saved(image, "PNG", transparency=value)
    assert has_holes(read) and upright(read).getpixel((2, 2)) == WHITE


def test_opaque_ones_keep_their_colours() -> None:
    red = Image.new("RGB", (4, 4), RED)
    for mode in ("RGBA", "P", "CMYK", "YCbCr", "HSV"):
        seen = upright(red.convert(mode)).getpixel((0, 0))
        assert np.abs(np.subtract(seen, RED)).max() <= 2, mode
        assert not has_holes(red.convert(mode))
    assert upright(red) is red


def test_a_cmyk_jpeg_has_its_colours() -> None:
    seen = upright(saved(Image.new("RGB", (16, 16), (200, 30, 90)).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(np.subtract(seen.getpixel((5, 5)), (200, 30, 90))).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied_and_survives_being_kept(kind: str, orientation: int) -> None:
    image = Image.new("RGB", (32, 16), "white")
    image.paste("black", (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, kind, exif=exif)
    kept = Image.open(io.BytesIO(look(file.getvalue()).content))
    seen = upright(kept)
    assert seen.size == ((32, 16) if orientation < 5 else (16, 32))
    corners = [(2, 2), (seen.width - 3, 2), (seen.width - 3, seen.height - 3), (2, seen.height - 3)]
    dark = [max(seen.getpixel(corner)) < 60 for corner in corners]
    assert dark.index(True) == {1: 0, 2: 1, 3: 2, 4: 3, 5: 0, 6: 1, 7: 2, 8: 3}[orientation]
