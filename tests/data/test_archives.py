from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hftransfer.data import load_data
from hftransfer.errors import SourceError


@pytest.fixture
def pets(picture) -> dict[str, bytes]:
    return {f"pets/{label}/{i}.jpg": picture(i) for label in ("cat", "dog") for i in range(6)}


def refused(path, message: str) -> SourceError:
    with pytest.raises(SourceError, match=message) as caught:
        load_data(path)
    assert str(path) in caught.value.place and caught.value.fix
    return caught.value


@pytest.mark.parametrize("content", [b"", b"not a zip at all", b"PK\x03\x04 and then nothing"])
def test_a_zip_that_is_no_zip(table, content):
    refused(table("pets.zip", content), "no zip archive")


def test_a_cut_zip(table, zipped, pets):
    whole = zipped(pets).read_bytes()
    refused(table("cut.zip", whole[: len(whole) // 2]), "no zip archive")


@pytest.mark.parametrize("members", [{}, {"__MACOSX/cat/._1.jpg": b"x", "cat/.DS_Store": b"x", "dog/": b""}])
def test_an_empty_zip(zipped, members):
    refused(zipped(members), "nothing in it")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../cat/evil.jpg", "points out of it"),
        ("pets/cat/../../../evil.jpg", "points out of it"),
        ("pets\\cat\\..\\..\\..\\evil.jpg", "points out of it"),
        ("/cat/evil.jpg", "absolute path"),
        ("\\\\server\\evil.jpg", "absolute path"),
        ("C:\\cat\\evil.jpg", "absolute path"),
    ],
)
def test_members_that_point_elsewhere(zipped, pets, picture, tmp_path, name, message):
    path = zipped({**pets, name: picture()})
    before = sorted(tmp_path.rglob("*"))
    assert name.replace("\\", "/").strip("/") in refused(path, message).place.replace("\\", "/")
    assert sorted(file for file in tmp_path.rglob("*") if "home" not in file.parts) == before


def test_a_member_that_is_a_link(zipped, pets):
    path = zipped(pets)
    link = zipfile.ZipInfo("pets/cat/link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(path, "is a link")


def test_an_encrypted_member(zipped, pets):
    path = zipped(pets)
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    path.write_bytes(content)
    refused(path, "is encrypted")


def test_a_bomb(zipped, pets):
    refused(zipped({**pets, "pets/cat/bomb.bmp": bytes(12 * 2**20)}), "over 200 times its size")


def test_more_than_the_limits(zipped, pets, monkeypatch):
    path = zipped(pets)
    monkeypatch.setenv("HFTRANSFER_MAX_FILES", "5")
    assert "HFTRANSFER_MAX_FILES" in refused(path, "more than 5 members").fix
    monkeypatch.delenv("HFTRANSFER_MAX_FILES")
    monkeypatch.setenv("HFTRANSFER_MAX_UNPACKED_GB", "1e-6")
    assert "HFTRANSFER_MAX_UNPACKED_GB" in refused(path, "unpacks to more than 1e-06 GB").fix


def damage(path, name: str) -> None:
    """Change bytes inside a stored member, so that its checksum is wrong."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    content = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(name) + info.compress_size // 2
    content[start : start + 4] = b"\xff\x00\xff\x00"
    path.write_bytes(content)


def test_a_damaged_image_is_set_aside(zipped, pets):
    path = zipped(pets)
    damage(path, "pets/dog/2.jpg")
    data = load_data(path)
    assert [p.where for p in data.problems if p.code == "unreadable-image"] == ["pets/dog/2.jpg"]


def test_a_damaged_table_is_refused(zipped):
    rows = "".join(f"text number {i * i * 7919 % 10007},{'ab'[i % 2]}\n" for i in range(5000))
    path = zipped({"train.csv": b"text,label\n" + rows.encode()})
    damage(path, "train.csv")
    assert "train.csv" in refused(path, "the archive is damaged").place


def test_a_zip_under_another_name(zipped, pets):
    assert load_data(zipped(pets, name="pets.upload")).labels == ("cat", "dog")


def test_names_written_by_windows(zipped, pets):
    data = load_data(zipped({name.replace("/", "\\"): content for name, content in pets.items()}))
    assert data.labels == ("cat", "dog")


def test_a_member_that_shrank_too_much_is_refused_with_the_setting_that_allows_it(zipped, pets):
    error = refused(zipped({**pets, "pets/cat/bomb.bmp": bytes(12 * 2**20)}), "over 200 times its size")
    assert "pets/cat/bomb.bmp" in error.place and "HFTRANSFER_MAX_RATIO" in error.fix


NAMES = {
    "gb18030": [("猫", "狗"), ("好评", "差评"), ("苹果", "香蕉")],
    "big5": [("好評", "負評"), ("蘋果", "香蕉")],
    "cp932": [("りんご", "写真")],
    "euc_kr": [("고양이", "개")],
    "cp866": [("кошка", "собака")],
    "cp437": [("café", "thé"), ("señor", "año"), ("très bon", "déçu")],
}


def unflagged(path: Path, names: Mapping[str, bytes]) -> Path:
    """Write other bytes in place of names in a zip: as programs do that do not say what those are."""
    content = path.read_bytes()
    for name, other in names.items():
        content = content.replace(name.encode(), other)
    path.write_bytes(content)
    return path


def named_in(zipped, picture, names: tuple[str, ...], encoding: str) -> Path:
    own = {f"{number}" * len(name.encode(encoding)): name.encode(encoding) for number, name in enumerate(names, 5)}
    path = zipped({f"{name}/{n}.jpg": picture(n + 9 * i) for i, name in enumerate(own) for n in range(6)})
    return unflagged(path, {f"{name}/": other + b"/" for name, other in own.items()})


@pytest.mark.parametrize(("encoding", "names"), [(encoding, pair) for encoding in NAMES for pair in NAMES[encoding]])
def test_names_that_do_not_say_what_they_are_in(zipped, picture, encoding, names):
    data = load_data(named_in(zipped, picture, names, encoding))
    assert set(data.labels) == set(names)
    (told,) = (problem for problem in data.problems if problem.code == "encoding")
    assert told.message == f"the names in the archive are not in UTF-8: they were read as {encoding}"


def test_names_in_utf8_that_do_not_say_so(zipped, picture):
    data = load_data(named_in(zipped, picture, ("猫", "狗"), "utf-8"))
    assert set(data.labels) == {"猫", "狗"}
    assert "encoding" not in {problem.code for problem in data.problems}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_the_same_path_are_told(zipped, tarred, pets, picture):
    path, name = zipped(pets), "pets/cat/0.jpg"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, picture(40))
        archive.writestr(name.replace("/", "\\"), picture(41))
    packed = tarred([*pets.items(), (name, picture(40)), (f"./{name}", picture(41))])
    for source in (path, packed):
        data = load_data(source)
        (told,) = (problem for problem in data.problems if problem.code == "same-path")
        assert (told.message.partition(",")[0], told.where) == ("2 files were left out", name)
        assert sum(data.rows.values()) == len(pets)


@pytest.fixture
def tarred(tmp_path: Path) -> Callable[[Sequence[tuple[str, bytes]]], Path]:
    def make(members: Sequence[tuple[str, bytes]]) -> Path:
        with tarfile.open(tmp_path / "data.tar", "w") as archive:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        return tmp_path / "data.tar"

    return make
