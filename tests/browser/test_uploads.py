"""What a visitor uploads stays in its own room, and opens nothing outside it."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

from hftransfer.data import load_data
from hftransfer.data.packed.archives import SUFFIXES, open_archive
from hftransfer.errors import HFTransferError, SourceError
from hftransfer.jobs.supervisor import owner_of
from hftransfer.ui import uploads
from hftransfer.ui.train import form, same
from hftransfer.ui.train.unlabelled import keep
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


def test_tables_and_zips_are_kept_whole_in_their_visitors_room(tmp_path: Path, own_home: Path) -> None:
    for source in (table(tmp_path / "t.csv"), pictures(tmp_path / "p.zip")):
        rows = load_data(source).rows
        kept = uploads.keep(source, "visitor")
        assert kept.is_relative_to(own_home / "uploads" / "visitor") and kept.name == f"{source.stem}.zip"
        assert load_data(kept).rows == rows


def test_tars_are_kept_as_they_are(tmp_path: Path, own_home: Path) -> None:
    assert set(uploads.ARCHIVES) <= set(SUFFIXES)
    rows = load_data(pictures(tmp_path / "p.zip")).rows
    for name, mode in (("p.tar", "w"), ("P.Tar.GZ", "w:gz"), ("p.tgz", "w:gz"), ("a.b.tar.xz", "w:xz")):
        with zipfile.ZipFile(tmp_path / "p.zip") as given, tarfile.open(tmp_path / name, mode) as archive:
            for member in given.infolist():
                header = tarfile.TarInfo(member.filename)
                header.size = member.file_size
                archive.addfile(header, given.open(member))
        kept = uploads.keep(tmp_path / name, "visitor")
        assert kept.name.lower() == name.lower() and kept.is_relative_to(own_home / "uploads" / "visitor")
        assert load_data(kept).rows == rows


def test_two_visitors_may_give_the_same_file(tmp_path: Path) -> None:
    for source in (table(tmp_path / "t.csv"), pictures(tmp_path / "p.zip")):
        first, second = (uploads.keep(source, visitor) for visitor in ("ann", "bob"))
        source.unlink()  # as the cache does in time
        assert load_data(first).rows == load_data(second).rows


def test_a_table_that_repeats_itself_is_no_bomb(tmp_path: Path) -> None:
    source = tmp_path / "dull.csv"
    source.write_text("text,label\n" + "the same words,good\n" * 600_000)
    assert [entry.path for entry in open_archive(uploads.keep(source, "ann")).entries] == ["dull.csv"]


def test_a_file_that_cannot_be_kept_is_told_in_words(tmp_path: Path, own_home: Path) -> None:
    (own_home / "uploads").mkdir(parents=True)
    (own_home / "uploads" / "ann").write_text("in the way")
    with pytest.raises(HFTransferError):
        uploads.keep(table(tmp_path / "t.csv"), "ann")
    with pytest.raises(SourceError, match="No such file"):
        uploads.keep(tmp_path / "gone.csv", "bob")


def test_examples_without_labels_are_named_by_their_owner_alone(tmp_path: Path) -> None:
    """The page gives back the name that it was given: nothing else is opened by it."""
    (tmp_path / "more.txt").write_text("a day\n")
    _, name, _ = keep(str(tmp_path / "more.txt"), "ann's secret")
    ann = owner_of("ann's secret")
    values = [name if entry.name == "pseudo_label" else None for entry in form.shown()]
    asked = form.recipe(values, ann).pseudo_label
    assert Path(str(asked)).read_text() == "a day\n" and str(ann) in str(asked)
    assert same.named({"pseudo_label": asked, "epochs": 2}) == {"pseudo_label": "more.txt", "epochs": 2}
    folder, file = name.split("/")
    sly = (f"{folder}/../{folder}/{file}", f"../{ann}/{name}", str(asked), str(tmp_path / "more.txt"), folder, "/")
    for given, owner in ((name, owner_of("bob's")), *((given, ann) for given in sly)):
        with pytest.raises(SourceError, match="no longer here"):
            form.recipe([given if value else None for value in values], owner)
    with pytest.raises(SourceError):
        uploads.keep(tmp_path / "more.txt", ann)  # as data it has no labels


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.exe").write_bytes(b"MZ")
    with pytest.raises(SourceError):
        uploads.keep(tmp_path / "x.exe", "visitor")
