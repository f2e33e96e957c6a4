"""What the doctor says of images that are used, and of those that are not."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from hftransfer.data import check, load_data, open_image
from hftransfer.data.checks import SHOWN
from hftransfer.data.pictures.images import look
from hftransfer.errors import SourceError

COLOURS = Image.fromarray(np.random.default_rng(1).integers(0, 255, (24, 24, 3), dtype=np.uint8))
CLEAR = COLOURS.convert("RGBA")
CLEAR.paste((0, 0, 0, 0), (0, 0, 9, 9))


def written(image: Image.Image, kind: str, **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return written(COLOURS, "JPEG", exif=exif)


TOLD: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    "another format": ("x.png", lambda: written(COLOURS, "JPEG"), "wrong-extension", "not what their names say"),
    "frames": (
        "x.gif",
        lambda: written(COLOURS.convert("L"), "GIF", save_all=True, append_images=[COLOURS.rotate(90).convert("L")]),
        "animated-image",
        "the first of several frames or pages was taken",
    ),
    "pages": (
        "x.tif",
        lambda: written(COLOURS, "TIFF", save_all=True, append_images=[COLOURS]),
        "animated-image",
        "the first of several",
    ),
    "turned": ("x.jpg", turned, "rotated-image", "turned upright"),
    "cmyk": ("x.jpg", lambda: written(COLOURS.convert("CMYK"), "JPEG"), "converted-image", "CMYK"),
    "deep": ("x.png", lambda: written(COLOURS.convert("I;16"), "PNG"), "converted-image", "16 bits"),
    "palette": ("x.png", lambda: written(COLOURS.convert("P"), "PNG"), "converted-image", "a palette"),
    "clear": ("x.png", lambda: written(CLEAR, "PNG"), "converted-image", "transparent"),
    "clear grey": ("x.png", lambda: written(CLEAR.convert("LA"), "PNG"), "converted-image", "transparent"),
    "clear palette": ("x.gif", lambda: written(CLEAR, "GIF"), "converted-image", "transparent"),
    "lab": ("x.tif", lambda: written(Image.new("LAB", (9, 9)), "TIFF"), "converted-image", "another colour space"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_odd_about_images_that_are_used(class_folders, name: str) -> None:
    file, make, code, message = TOLD[name]
    root = class_folders({"cat": 6, "dog": 6})
    (root / "cat" / file).write_bytes(make())
    for _ in range(2):  # the second time as it was kept
        report = check(root)
        (problem,) = [problem for problem in report["problems"] if problem["code"] == code]
        assert (problem["severity"], problem["where"]) == ("info", f"cat/{file}")
        assert problem["message"].startswith("1 image: ") and message in problem["message"] and problem["fix"]
        assert report["rows"] == 13


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "MPO"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_plain_ones_are_not_spoken_of(class_folders, kind: str, mode: str) -> None:
    root = class_folders({"cat": 6, "dog": 6})
    suffix = {"JPEG": "JPG", "MPO": "jpeg"}.get(kind, kind.lower())
    more = {"save_all": True, "append_images": [COLOURS]} if kind == "MPO" else {}
    (root / "cat" / f"x.{suffix}").write_bytes(written(COLOURS.convert(mode), kind, **more))
    opaque = COLOURS.transpose(Image.Transpose.ROTATE_90).convert("RGBA")
    (root / "dog" / "opaque.png").write_bytes(written(opaque, "PNG"))
    assert {problem.code for problem in load_data(root).problems} == {"carved-splits"}


def test_the_first_few_are_named_and_all_are_counted(class_folders) -> None:
    root = class_folders({"cat": 20, "dog": 20})
    for path in sorted((root / "cat").iterdir()):
        path.rename(path.with_suffix(".png"))
    (problem,) = [problem for problem in load_data(root).problems if problem.code == "wrong-extension"]
    assert problem.message.startswith("20 images: ")
    assert problem.where == ", ".join(f"cat/{n:03}.png" for n in range(SHOWN)) + ", …"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_image_has_a_code_of_its_own(class_folders, picture, kind: str, share: float) -> None:
    root = class_folders({"cat": 6, "dog": 6})
    whole = picture(1, kind, side=64)
    (root / "cat" / f"x.{kind.lower()}").write_bytes(whole[: int(len(whole) * share)])
    codes = {problem.code: problem for problem in load_data(root).problems}
    assert codes["truncated-image"].where == f"cat/x.{kind.lower()}"
    assert codes["truncated-image"].severity == "warning"


def test_the_bound_on_pixels_can_be_set(class_folders, monkeypatch, picture) -> None:
    root = class_folders({"cat": 6, "dog": 6})
    (root / "cat" / "large.jpg").write_bytes(picture(1, side=64))
    assert sum(load_data(root).rows.values()) == 13
    monkeypatch.setenv("HFTRANSFER_MAX_PIXELS", "4000")
    data = load_data(root)
    (problem,) = [problem for problem in data.problems if problem.code == "oversized-image"]
    assert problem.where == "cat/large.jpg" and "HFTRANSFER_MAX_PIXELS" in problem.fix
    with pytest.raises(SourceError, match=r"more than 0\.004 million pixels"):
        open_image(root / "cat" / "large.jpg")


def test_the_bound_holds_whatever_warnings_are_for(monkeypatch, picture) -> None:
    monkeypatch.setenv("HFTRANSFER_MAX_PIXELS", "255")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert look(picture()).fault == "oversized-image"


@pytest.mark.parametrize("kind", ["PCX", "EPS"])
def test_formats_that_are_for_no_photos_are_not_opened(class_folders, kind: str) -> None:
    """Pillow hands PostScript to another program, whatever its file is called."""
    root = class_folders({"cat": 6, "dog": 6})
    (root / "cat" / "x.png").write_bytes(written(COLOURS, kind))
    (problem,) = [problem for problem in load_data(root).problems if problem.severity == "warning"]
    assert (problem.code, problem.where) == ("unreadable-image", "cat/x.png")
