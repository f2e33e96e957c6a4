"""Inputs without labels, from whatever they lie in."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hftransfer.data import load_unlabelled
from hftransfer.errors import SourceError
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.values import Part, silent
from tests.tiny import picture

TEXT, IMAGE = get_task("text-classification"), get_task("image-classification")


def read(path: Path, task=TEXT, *, pairs: bool = False, **choices: object) -> Part:
    return load_unlabelled(str(path), task, Recipe(**choices), pairs=pairs, on_event=silent)


def test_texts_come_from_lines_tables_and_files(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("one day\n\nanother day\n", encoding="utf-8")
    (tmp_path / "u.csv").write_text("text,label\none day,x\nanother day,\n", encoding="utf-8")
    folder = tmp_path / "many"
    folder.mkdir()
    for name, text in (("a", "one day"), ("b", "another day")):
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    parts = [read(path) for path in (tmp_path / "u.txt", tmp_path / "u.csv", folder)]
    assert all(part.rows["text"] == ["one day", "another day"] for part in parts)
    assert len({part.digest for part in parts}) == 1 and parts[0].rows.column_names == ["text", "origin"]


def test_pairs_and_what_names_a_person(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("one\ttwo\n", encoding="utf-8")
    assert read(tmp_path / "u.txt", pairs=True).rows["text"] == [["one", "two"]]
    (tmp_path / "m.txt").write_text("write to me@example.org\n", encoding="utf-8")
    assert read(tmp_path / "m.txt", redact=True).rows["text"] == ["write to [email]"]


def test_images_come_from_folders_and_archives_however_deep(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "u.zip", "w") as archive:
        archive.writestr("a/1.png", picture("amber", 1))
        archive.writestr("a/b/2.png", picture("indigo", 2))
        archive.writestr("a/broken.png", b"no image")
    found = read(tmp_path / "u.zip", IMAGE)
    assert found.rows["origin"] == ["a/1.png", "a/b/2.png"] and found.rows[0]["image"].size == (32, 32)


@pytest.mark.parametrize("task", [TEXT, IMAGE])
def test_what_holds_none_is_refused(task, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.bin").write_bytes(b"0" * 600)
    for path in (tmp_path / "empty", tmp_path / "x.bin", tmp_path / "nothing"):
        with pytest.raises(SourceError):
            read(path, task)
