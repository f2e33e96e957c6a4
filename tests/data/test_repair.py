"""A clean copy: whole or not at all, everything told, and nothing of what was repaired found in it again."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from hftransfer.data import load_data, repair, repairable
from hftransfer.data.sources import check
from hftransfer.errors import OutputError, SourceError
from hftransfer.pixels import upright
from hftransfer.recipe import Recipe
from hftransfer.values import Problem

from .test_doctor import album, lines, photo, rows_of, sentence, stored


def left_out(copy: Path) -> list[dict[str, str]]:
    path = copy / "left-out.csv"
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))) if path.exists() else []


def codes(problems) -> set[str]:
    return {problem["code"] for problem in problems}


def done(report) -> dict[str, int]:
    return {row["code"]: row["count"] for row in report["repaired"]}


def everything() -> list[tuple[str | None, str | None]]:
    """Texts with every fault that is repaired; the first sixty are sound."""
    rows = [(sentence(seed), ("cat", "dog")[seed % 2]) for seed in range(60)]
    return [
        *rows,
        ("the cafÃ© was lovely this evening", "cat"),
        ("zero\u200bwidth and a bell \x07", "dog"),
        ("  pushed to the right by spaces", "cat"),
        (sentence(901), "Cat"),
        (sentence(902), None),
        ("   ", "cat"),
        rows[3],
        (rows[4][0], "Cat"),  # the same label in another way: a copy, no conflict
        (rows[5][0], "cat"),
        ("zerowidth and a bell", "dog"),  # the same as another, once that is clean
    ]


def test_texts(table, tmp_path):
    source = table("t.jsonl", lines(everything()))
    before = source.read_bytes()
    report = repair(source, Recipe(), tmp_path / "clean")
    assert source.read_bytes() == before
    assert done(report) == {
        "mojibake": 1,
        "hidden-characters": 1,
        "whitespace-text": 1,
        "label-spelling": 2,
        "exact-duplicate": 3,
        "label-conflict": 2,
        "missing-label": 1,
        "empty-text": 1,
    }
    gone = left_out(tmp_path / "clean")
    assert len(gone) == report["left_out"] == 7 and report["copy"]["rows"] == len(everything()) - 7
    assert {row["place"]: row["code"] for row in gone}["t.jsonl:69"] == "label-conflict"
    assert all(row["reason"] for row in gone)
    assert set(done(report)) <= codes(report["problems"]) and not set(done(report)) & codes(report["copy"]["problems"])
    texts = {json.loads(line)["text"] for line in (tmp_path / "clean" / "all.jsonl").read_text("utf-8").splitlines()}
    assert {"the café was lovely this evening", "zerowidth and a bell", "pushed to the right by spaces"} <= texts
    assert check(tmp_path / "clean")["labels"].keys() == {"cat", "dog"}


def test_a_copy_of_sound_data_is_the_same(table, tmp_path):
    report = repair(table("t.jsonl", lines(rows_of(40))), Recipe(), tmp_path / "clean")
    assert report["repaired"] == [] and report["left_out"] == 0 and os.listdir(tmp_path / "clean") == ["all.jsonl"]
    assert (tmp_path / "clean" / "all.jsonl").read_text() == lines(rows_of(40))


def test_splits_are_kept_and_do_not_leak(table, tmp_path):
    train, test = [*rows_of(40), rows_of(1, 200)[0]], [*rows_of(12, 200), rows_of(1, 202)[0]]
    table("set/train.jsonl", lines(train))
    source = table("set/test.jsonl", lines(test)).parent
    report = repair(source, Recipe(), tmp_path / "clean")
    assert done(report) == {"split-leakage": 1, "exact-duplicate": 1}
    assert not codes(report["copy"]["problems"]) & {"split-leakage", "exact-duplicate"}
    assert load_data(tmp_path / "clean").rows["test"] == 12
    assert {path.name for path in (tmp_path / "clean").iterdir()} == {"train.jsonl", "test.jsonl", "left-out.csv"}


def test_a_repair_leaves_out_what_reading_would(table, tmp_path):
    """Where most of train would go, it stays in the copy, as it does without one; what train has twice goes."""
    rows = rows_of(40)
    table("set/train.jsonl", lines([*rows, rows[0]]))
    source = table("set/test.jsonl", lines(rows[:30])).parent
    report = repair(source, Recipe(), tmp_path / "clean")
    assert done(report) == {"exact-duplicate": 1} and report["copy"]["rows"] == 70
    assert "split-overlap" in codes(report["copy"]["problems"]) and not repairable(
        map(told, report["copy"]["problems"])
    )


def told(problem) -> Problem:
    return Problem(**problem)


TARGETS = {
    "text-multi-label": [json.dumps([["Red", "red", "blue"][n % 3], "big"][: 1 + n % 2]) for n in range(30)],
    "text-regression": [str(n / 8) for n in range(30)],
    "token-classification": ["2:6:Who" if n == 9 else "2:6:WHO" for n in range(30)],
}


@pytest.mark.parametrize("task", TARGETS)
def test_labels_of_every_target_travel(table, tmp_path, task):
    rows = [(f"  Mary\u200b knows {sentence(n)}", label) for n, label in enumerate(TARGETS[task])]
    report = repair(table("t.jsonl", lines(rows)), Recipe(), tmp_path / "clean")
    assert report["task"] == report["copy"]["task"] == task
    assert {"hidden-characters", "whitespace-text"} <= done(report).keys()
    assert not done(report).keys() & codes(report["copy"]["problems"])
    assert ("label-spelling" in done(report)) == (task != "text-regression")
    assert report["copy"]["rows"] == 30


def test_words_stay_where_they_are(table, tmp_path):
    rows = [(f"  Mary\u200b knows {sentence(n)}", label) for n, label in enumerate(TARGETS["token-classification"])]
    repair(table("t.jsonl", lines(rows)), Recipe(), tmp_path / "clean")
    data = load_data(tmp_path / "clean")
    for row in data.splits["train"]:
        assert row["text"].startswith("Mary knows ")
        tagged = [(row["text"][word["start"] : word["end"]], data.labels[word["tag"]]) for word in row["label"]]
        assert tagged[:2] == [("Mary", "B-WHO"), ("knows", "O")] and len(tagged) == 11


def test_words_with_tags_stay_words(table, tmp_path):
    """Whatever their signs: `don't` is one word where it was one."""
    table(
        "t.conll", "".join(f"Ann B-PER\ndon't O\n{sentence(n).replace(' ', ' O' + chr(10))} O\n\n" for n in range(20))
    )
    report = repair(tmp_path / "t.conll", Recipe(), tmp_path / "clean")
    assert report["repaired"] == [] and report["task"] == "token-classification"
    first, again = (load_data(source).splits["train"] for source in (tmp_path / "t.conll", tmp_path / "clean"))
    assert first["text"][:] == again["text"][:] and first["label"][:] == again["label"][:]


def test_a_number_keeps_its_name(tmp_path, table):
    rows = [f"  {sentence(n)},{n / 8}" for n in range(40)]
    source = table("t.csv", "\n".join(["review,stars", *rows]))
    report = repair(source, Recipe(), tmp_path / "clean")
    assert report["labels"] == report["copy"]["labels"] == check(source)["labels"] == {"stars": 40}
    assert load_data(tmp_path / "clean").labels == ("stars",)
    headless = repair(table("h.csv", "\n".join(rows)), Recipe(), tmp_path / "headless")
    assert headless["copy"]["labels"] == {"label": 40}


def test_a_label_of_the_wrong_encoding(table, tmp_path):
    rows = [(sentence(n), ("cafÃ©", "tea")[n % 2]) for n in range(40)]
    report = repair(table("t.jsonl", lines(rows)), Recipe(), tmp_path / "clean")
    assert done(report) == {"label-spelling": 20} and report["copy"]["labels"] == {"café": 20, "tea": 20}


def test_pairs(table, tmp_path):
    rows = [f"{sentence(n)},{sentence(n + 50)},{n / 8}" for n in range(24)]
    rows[3] = f"the cafÃ© was lovely,a\u200bb {sentence(5)},2.5"
    source = table("t.csv", "\n".join(["sentence1,sentence2,score", *rows, rows[6]]))
    report = repair(source, Recipe(), tmp_path / "clean")
    assert done(report) == {"mojibake": 1, "hidden-characters": 1, "exact-duplicate": 1}
    data = load_data(tmp_path / "clean")
    texts = {tuple(pair) for part in data.splits.values() for pair in part["text"]}
    assert data.task == report["task"] == "text-regression" and len(texts) == 24
    assert ("the café was lovely", f"ab {sentence(5)}") in texts


def test_class_folders_of_images(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6
    source = album(
        tmp_path,
        {
            "a/again.png": stored(photo(4), "BMP"),
            "b/other.png": stored(photo(6), "PNG"),
            "b/broken.jpg": b"no picture at all",
            "a/lying.jpg": stored(photo(70), "JPEG", quality=95, exif=turned),
            "a/named wrongly.gif": stored(photo(71), "PNG"),
            "A/one.png": stored(photo(72), "PNG"),
        },
    )
    report = repair(source, Recipe(), tmp_path / "clean")
    there = {path.relative_to(tmp_path / "clean").as_posix() for path in (tmp_path / "clean").rglob("*.*")}
    assert {"a/lying.jpg", "a/named wrongly.png", "A/one.png"} <= there and "b/broken.jpg" not in there
    assert done(report).items() >= {"exact-duplicate": 1, "label-conflict": 2, "unreadable-image": 1}.items()
    assert {row["code"] for row in left_out(tmp_path / "clean")} == {
        "exact-duplicate",
        "label-conflict",
        "unreadable-image",
    }
    with Image.open(tmp_path / "clean" / "a" / "lying.jpg") as image:
        assert 0x0112 not in image.getexif()
        apart = ImageChops.difference(image, photo(70).rotate(-90))
        assert max(most for _, most in apart.getextrema()) < 24
    assert not done(report).keys() & codes(report["copy"]["problems"])


def test_images_that_are_converted_are_drawn_anew(tmp_path):
    holes = photo(52).convert("RGBA")
    holes.putalpha(Image.linear_gradient("L").resize(holes.size))
    turned = Image.Exif()
    turned[0x0112] = 6
    source = album(
        tmp_path,
        {
            "a/print.jpg": stored(photo(50).convert("CMYK"), "JPEG", quality=95, exif=turned),
            "a/few colours.gif": stored(photo(51), "GIF"),
            "b/holes.png": stored(holes, "PNG"),
            "b/deep.png": stored(Image.fromarray(np.arange(9216, dtype=np.uint16).reshape(96, 96) * 7), "PNG"),
        },
    )
    report = repair(source, Recipe(), tmp_path / "clean")
    assert done(report) == {"converted-image": 4, "rotated-image": 1}
    assert report["copy"]["rows"] == 28 and not codes(report["copy"]["problems"]) & done(report).keys()
    assert not repairable(map(told, report["copy"]["problems"]))
    for one, other in {"a/print.jpg": "a/print.png", "b/deep.png": "b/deep.png", "b/holes.png": "b/holes.png"}.items():
        with Image.open(source / one) as before, Image.open(tmp_path / "clean" / other) as after:
            assert after.mode == "RGB" and ImageChops.difference(upright(before), after).getbbox() is None


@pytest.mark.parametrize(
    ("code", "header", "encoding"),
    [
        ("encoding", "text,label", "gb18030"),
        ("byte-order-mark", "text,label", "utf-8-sig"),
        ("header-whitespace", " text , label", "utf-8"),
        ("no-header", None, "utf-8"),
    ],
)
def test_a_table_is_written_anew(tmp_path, code, header, encoding):
    rows = [f"房间{text}很干净,{'好' if label == 'a' else '差'}" for text, label in rows_of(40)]
    source = tmp_path / "hotels.csv"
    source.write_text("\n".join(([header] if header else []) + rows), encoding=encoding)
    before = load_data(source)
    assert repairable(before.problems)
    report = repair(source, Recipe(), tmp_path / "clean")
    assert done(report) == {code: 1} and report["copy"]["rows"] == 40
    after = load_data(tmp_path / "clean")
    assert not repairable(after.problems) and after.splits["test"]["text"][:] == before.splits["test"]["text"][:]


def test_images_of_a_table(tmp_path, table):
    for number in range(24):
        table(f"set/pictures/{number}.png", stored(photo(number), "PNG"))
    rows = [f"pictures/{n}.png,{'x/y' if n % 2 else 'z'}" for n in range(25)]
    source = table("set/labels.csv", "\n".join(["image,label", *rows])).parent
    report = repair(source, Recipe(), tmp_path / "clean")
    assert done(report) == {"missing-image": 1} and report["copy"]["labels"] == {"x/y": 12, "z": 12}


def test_redacted_copies(table, tmp_path):
    rows = [*rows_of(30), ("mail jane@example.org", "a"), ("call 13812345678", "b")]
    report = repair(table("t.jsonl", lines(rows)), Recipe(redact=True), tmp_path / "clean")
    assert done(report) == {"personal-data": 2}
    text = (tmp_path / "clean" / "all.jsonl").read_text()
    assert "jane" not in text and "[email]" in text and "[phone]" in text


def test_redacted_rows_of_all_parts_are_counted(table, tmp_path):
    said = "write to jane@example.org"
    table("set/train.jsonl", lines([*rows_of(30), (f"{said} {sentence(90)}", "a")]))
    source = table("set/test.jsonl", lines([*rows_of(20, 100), (f"{said} {sentence(91)}", "a")])).parent
    other = table("other/o.jsonl", lines([*rows_of(20, 200), *((f"{said} {sentence(n)}", "b") for n in (92, 93))]))
    report = repair(source, Recipe(redact=True, test=str(other)), tmp_path / "clean")
    assert done(report) == {"personal-data": 3}


def test_what_cannot_be_written_is_refused_before(table, tmp_path, class_folders):
    source = table("t.jsonl", lines(rows_of(20)))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        repair(source, Recipe(), tmp_path / "full")
    pets = class_folders({"cat": 4, "dog": 4})
    with pytest.raises(OutputError, match="in the source"):
        repair(pets, Recipe(), pets / "clean")
    assert not (pets / "clean").exists() and os.listdir(tmp_path / "full") == ["mine.txt"]


def test_nothing_is_left_where_nothing_can_be_made(table, tmp_path):
    rows = [(sentence(n), "ab"[side]) for n in range(8) for side in (0, 1)]
    before = set(os.listdir(tmp_path))
    with pytest.raises(SourceError, match="no row would be left"):
        repair(table("t.jsonl", lines(rows)), Recipe(), tmp_path / "clean")
    assert set(os.listdir(tmp_path)) - before <= {"t.jsonl", "home"}
