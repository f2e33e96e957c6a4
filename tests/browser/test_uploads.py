"""What a visitor uploads stays in its own room, and opens nothing outside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hftransfer.data import load_data
from hftransfer.errors import SourceError
from hftransfer.ui import uploads
from tests.tiny import picture, pictures, table


def test_a_table_cannot_reach_the_servers_images(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"{number}.png").write_bytes(picture("amber", number))
    sly = tmp_path / "sly.csv"
    rows = [f"{place},{number % 2}" for number in range(8) for place in (tmp_path / f"{number}.png",)]
    rows += [f"../../../../{tmp_path}/{number}.png,{number % 2}" for number in range(8)]
    sly.write_text("image,label\n" + "\n".join(rows))
    assert load_data(sly).rows["train"] > 0  # on one's own machine that is what is wanted
    with pytest.raises(SourceError):
        load_data(uploads.keep(sly, "visitor"))


def test_tables_and_zips_are_kept_whole_and_out_of_the_cache(tmp_path: Path, own_home: Path) -> None:
    for source in (table(tmp_path / "t.csv"), pictures(tmp_path / "p.zip")):
        rows = load_data(source).rows
        kept = uploads.keep(source, "visitor")
        assert not source.exists() and kept.is_relative_to(own_home / "uploads" / "visitor")
        assert load_data(kept).rows == rows


def test_other_files_are_refused_and_deleted(tmp_path: Path) -> None:
    (tmp_path / "x.exe").write_bytes(b"MZ")
    with pytest.raises(SourceError):
        uploads.keep(tmp_path / "x.exe", "visitor")
    assert not (tmp_path / "x.exe").exists()
