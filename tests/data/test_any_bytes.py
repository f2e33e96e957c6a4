"""Any bytes in: data, or one of our errors; and nothing is written anywhere but in our home."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hftransfer.data import load_data
from hftransfer.data.pictures.images import look
from hftransfer.errors import HFTransferError
from hftransfer.pixels import upright

KINDS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "MPO")
MODES = {"GIF": "P", "TIFF": "I;16", "PNG": "LA"}
QUICK, LONG = 20, 1500  # examples of each property
CALM = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


def picture(kind: str = "JPEG", number: int = 0) -> bytes:
    noise = np.random.default_rng(number).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    more = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF") else {}
    Image.fromarray(noise).convert(MODES.get(kind, "RGB")).save(file, kind, **more)
    return file.getvalue()


SEEDS = [picture(kind) for kind in KINDS]


def changed(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Whole files with some bytes set, cut out or put in: more of the readers' code than noise alone reaches."""
    change = st.tuples(st.floats(0, 1), st.integers(0, 4), st.binary(max_size=6))
    return st.builds(_spoilt, st.integers(0, len(seeds) - 1).map(seeds.__getitem__), st.lists(change, max_size=8))


def _spoilt(seed: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    content = bytearray(seed)
    for place, gone, put in changes:
        start = int(place * len(content))
        content[start : start + gone] = put
    return bytes(content)


PARTS = [
    "a",
    "b",
    "train",
    "..",
    ".",
    "",
    "C:",
    "\\\\host",
    "/",
    "x.jpg",
    "y.png",
    "t.csv",
    "猫",
    ".DS_Store",
    "n\0l",
    "d.zip",
]
NAMES = st.one_of(st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("/".join), st.text(max_size=9))
CONTENTS = st.one_of(
    st.sampled_from(SEEDS), st.binary(max_size=60), st.just(b"text,label\na b,x\nc d,y\ne f,x\ng h,y\n")
)
TYPES = st.sampled_from([tarfile.REGTYPE] * 6 + [bytes([kind]) for kind in b"12345670SDLxKgVZ\0"])


def zip_of(members: list[tuple[str, bytes, int]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, suppress(ValueError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there already
        for name, content, attributes in members:
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = attributes << 16, zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return file.getvalue()


def tar_of(members: list[tuple[str, bytes, bytes, int, str]], shape: int, packed: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{packed}", format=shape) as archive:
        for name, content, kind, more, link in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = max(0, len(content) + more), kind, link
            with suppress(ValueError, OSError):
                archive.addfile(info, io.BytesIO(content.ljust(info.size, b"\0")))
    return file.getvalue()


ZIPS = st.builds(zip_of, st.lists(st.tuples(NAMES, CONTENTS, st.integers(0, 2**16 - 1)), max_size=6))
MEMBERS = st.tuples(NAMES, CONTENTS, TYPES, st.sampled_from([0, 0, 0, -9, 700]), NAMES)
TARS = st.builds(
    tar_of,
    st.lists(MEMBERS, max_size=6),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]),
    st.sampled_from(["", "gz", "bz2", "xz"]),
)
GOOD = [(f"{label}/{number}.jpg", picture(number=number)) for label in "ab" for number in range(3)]
WHOLE_ZIP = zip_of([(name, content, 0) for name, content in GOOD])
WHOLE_TAR = tar_of([(name, content, tarfile.REGTYPE, 0, "") for name, content in GOOD], tarfile.PAX_FORMAT, "")
SOURCES = {
    "zip": st.one_of(st.binary(max_size=200), changed([WHOLE_ZIP]), ZIPS),
    "tar": st.one_of(st.binary(max_size=200), changed([WHOLE_TAR]), TARS),
    "tgz": st.one_of(st.binary(max_size=200), TARS),
    "gz": st.one_of(st.binary(max_size=200), TARS, ZIPS),
}
IMAGES = st.one_of(st.binary(max_size=200), changed(SEEDS))
SUFFIXES = st.sampled_from(["jpg", "png", "gif", "webp", "tif", "avif"])


@contextmanager
def room(home: str) -> Iterator[Path]:
    """A folder of its own that holds what is read; and a look at it, and around it, afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ["HFTRANSFER_HOME"]
        os.environ["HFTRANSFER_HOME"] = f"{folder}/home"
        inside = Path(folder) / "deep" / "inside"
        inside.mkdir(parents=True)
        try:
            yield inside
        finally:
            os.environ["HFTRANSFER_HOME"] = before
        there = {
            path for path in Path(folder).rglob("*") if path.is_file() and not path.is_relative_to(f"{folder}/home")
        }
        assert there == {path for path in inside.rglob("*") if path.is_file()}


def reads(source: Path) -> None:
    before = sorted(source.parent.rglob("*"))
    with suppress(HFTransferError):
        data = load_data(source)
        for split in data.splits.values():
            for row in split:
                if "image" in row:
                    assert upright(row["image"]).mode == "RGB"
    assert sorted(source.parent.rglob("*")) == before


def as_image(content: bytes, suffix: str) -> None:
    """Beside whole images, so that the others are still read."""
    with room("image") as inside:
        for name, whole in GOOD:
            (inside / name).parent.mkdir(exist_ok=True)
            (inside / name).write_bytes(whole)
        (inside / "a" / f"odd.{suffix}").write_bytes(content)
        reads(inside)


def as_archive(kind: str, content: bytes) -> None:
    with room(kind) as inside:
        (inside / f"d.{kind}").write_bytes(content)
        reads(inside / f"d.{kind}")


def looked_at(content: bytes) -> None:
    """What is kept of an image shows what the image shows."""
    looked = look(content)
    if not looked.fault:
        with Image.open(io.BytesIO(looked.content)) as kept, Image.open(io.BytesIO(content)) as given_:
            assert upright(kept).tobytes() == upright(given_).tobytes()


def hold(property_: Callable[..., None], examples: int, **arguments: st.SearchStrategy) -> None:
    settings(CALM, max_examples=examples)(given(**arguments)(property_))()


@pytest.mark.parametrize("examples", [QUICK, pytest.param(LONG, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
class TestAnyBytes:
    def test_as_an_image(self, examples: int) -> None:
        hold(as_image, examples, content=IMAGES, suffix=SUFFIXES)

    def test_that_are_an_image_show_the_same_once_kept(self, examples: int) -> None:
        hold(looked_at, 20 * examples, content=IMAGES)

    @pytest.mark.parametrize("kind", SOURCES)
    def test_as_an_archive(self, kind: str, examples: int) -> None:
        hold(as_archive, examples, kind=st.just(kind), content=SOURCES[kind])
