"""Tar archives: the same data as a folder gives, and nothing of what a tar may be made to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hftransfer.data import load_data
from hftransfer.data.packed.bounds import DEFAULTS
from hftransfer.errors import HFTransferError, OutputError, RecipeError, SourceError

NAMES = ("d.tar", "d.tar.gz", "d.tgz", "d.tar.bz2", "d.tar.xz")
PACK = {".gz": gzip.compress, ".tgz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
SHAPES = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)
Tarred = Callable[..., Path]


def member(name: str, **more: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(info, key, value)
    return info


@pytest.fixture
def tarred(tmp_path: Path) -> Tarred:
    """Writes a tar of the given members; headers without content may follow them."""

    def make(
        members: Mapping[str, bytes], *special: tarfile.TarInfo, name: str = "d.tar", shape: int = tarfile.GNU_FORMAT
    ) -> Path:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=shape) as archive:
            for path, content in members.items():
                archive.addfile(member(path, size=len(content)), io.BytesIO(content))
            for info in special:
                archive.addfile(info)
        pack = PACK.get(Path(name).suffix, bytes)
        (tmp_path / name).write_bytes(pack(file.getvalue()))
        return tmp_path / name

    return make


@pytest.fixture
def pets(picture) -> dict[str, bytes]:
    return {f"pets/{label}/{i}.jpg": picture(i + 9 * (label == "dog")) for label in ("cat", "dog") for i in range(6)}


def refused(path: Path, message: str) -> SourceError:
    with pytest.raises(SourceError, match=message) as caught:
        load_data(path)
    assert str(path) in caught.value.place and caught.value.fix
    return caught.value


@pytest.mark.parametrize("name", NAMES)
def test_a_tar_gives_what_a_zip_gives(tarred, zipped, pets, name, home):
    path = tarred(pets, name=name)
    data, same = load_data(path), load_data(zipped(pets))
    assert (data.name, data.labels, data.digests) == ("d", same.labels, same.digests)
    assert load_data(path.rename(path.with_name("of-no-suffix")) if name == "d.tar" else path).digests == data.digests
    assert {path.suffix for path in home.rglob("*") if path.is_file()} == {".arrow", ".json", ".npz"}


@pytest.mark.parametrize("shape", SHAPES)
def test_names_that_are_long_or_of_any_script(tarred, picture, shape):
    long = "animals-of-the-house/" * 6
    names = {f"./{long}{label}/{'x' * 70}-{i}.jpg": picture(i) for label in ("猫", "dog") for i in range(6)}
    data = load_data(tarred(names, shape=shape))
    assert data.labels == ("dog", "猫")
    assert data.splits["train"][0]["origin"].endswith(".jpg") and len(data.splits["train"][0]["origin"]) > 190


def test_tables_in_a_tar(tarred, messages):
    rows = "text,label\n" + "".join(f"{text},{label}\n" for text, label in messages)
    assert load_data(tarred({"t/days.csv": rows.encode().replace(b", alas", b"")}, name="d.tgz")).labels == (
        "bad",
        "good",
    )


@pytest.mark.parametrize("name", ["d.tar", "d.tar.gz"])
@pytest.mark.parametrize(
    ("special", "message"),
    [
        (member("../evil.jpg"), "points out of it"),
        (member("pets/cat/../../../evil.jpg"), "points out of it"),
        (member("..\\evil.jpg"), "points out of it"),
        (member("/etc/evil.jpg"), "absolute path"),
        (member("C:\\evil.jpg"), "absolute path"),
        (member("\\\\host\\evil.jpg"), "absolute path"),
        (member("pets/cat/l.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
        (member("pets/cat/h.jpg", type=tarfile.LNKTYPE, linkname="pets/cat/0.jpg"), "is a link"),
        (member("pets/cat/c.jpg", type=tarfile.CHRTYPE), "is a device or a pipe"),
        (member("pets/cat/b.jpg", type=tarfile.BLKTYPE), "is a device or a pipe"),
        (member("pets/cat/f.jpg", type=tarfile.FIFOTYPE), "is a device or a pipe"),
        (member("pets/cat/s.jpg", type=tarfile.GNUTYPE_SPARSE), "of a kind that cannot be read"),
        (member("pets/.DS_Store", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
    ],
)
def test_members_that_are_no_plain_files_of_it(tarred, pets, tmp_path, name, special, message):
    path = tarred(pets, special, name=name)
    error = refused(path, message)
    assert special.name.replace("\\", "/") in error.place
    assert [entry.name for entry in tmp_path.iterdir() if entry.name != "home"] == [name]


@pytest.mark.parametrize(("name", "content"), [("d.tar", b""), ("d.tar", b"no tar at all"), ("d.tgz", b"\x1f\x8bno")])
def test_a_tar_that_is_none(table, name, content):
    refused(table(name, content), "no tar archive|is damaged")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_cut_tar(tarred, pets, name, share):
    path = tarred(pets, name=name)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused(path, "is damaged")


def test_a_header_that_is_changed(tarred, pets):
    path = tarred(pets)
    content = bytearray(path.read_bytes())
    content[content.index(b"pets/dog/3.jpg") + 3] ^= 1
    path.write_bytes(content)
    refused(path, "is damaged")


def test_a_header_of_any_length_is_not_read(tarred, pets, tmp_path):
    notes = member("pax", type=tarfile.XHDTYPE, size=2**40)
    whole = tarred(pets).read_bytes()
    (tmp_path / "long.tar").write_bytes(notes.tobuf(tarfile.GNU_FORMAT) + whole)
    refused(tmp_path / "long.tar", "header that is too long")


@pytest.mark.parametrize("text", [b"9999999999 path=a\n", b"0 path=a\n", b"x path=a\n", b"11", b"-5 a=b\n"])
def test_notes_that_are_none(tarred, pets, tmp_path, text):
    notes = member("pax", type=tarfile.XHDTYPE, size=len(text)).tobuf(tarfile.GNU_FORMAT) + text.ljust(512, b"\0")
    (tmp_path / "odd.tar").write_bytes(notes + tarred(pets).read_bytes())
    try:
        load_data(tmp_path / "odd.tar")
    except SourceError as error:
        assert error.cause == "the archive is damaged"


@pytest.mark.parametrize("name", ["d.tar.gz", "d.tar.bz2", "d.tar.xz"])
def test_a_bomb_is_refused_while_it_is_unpacked(tarred, pets, name):
    bomb = {**pets, "pets/cat/bomb.bmp": bytes(64 * 2**20)}
    assert "HFTRANSFER_MAX_RATIO" in refused(tarred(bomb, name=name), "over 200 times its size").fix


def test_no_room_to_unpack(tarred, pets, home, monkeypatch):
    def full(**where: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(OutputError, match="No space left on device") as caught:
        load_data(tarred(pets, name="d.tgz"))
    assert str(home) in caught.value.place


@pytest.mark.parametrize("name", ["d.tar", "d.tar.gz"])
def test_more_than_the_limits(tarred, pets, monkeypatch, name):
    path = tarred(pets, name=name)
    monkeypatch.setenv("HFTRANSFER_MAX_FILES", "5")
    refused(path, "more than 5 members")
    monkeypatch.delenv("HFTRANSFER_MAX_FILES")
    monkeypatch.setenv("HFTRANSFER_MAX_UNPACKED_GB", "1e-6")
    refused(path, "unpacks to more than")


@pytest.mark.parametrize("value", ["many", "-1", "0", "nan", "inf"])
@pytest.mark.parametrize("variable", DEFAULTS)
def test_a_limit_that_is_no_number(zipped, pets, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(RecipeError, match=f"'{value}' is no number") as caught:
        load_data(zipped(pets))
    assert caught.value.place == variable and str(DEFAULTS[variable]) in caught.value.fix


def lying(path: Path, name: str, size: int) -> None:
    """Let a zip say of a member that it is smaller than it is."""
    content = bytearray(path.read_bytes())
    for magic, place, named in ((b"PK\x01\x02", 24, 46), (b"PK\x03\x04", 22, 30)):
        at = content.index(magic)
        while content[at + named : at + named + len(name)] != name.encode():
            at = content.index(magic, at + 1)
        content[at + place : at + place + 4] = struct.pack("<I", size)
    path.write_bytes(content)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("side", [16, 300])
def test_a_member_that_holds_more_than_it_says(tmp_path, picture, pets, method, side):
    path, name = tmp_path / "d.zip", "pets/cat/0.jpg"
    with zipfile.ZipFile(path, "w", method) as archive:
        for member_name, content in {**pets, name: picture(0, "BMP", side)}.items():
            archive.writestr(member_name, content)
    lying(path, name, 100)
    assert name in refused(path, "holds more than it says|is damaged").place


def test_members_that_share_their_bytes(tmp_path, picture):
    """Each says a ratio that is allowed, and all of them together do not."""
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/0.bmp", picture(0, "BMP", 600) + bytes(50 * 2**20))
        first = archive.infolist()[0]
        for number in range(400):
            info = zipfile.ZipInfo(f"{'ab'[number % 2]}/{number}.bmp")
            for key in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(info, key, getattr(first, key))
            archive.filelist.append(info)
        archive._didModify = True
    refused(path, "unpacks to (more|over)")


@pytest.mark.parametrize("name", ["inner.zip", "old/inner.tar.gz", "cat/inner.7z"])
def test_archives_inside_are_told_and_left(tarred, pets, zipped, name):
    data = load_data(tarred({**pets, name: b"PK\x03\x04"}))
    (problem,) = [problem for problem in data.problems if problem.code == "nested-archive"]
    assert (problem.severity, problem.where) == ("warning", name)
    assert sum(data.rows.values()) == 12 and "left-out" not in {problem.code for problem in data.problems}
    refused(zipped({name: b"PK\x03\x04"}), "only archives in it")


def test_junk_is_told_with_a_count(tarred, pets, zipped, class_folders):
    junk = {
        "pets/.DS_Store": b"x",
        "__MACOSX/pets/cat/._0.jpg": b"x",
        "pets/cat/Thumbs.db": b"x",
        "pets/dog/desktop.ini": b"x",
        "pets/dog/._1.jpg": b"x",
        "pets/marker": b"",
        "pets/empty.csv": b"",
    }
    root = class_folders({"cat": 6, "dog": 6})
    for name, content in junk.items():
        path = root.parent / name.replace("__MACOSX/", "pets/__MACOSX/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for source in (tarred({**pets, **junk}), zipped({**pets, **junk}), root):
        data = load_data(source)
        (problem,) = [problem for problem in data.problems if problem.code == "junk-file"]
        assert problem.severity == "info" and problem.message.startswith("7 files were left out")
        assert problem.where.count(", ") == 5 and sum(data.rows.values()) == 12
        assert "left-out" not in {problem.code for problem in data.problems}


def test_an_empty_image_is_a_lost_example_and_no_junk(tarred, pets):
    data = load_data(tarred({**pets, "pets/cat/9.jpg": b""}))
    assert [p.where for p in data.problems if p.code == "unreadable-image"] == ["pets/cat/9.jpg"]
    assert "junk-file" not in {problem.code for problem in data.problems}


def test_a_gz_that_is_no_tar_is_no_data(table):
    with pytest.raises(HFTransferError, match="neither a table nor an archive"):
        load_data(table("t.csv.gz", gzip.compress(b"text,label\n")))
