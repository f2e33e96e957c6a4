"""The builds' command line: what a person gives wrongly ends in one clear line, and nothing is left behind."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from transformers import MobileNetV2Config, MobileNetV2ImageProcessor, MobileNetV2Model

from hftransfer.models.starters.build import __main__ as door
from hftransfer.models.starters.build.pictures import photo_bank
from tests.tiny import image_backbone, text_backbone

Given = Callable[[Path], list[str | Path]]


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__dot__", "."), content)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def vision(folder: Path, *photos: Path, teacher: str | Path | None = None) -> list[str | Path]:
    return ["vision", *photos, "--teacher", teacher or mobilenet(folder), "--work", folder / "work"]


def text(folder: Path, *texts: str | Path, teacher: Path | None = None) -> list[str | Path]:
    return ["text", *texts, "--teacher", teacher or text_backbone(folder / "t"), "--work", folder / "work"]


def mobilenet(folder: Path) -> Path:
    MobileNetV2Model(MobileNetV2Config(depth_multiplier=0.35)).save_pretrained(folder / "teacher")
    MobileNetV2ImageProcessor().save_pretrained(folder / "teacher")
    return folder / "teacher"


WRONG: dict[str, tuple[Given, str]] = {
    "no such teacher": (lambda at: vision(at, teacher=at / "nowhere"), "nowhere"),
    "a teacher of texts": (lambda at: vision(at, teacher=text_backbone(at / "t")), "no backbone for images"),
    "a teacher of another kind": (lambda at: vision(at, teacher=image_backbone(at / "v")), "is a ViTModel"),
    "no zip": (lambda at: vision(at, written(at / "p.zip", b"none")), "this is no zip"),
    "no images": (lambda at: vision(at, zipped(at / "p.zip", notes__dot__txt=b"none")), "holds no images"),
    "a broken image": (lambda at: vision(at, zipped(at / "p.zip", broken__dot__png=b"none")), "broken.png"),
    "a teacher of images": (
        lambda at: text(at, written(at / "t.txt", b"a\nb"), teacher=mobilenet(at)),
        "no backbone for texts",
    ),
    "not UTF-8": (lambda at: text(at, written(at / "t.txt", b"caf\xe9")), "save it as UTF-8"),
    "a teacher too narrow": (lambda at: text(at, written(at / "t.txt", b"a\nb")), "the teacher is 16 wide"),
    "no column": (lambda at: text(at, written(at / "t.csv", b"a,b")), "no column of texts is named"),
    "no such file": (lambda at: text(at, at / "gone.txt"), "no such file"),
    "no such option": (lambda at: ["text", "--nothing"], "No such option"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told(wrong: str, tmp_path: Path, monkeypatch, capsys) -> None:
    given, told = WRONG[wrong]
    words = [*given(tmp_path), "-o", tmp_path / "out"]
    monkeypatch.setattr(door.vision_starter, "painted_bank", lambda *how: None)  # some minutes of painting
    monkeypatch.setattr(sys, "argv", ["build", *map(str, words)])
    assert door.run() == 2
    err = capsys.readouterr().err
    assert told in err and "Traceback" not in err
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob("work/*.npy"))


def test_what_systems_leave_in_zips_is_no_photo(tmp_path: Path) -> None:
    image = io.BytesIO()
    Image.new("RGB", (8, 8)).save(image, "PNG")
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/1.png", "__MACOSX/a/._1.png", "a/.hidden.png"):
            archive.writestr(name, image.getvalue())
    assert len(photo_bank(tmp_path, [path], lambda line: None)) == 1


def test_stopping_it_leaves_with_130(monkeypatch, capsys) -> None:
    def stop(**words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(door, "main", stop)
    assert door.run() == 130
    assert "goes on where it was" in capsys.readouterr().err
