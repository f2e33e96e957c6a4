from __future__ import annotations

import json
import os
from collections import Counter

import datasets
import pytest

from hftransfer import HFTransferError, Recipe
from hftransfer.data import check, load_data
from hftransfer.errors import RecipeError, SourceError, SourceMissing


def codes(data) -> set[str]:
    return {problem.code for problem in data.problems}


def counted(split: datasets.Dataset) -> Counter:
    return Counter(split.features["label"].int2str(split["label"][:]))


def test_class_folders_become_three_stratified_splits(class_folders):
    data = load_data(str(class_folders({"cat": 20, "dog": 40})))
    assert (data.name, data.task, data.labels) == ("pets", "image-classification", ("cat", "dog"))
    assert data.rows == {"train": 42, "validation": 9, "test": 9}
    assert data.evaluated_on == "test"
    assert counted(data.splits["test"]) == {"cat": 3, "dog": 6}
    row = data.splits["train"][0]
    assert set(row) == {"image", "label", "origin"}
    assert row["origin"].startswith("cat/") and row["image"].size == (16, 16)
    assert data.splits["train"].features["image"] == datasets.Image()


def test_images_keep_their_own_bytes(class_folders):
    root = class_folders({"cat": 4, "dog": 4})
    split = load_data(root).splits["train"].cast_column("image", datasets.Image(decode=False))
    for row in split:
        assert row["image"]["bytes"] == (root / row["origin"]).read_bytes()


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_zip_gives_what_its_folder_gives(class_folders, zipped, wrapped):
    root = class_folders({"cat": 10, "dog": 10})
    folder, archive = load_data(root), load_data(zipped(root, wrapped=wrapped))
    assert (archive.labels, archive.rows) == (folder.labels, folder.rows)
    assert archive.digests == folder.digests


@pytest.mark.parametrize("validation", ["validation", "val", "Valid", "dev", "EVAL"])
@pytest.mark.parametrize("test", ["test", "Testing"])
def test_split_folders_and_their_synonyms(class_folders, validation, test):
    root = class_folders({f"{split}/{label}": 3 for split in ("Train", validation, test) for label in "ab"})
    data = load_data(root)
    assert data.rows == {"train": 6, "validation": 6, "test": 6}
    assert all(origin.startswith(f"{test}/") for origin in data.splits["test"]["origin"])


def test_validation_is_never_taken_from_test(class_folders):
    data = load_data(class_folders({"train/a": 20, "train/b": 20, "test/a": 5, "test/b": 5}))
    assert data.rows == {"train": 34, "validation": 6, "test": 10}
    assert all(origin.startswith("train/") for origin in data.splits["validation"]["origin"])


def test_train_and_validation_alone_report_on_validation(class_folders):
    data = load_data(class_folders({"train/a": 5, "train/b": 5, "val/a": 2, "val/b": 2}))
    assert data.rows == {"train": 10, "validation": 4, "test": 0}
    assert data.evaluated_on == "validation"


def test_a_class_may_be_called_like_a_split(class_folders):
    assert load_data(class_folders({"train": 6, "plane": 6})).labels == ("plane", "train")


def test_an_unlabelled_test_folder_is_left_out(class_folders):
    data = load_data(class_folders({"train/a": 10, "train/b": 10, "test": 5}))
    assert sum(data.rows.values()) == 20
    assert "left-out" in codes(data)


def test_file_names_that_are_no_text_can_be_told_of(class_folders, picture):
    root = class_folders({"cat": 6, "dog": 6})
    (root / os.fsdecode(b"caf\xe9.jpg")).write_bytes(picture())
    (root / "cat" / os.fsdecode(b"na\xefve.jpg")).write_bytes(b"")
    (root / os.fsdecode(b"notes\xff")).mkdir()
    (root / os.fsdecode(b"notes\xff") / "a.doc").write_bytes(b"x")
    told = json.dumps(check(root), ensure_ascii=False).encode()
    assert b"caf?.jpg" in told and b"na?ve.jpg" in told


def test_nested_folders_count_into_their_class(class_folders):
    data = load_data(class_folders({"cat/black": 4, "cat/white/old": 4, "dog": 8}))
    assert data.labels == ("cat", "dog") and sum(data.rows.values()) == 16


def test_junk_and_empty_folders_are_no_classes(class_folders, picture):
    junk = {"__MACOSX/cat": 2, ".ipynb_checkpoints": 2, ".hidden": 2, "cat/.thumbs": 2}
    root = class_folders({"cat": 6, "dog": 6, **junk})
    (root / "empty").mkdir()
    (root / ".DS_Store").write_bytes(b"\0")
    (root / "cat" / "Thumbs.db").write_bytes(b"\0")
    (root / "dog" / "._000.jpg").write_bytes(b"\0")
    data = load_data(root)
    assert data.labels == ("cat", "dog") and sum(data.rows.values()) == 12
    assert {problem.severity for problem in data.problems} == {"info"}


def test_folders_linked_in_a_circle_end(class_folders):
    root = class_folders({"cat": 6, "dog": 6})
    os.symlink(root, root / "dog" / "again")
    assert sum(load_data(root).rows.values()) == 12


def test_names_that_are_no_utf8(class_folders, picture):
    root = class_folders({"cat": 6, "dog": 6})
    (root / os.fsdecode(b"caf\xe9")).mkdir()
    for number in range(6):
        (root / os.fsdecode(b"caf\xe9/\xff%d.jpg" % number)).write_bytes(picture(number))
    data = load_data(root)
    assert data.labels == ("caf?", "cat", "dog") and data.rows["train"] == 12


def test_class_folders_of_texts(tmp_path):
    for label in ("pos", "neg"):
        (tmp_path / "reviews" / label).mkdir(parents=True)
        for number in range(5):
            (tmp_path / "reviews" / label / f"{number}.txt").write_text(f"{label} review, number {number}\n")
    data = load_data(tmp_path / "reviews")
    assert (data.task, data.labels) == ("text-classification", ("neg", "pos"))
    assert data.splits["train"][0]["text"].startswith("neg review")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda content: content[: len(content) // 2], "truncated-image"),
        (lambda content: b"no image", "unreadable-image"),
        (bytes.hex, "unreadable-image"),
    ],
)
def test_broken_images_are_named_and_set_aside(class_folders, spoil, code):
    root = class_folders({"cat": 8, "dog": 8})
    broken = root / "cat" / "003.jpg"
    spoilt = spoil(broken.read_bytes())
    broken.write_bytes(spoilt if isinstance(spoilt, bytes) else spoilt.encode())
    data = load_data(root)
    (problem,) = [problem for problem in data.problems if problem.severity == "warning"]
    assert (problem.code, problem.where) == (code, "cat/003.jpg")
    assert sum(data.rows.values()) == 15


def test_an_image_bomb_is_set_aside(class_folders):
    root = class_folders({"cat": 6, "dog": 6})
    from_header = b"BM" + bytes(8) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    side = (20_000).to_bytes(4, "little")
    bomb = from_header + side + side + b"\1\0\x18\0" + bytes(24)
    (root / "cat" / "bomb.bmp").write_bytes(bomb)
    data = load_data(root)
    assert [p.where for p in data.problems if p.code == "oversized-image"] == ["cat/bomb.bmp"]


def test_too_many_broken_images_are_refused(class_folders, home):
    root = class_folders({"cat": 6, "dog": 6})
    for path in [*root.rglob("00[0-3].jpg")]:
        path.write_bytes(b"")
    with pytest.raises(SourceError, match="most rows cannot be used: 8 rows"):
        load_data(root)
    assert not list((home / "datasets").iterdir())


def test_a_class_that_lost_nearly_all_is_refused(class_folders):
    root = class_folders({"cat": 2, "dog": 20})
    (root / "cat" / "000.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match=r"class 'cat' has 1 row left: .*cat/000.jpg"):
        load_data(root)


def test_a_single_class(class_folders):
    with pytest.raises(SourceError, match="a single class, 'cat'"):
        load_data(class_folders({"cat": 5}))


def test_a_single_class_in_a_wrapping_folder(class_folders):
    with pytest.raises(SourceError, match="a single class, 'cat'"):
        load_data(class_folders({"all/cat": 5}))


def test_images_without_class_folders(class_folders):
    with pytest.raises(SourceError, match="no class folders"):
        load_data(class_folders({".": 5}))


@pytest.mark.parametrize("content", [[], ["cats"], [".DS_Store"]])
def test_empty_folders(tmp_path, content):
    (tmp_path / "empty").mkdir()
    for name in content:
        (tmp_path / "empty" / name).mkdir()
    with pytest.raises(SourceError, match="nothing in it"):
        load_data(tmp_path / "empty")


def test_a_folder_of_other_things(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "README.txt").write_text("hello\n")
    with pytest.raises(SourceError, match="no images and no tables"):
        load_data(tmp_path / "notes")


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(SourceMissing) as caught:
        load_data(tmp_path / "nothing")
    assert str(tmp_path / "nothing") in str(caught.value) and isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize("source", ["no/such/folder/here", "nosuch.csv", "./nosuch", "a" * 5000, "nul\0byte"])
def test_names_of_nothing(source):
    with pytest.raises(SourceMissing):
        load_data(source)


def test_a_lone_image_is_no_data_set(tmp_path, picture):
    (tmp_path / "cat.jpg").write_bytes(picture())
    with pytest.raises(SourceError, match="neither a table nor an archive"):
        load_data(tmp_path / "cat.jpg")


def test_a_task_of_the_wrong_modality(class_folders):
    with pytest.raises(RecipeError, match="holds images, which text-classification does not take"):
        load_data(class_folders({"cat": 5, "dog": 5}), Recipe(task="text-classification"))


def test_check_counts_usable_rows(class_folders):
    root = class_folders({"cat": 8, "dog": 9})
    (root / "dog" / "001.jpg").write_bytes(b"")
    report = check(root)
    assert (report["task"], report["rows"]) == ("image-classification", 16)
    assert report["labels"] == {"cat": 8, "dog": 8}
    assert {"unreadable-image", "carved-splits"} == {problem["code"] for problem in report["problems"]}
    assert set(report["problems"][0]) == {"code", "severity", "where", "message", "fix"}


def test_check_refuses_what_load_data_refuses(class_folders):
    with pytest.raises(HFTransferError, match="single class"):
        check(class_folders({"cat": 5}))
