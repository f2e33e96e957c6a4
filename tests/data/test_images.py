"""An image that is asked about: opened, or refused with its place and the next step."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from hftransfer.data import open_image
from hftransfer.data.pictures.images import look
from hftransfer.errors import SourceError, SourceMissing


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    sums = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(sums)


def header(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)


NOISE = os.urandom(64 * 64 * 3)
BROKEN = {
    "truncated.jpg": ("cannot be read: image file is truncated", lambda whole: whole[: len(whole) // 2]),
    "text.png": ("no image", lambda whole: b"not an image at all"),
    "empty.png": ("no image", lambda whole: b""),
    "bomb.png": ("more than 90 million pixels", lambda whole: png(header(20_000, 20_000), (b"IEND", b""))),
    "large.png": ("more than 90 million pixels", lambda whole: png(header(10_000, 9_500), (b"IEND", b""))),
    "chunk.png": (
        "cannot be read: broken PNG file",
        lambda whole: png(header(64, 64), (b"IDAT", zlib.compress(bytes(64 * 65), 0)[:200]), (b"\0\xff\0\0", b"x" * 9)),
    ),
}


def jpeg(path: Path) -> Path:
    Image.frombytes("RGB", (64, 64), NOISE).save(path, "JPEG", quality=95)
    return path


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    cause, breaking = BROKEN[name]
    path = tmp_path / name
    path.write_bytes(breaking(jpeg(tmp_path / "whole.jpg").read_bytes()))
    with pytest.raises(SourceError, match=cause) as caught:
        open_image(path)
    assert caught.value.place == str(path) and "PNG" in caught.value.fix
    assert look(path.read_bytes()).fault, "what is refused here is set aside in training data"


def test_what_is_not_there_is_missing_and_a_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no such image"):
        open_image(tmp_path / "none.png")
    with pytest.raises(SourceError, match="Is a directory"):
        open_image(tmp_path)
    for odd in ("a\0b.png", "a" * 5000):
        with pytest.raises(SourceError, match="cannot be read"):
            open_image(odd)
    with pytest.raises(SourceMissing) as caught:
        open_image(os.fsdecode(b"caf\xe9.png"))
    assert caught.value.place.encode()  # can be printed


def test_a_whole_one_can_be_used_once_its_file_is_closed(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "two.tif", save_all=True, append_images=frames[1:])
    image = open_image(str(tmp_path / "two.tif"))
    assert image.getexif() is not None and image.convert("RGB").getpixel((3, 3)) == (255, 0, 0)
