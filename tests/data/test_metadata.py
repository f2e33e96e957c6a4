"""Privacy at the door: what images tell of people and places is kept nowhere."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import PngInfo

from hftransfer.data import examples, load_data
from hftransfer.data.pictures.images import look
from hftransfer.pixels import upright

SECRET = b"SECRET-48.8583N-2.2944E"
TEXT = SECRET.decode()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
Maker = Callable[[Image.Image], bytes]


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x010F], made[0x0112] = TEXT, orientation
    made.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 29: TEXT})
    made.get_ifd(0x8769).update({0x927C: SECRET * 100, 0xA420: TEXT})
    return made


def written(image: Image.Image, kind: str, **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpeg(image: Image.Image, **more: object) -> bytes:
    """With everything that cameras and editors put into it, and more behind its end."""
    whole = written(image, "JPEG", exif=exif(), xmp=XMP, comment=SECRET, quality=90, **more)
    iptc = segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0" + SECRET)
    thumbnail = segment(0xE0, b"JFXX\0\x10" + SECRET)
    return whole[:2] + iptc + thumbnail + segment(0xE9, SECRET) + whole[2:] + b"trailer" + SECRET


def between_scans(image: Image.Image) -> bytes:
    whole = written(image, "JPEG", progressive=True)
    second = whole.index(b"\xff\xda", whole.index(b"\xff\xda") + 2)
    return whole[:second] + segment(0xFE, SECRET) + whole[second:]


def jfif_thumbnail(image: Image.Image) -> bytes:
    whole = written(image, "JPEG")
    assert whole[2:4] == b"\xff\xe0"
    pixels = (SECRET * 2)[:27]  # 3 by 3 of them
    return whole[:2] + segment(0xE0, whole[6:18] + b"\3\3" + pixels) + whole[2 + 18 :]


def png(image: Image.Image) -> bytes:
    text = PngInfo()
    text.add_text("Comment", TEXT)
    text.add_text("Zipped", TEXT * 9, zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    text.add(b"prVt", SECRET)
    return written(image, "PNG", pnginfo=text, exif=exif()) + SECRET


def mpo(image: Image.Image) -> bytes:
    return written(image, "MPO", save_all=True, append_images=[image], exif=exif())


def gif(image: Image.Image) -> bytes:
    whole = written(image.convert("P"), "GIF", comment=SECRET)
    extension = b"!\xff\x0bXMP DataXMP" + bytes((len(SECRET),)) + SECRET + b"\0"
    return whole[:-1] + extension + b";" + SECRET


def transparent(image: Image.Image, kind: str = "PNG") -> Image.Image:
    clear = image.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 8, 8))
    return clear


FILES: dict[str, Maker] = {
    "jpeg": jpeg,
    "progressive": lambda image: jpeg(image, progressive=True),
    "between": between_scans,
    "thumbnail": jfif_thumbnail,
    "grey jpeg": lambda image: jpeg(image.convert("L")),
    "cmyk jpeg": lambda image: jpeg(image.convert("CMYK")),
    "rgb jpeg": lambda image: jpeg(image, keep_rgb=True),
    "turned jpeg": lambda image: written(image, "JPEG", exif=exif(6)),
    "mpo": mpo,
    "png": png,
    "clear png": lambda image: png(transparent(image)),
    "palette png": lambda image: png(image.convert("P")),
    "deep png": lambda image: png(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 200)),
    "turned png": lambda image: written(image, "PNG", exif=exif(8)),
    "webp": lambda image: written(image, "WEBP", exif=exif(), xmp=XMP, lossless=True) + SECRET,
    "clear webp": lambda image: written(transparent(image), "WEBP", exif=exif(), xmp=XMP),
    "turned webp": lambda image: written(image, "WEBP", exif=exif(3), xmp=XMP, lossless=True),
    "animated webp": lambda image: written(
        image, "WEBP", save_all=True, append_images=[image.rotate(90)], exif=exif(), xmp=XMP, lossless=True
    ),
    "avif": lambda image: written(image, "AVIF", exif=exif(), xmp=XMP),
    "tiff": lambda image: written(image, "TIFF", exif=exif(), tiffinfo={270: TEXT, 700: XMP}),
    "pages": lambda image: written(image, "TIFF", save_all=True, append_images=[image], tiffinfo={270: TEXT}),
    "gif": gif,
    "bmp": lambda image: written(image, "BMP") + SECRET,
    "ppm": lambda image: b"P6\n# " + SECRET + b"\n%d %d 255\n" % image.size + image.tobytes(),
}


@pytest.fixture
def image() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((72, 48), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("name", FILES)
def test_nothing_but_the_picture_is_kept(name: str, image: Image.Image) -> None:
    whole = FILES[name](image)
    assert SECRET in whole
    looked = look(whole)
    assert not looked.fault and SECRET not in looked.content and b"48" not in metadata(looked.content)
    before, after = (upright(Image.open(io.BytesIO(content))) for content in (whole, looked.content))
    assert before.size == after.size and before.tobytes() == after.tobytes()


def metadata(content: bytes) -> bytes:
    """What Pillow finds in the file besides the picture, in one piece."""
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        noted = {tag: value for tag, value in image.getexif().items() if tag != 0x0112}
        named = {name: value for name, value in image.info.items() if name in ("comment", "xmp", "Comment", "Zipped")}
        return repr((noted, named, getattr(image, "text", {}))).encode()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"])
def test_what_has_none_keeps_its_bytes(kind: str, image: Image.Image) -> None:
    whole = written(image.convert("P") if kind == "GIF" else image, kind)
    assert look(whole).content == whole


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_colour_profile_stays(kind: str, image: Image.Image) -> None:
    profile = b"a profile" * 9
    whole = written(image, kind, icc_profile=profile)
    with Image.open(io.BytesIO(look(whole).content)) as kept:
        assert kept.info["icc_profile"] == profile


def test_of_several_frames_the_first_is_kept(image: Image.Image) -> None:
    frames = [image.convert("P"), image.rotate(180).convert("P")]
    whole = written(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=SECRET)
    with Image.open(io.BytesIO(look(whole).content)) as kept:
        assert len(list(ImageSequence.Iterator(kept))) == 1
        assert upright(kept).tobytes() == upright(Image.open(io.BytesIO(whole))).tobytes()


def test_no_file_of_ours_holds_it(tmp_path: Path, image: Image.Image, home: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number, (name, make) in enumerate(FILES.items()):
            content = make(image.rotate(number * ord(label)))
            (tmp_path / "pets" / label / f"{number} {name}.jpg").write_bytes(content)
    data = load_data(tmp_path / "pets")
    assert sum(data.rows.values()) == 2 * len(FILES)
    folder = home / "thumbnails"
    folder.mkdir()
    for number, thumbnail in enumerate(sum(examples(data).values(), [])):
        thumbnail.save(folder / f"{number}.jpg")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert not [path for path in files if SECRET in path.read_bytes() or b"adobe:ns:meta" in path.read_bytes()]


def test_what_is_built_oddly_is_drawn_anew(image: Image.Image) -> None:
    whole = written(image, "PNG")
    unknown = struct.pack(">I", 4) + b"zzZz" + b"1234" + struct.pack(">I", zlib.crc32(b"zzZz1234"))
    odd = whole[:33] + unknown + whole[33:]
    looked = look(odd)
    assert SECRET not in looked.content
    assert upright(Image.open(io.BytesIO(looked.content))).tobytes() == image.tobytes()
