"""Sources made on the spot: pictures, class folders, zips."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Folders = Mapping[str, int]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches of its own for each test."""
    monkeypatch.setenv("HFTRANSFER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Makes a small image file that differs with its seed."""

    def make(seed: int = 0, kind: str = "JPEG", side: int = 16) -> bytes:
        pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        return file.getvalue()

    return make


@pytest.fixture
def class_folders(tmp_path: Path, picture: Callable[..., bytes]) -> Callable[..., Path]:
    """Writes folders with so many pictures each; `x/y` makes nested ones."""

    def make(folders: Folders, name: str = "pets") -> Path:
        root = tmp_path / name
        seed = 0
        for folder, count in folders.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                seed += 1
                (root / folder / f"{number:03d}.jpg").write_bytes(picture(seed))
        return root

    return make


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """Writes a zip of the given members, or of a folder (wrapped in a top folder or not)."""

    def make(members: Mapping[str, bytes] | Path, name: str = "data.zip", wrapped: bool = False) -> Path:
        if isinstance(members, Path):
            base = members.parent if wrapped else members
            files = sorted(path for path in members.rglob("*") if path.is_file())
            members = {path.relative_to(base).as_posix(): path.read_bytes() for path in files}
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return tmp_path / name

    return make


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of text or bytes."""

    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return make


@pytest.fixture
def messages() -> list[tuple[str, str]]:
    """Forty texts of two labels."""
    good = [(f"what a lovely day number {i} it was", "good") for i in range(20)]
    return good + [(f"how sad a day number {i} was, alas", "bad") for i in range(20)]


@pytest.fixture
def others(messages: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many texts of the same labels, none of them like one of `messages`."""
    return [(text.replace("day", "long evening"), label) for text, label in messages]
