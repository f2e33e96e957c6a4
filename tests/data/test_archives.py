from __future__ import annotations

import stat
import zipfile

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
