from __future__ import annotations

import csv
import io
import json
import random

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hftransfer import Recipe
from hftransfer.data import load_data
from hftransfer.errors import ColumnError, RecipeError, SourceError


def written(rows, header=("text", "label"), **dialect) -> str:
    file = io.StringIO()
    csv.writer(file, **dialect).writerows([*([header] if header else []), *rows])
    return file.getvalue()


def pairs(data) -> set[tuple[str, str]]:
    """All texts with the names of their labels."""
    return {(row["text"], data.labels[row["label"]]) for split in data.splits.values() for row in split}


# What is rightly said of texts that are written by a template: it is no matter here.
ALIKE = {"near-duplicate", "split-overlap", "label-leak", "imbalance"}


def codes(data) -> set[str]:
    return {problem.code for problem in data.problems} - {"carved-splits"} - ALIKE


def test_a_csv_of_texts(table, messages):
    data = load_data(table("days.csv", written(messages)))
    assert (data.name, data.task, data.labels) == ("days", "text-classification", ("bad", "good"))
    assert data.rows == {"train": 28, "validation": 6, "test": 6}
    assert pairs(data) == set(messages) and not codes(data)
    assert data.splits["train"].features["label"] == datasets.ClassLabel(names=["bad", "good"])


def test_origins_name_file_and_line(table, messages):
    messages[0] = ("two\nlines", "good")
    source = table("days.csv", written(messages))
    data = load_data(source)
    origins = {row["text"]: row["origin"] for split in data.splits.values() for row in split}
    assert (origins["two\nlines"], origins[messages[1][0]]) == ("days.csv:2", "days.csv:4")


def as_parquet(rows) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]}), file)
    return file.getvalue()


def as_lines(rows) -> str:
    return "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows)


WRITERS = {
    "a.csv": written,
    "b.csv": lambda rows: written(rows, delimiter=";"),
    "c.csv": lambda rows: written(rows, delimiter="|", quoting=csv.QUOTE_ALL),
    "d.tsv": lambda rows: written(rows, delimiter="\t"),
    "e.txt": lambda rows: written(rows, header=None, delimiter="\t"),
    "f.CSV": lambda rows: "\ufeff" + written(rows, header=(" Text ", "LABEL\t")),
    "g.csv": lambda rows: written(rows).encode("utf-16"),
    "h.jsonl": as_lines,
    "i.ndjson": as_lines,
    "j.json": lambda rows: json.dumps([{"text": text, "label": label} for text, label in rows]),
    "k.json": as_lines,
    "l.json": lambda rows: json.dumps({"data": [{"text": text, "label": label} for text, label in rows]}),
    "m.parquet": as_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_table_gives_the_same_rows(table, messages, name):
    messages[3] = ('she said: "no; never", and | left', "bad")
    assert pairs(load_data(table(name, WRITERS[name](messages)))) == set(messages)


@pytest.mark.parametrize("name", ["b.csv", "d.tsv", "h.jsonl", "m.parquet"])
def test_tables_in_a_zip(table, zipped, messages, name):
    content = WRITERS[name](messages)
    members = {f"data/{name}": content if isinstance(content, bytes) else content.encode(), "data/README.md": b"hi"}
    assert pairs(load_data(zipped(members))) == set(messages)


def test_tables_named_as_splits(table, messages, others):
    for name, rows in {"train": messages, "dev": others[:8] + others[32:], "test": others[10:30]}.items():
        source = table(f"set/{name}.csv", written(rows))
    table("set/labels.csv", "id,name\n0,bad\n1,good\n")
    data = load_data(source.parent)
    assert data.rows == {"train": 40, "validation": 16, "test": 20}
    assert codes(data) == {"other-table"}


def test_where_no_table_is_called_train_the_other_one_is(table, messages, others):
    table("set/reviews.csv", written(messages))
    source = table("set/reviews-test.csv", written(others[10:30]))
    assert load_data(source.parent).rows == {"train": 34, "validation": 6, "test": 20}


def test_shards_of_a_split_belong_together(table, messages, others):
    for number, rows in enumerate([messages[:25], messages[25:]]):
        table(f"set/data/train-0000{number}-of-00002.parquet", as_parquet(rows))
    source = table("set/data/test-00000-of-00001.parquet", as_parquet(others[15:25]))
    data = load_data(source.parent.parent)
    assert data.rows == {"train": 34, "validation": 6, "test": 10}


def test_a_split_without_labels_is_left_out(table, messages):
    table("set/train.csv", written(messages))
    source = table("set/test.csv", "id,text\n1,who knows\n")
    data = load_data(source.parent)
    assert sum(data.rows.values()) == 40 and codes(data) == {"unlabelled-split"}


def test_separate_sources_for_validation_and_test(table, messages, others):
    train = table("a.csv", written(messages))
    test = table("b.jsonl", as_lines(others[12:28]))
    data = load_data(train, Recipe(test=str(test)))
    assert data.rows == {"train": 34, "validation": 6, "test": 16}
    assert data.splits["test"][0]["origin"] == "b.jsonl:1"
    data = load_data(train, Recipe(validation=str(test)))
    assert data.rows == {"train": 40, "validation": 16, "test": 0}


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.txt"])
@pytest.mark.parametrize("label", [("good", "bad"), ("1", "0")])
def test_a_table_without_a_header_is_recognised_and_said(table, messages, name, label):
    rows = [("Great", label[0]), *((text, label[kind == "bad"]) for text, kind in messages)]
    data = load_data(table(name, written(rows, header=None, delimiter="\t")))
    assert pairs(data) == set(rows)
    assert codes(data) == {"no-header", "guessed-columns"}
    assert any("no header" in note for note in data.notes)


def test_columns_by_number_where_there_is_no_header(table, messages):
    rows = [(label, f"title {i}", text) for i, (text, label) in enumerate(messages)]
    source = table("news.csv", written(rows, header=None, quoting=csv.QUOTE_ALL))
    assert load_data(source).splits["train"][0]["text"].startswith("what a lovely")
    data = load_data(source, Recipe(text_column="1", label_column="0"))
    assert data.splits["train"][0]["text"].startswith("title")


@pytest.mark.parametrize(
    "header", [("review", "sentiment"), ("Sentence", "coarse_label"), ("文本", "标签"), ("q1", "z")]
)
def test_columns_are_guessed(table, messages, header):
    rows = [(i, text, label, random.Random(i).random()) for i, (text, label) in enumerate(messages)]
    data = load_data(table("days.csv", written(rows, header=("id", *header, "weight"))))
    assert pairs(data) == set(messages)


def test_a_word_in_a_columns_name_speaks_louder_than_its_content(table, messages):
    rows = [(text, f"kind {i % 3}", label) for i, (text, label) in enumerate(messages)]
    data = load_data(table("days.csv", written(rows, header=("text", "coarse_label", "side"))))
    assert data.labels == ("kind 0", "kind 1", "kind 2")


def test_a_delimiter_at_the_end_of_each_line(table, messages):
    content = "text,label\n" + "".join(f'"{text}",{label},\n' for text, label in messages)
    assert pairs(load_data(table("days.csv", content))) == set(messages)


def test_columns_can_be_named(table, messages):
    rows = [(text, label, text[::-1], "xy"[i % 2]) for i, (text, label) in enumerate(messages)]
    source = table("days.csv", written(rows, header=("text", "label", "Other Text", "side")))
    data = load_data(source, Recipe(text_column="other text", label_column="side"))
    assert data.labels == ("x", "y")
    assert data.splits["train"][0]["text"] == messages[0][0][::-1]


@pytest.mark.parametrize("option", ["text_column", "label_column", "image_column"])
def test_a_column_that_is_not_there(table, messages, option):
    with pytest.raises(ColumnError) as caught:
        load_data(table("days.csv", written(messages)), Recipe(**{option: "stars"}))
    assert "no column 'stars'" in caught.value.cause
    assert "days.csv" in caught.value.place and "'text', 'label'" in caught.value.place
    assert "--" + option.replace("_", "-") in caught.value.fix


def test_no_column_that_could_be_labels(table):
    rows = [(f"text number {i}", f"another text {i}") for i in range(30)]
    with pytest.raises(ColumnError, match="no column looks like it holds the labels"):
        load_data(table("days.csv", written(rows, header=("one", "two"))))


def test_columns_of_two_modalities_exclude_each_other(table, messages):
    with pytest.raises(RecipeError, match="exclude each other"):
        load_data(table("days.csv", written(messages)), Recipe(text_column="text", image_column="label"))


@pytest.mark.parametrize(
    ("encoding", "good", "bad"),
    [
        (
            "cp1252",
            "Ça c'était très agréable, j'ai adoré le café numéro {}",
            "Très mauvais, déçu par la soirée numéro {}",
        ),
        ("gb18030", "这家酒店的房间很干净，服务也很好，第{}次", "房间太小了，隔音很差，不会再来第{}次"),
        ("cp1251", "Очень хороший день, всё понравилось, номер {}", "Плохой день, ничего не понравилось, номер {}"),
    ],
)
def test_other_encodings(table, encoding, good, bad):
    rows = [((good if i % 2 else bad).format(i), "good" if i % 2 else "bad") for i in range(40)]
    plain = [(f"plain number {i}", "good") for i in range(300)]  # the first stretch says nothing
    data = load_data(table("days.csv", written([*plain, *rows]).encode(encoding)))
    assert set(rows) <= pairs(data)
    assert codes(data) == {"encoding"}


@pytest.mark.parametrize("later", ["and no other", 'it was 5" wide'])
def test_quotes_in_a_tsv_are_part_of_the_text(table, messages, later):
    messages[2] = ('"an opening quote that never closes', "good")
    messages[5] = (later, "good")
    content = "".join(f"{text}\t{label}\n" for text, label in messages)
    assert pairs(load_data(table("days.tsv", content))) == set(messages)


def test_quoted_cells_that_all_hold_one_delimiter(table, messages):
    rows = [(f"{text}, she said", label) for text, label in messages]
    assert pairs(load_data(table("days.csv", written(rows)))) == set(rows)


def test_quoted_cells_of_a_tsv_may_hold_tabs_and_lines(table, messages):
    messages[2] = ("one\ttwo\tthree\nfour", "good")
    assert pairs(load_data(table("days.tsv", written(messages, delimiter="\t")))) == set(messages)


def test_rows_that_cannot_be_used_are_set_aside_and_told(table, messages):
    content = written([*messages, ("no label", ""), ("no label either", None), ("  ", "good")]) + "one cell\na,b,c,d\n"
    data = load_data(table("days.csv", content))
    told = {problem.code: (problem.where, problem.message) for problem in data.problems}
    assert pairs(data) == set(messages)
    assert told["missing-label"] == ("days.csv:42, days.csv:43", "2 rows set aside: no label")
    assert told["empty-text"] == ("days.csv:44", "1 row set aside: no text")
    assert told["malformed-row"][0] == "days.csv:45, days.csv:46"


def test_broken_json_lines_are_set_aside(table, messages):
    data = load_data(table("days.jsonl", as_lines(messages) + '\n{"text": "half\n[1]\n'))
    assert pairs(data) == set(messages) and codes(data) == {"malformed-row"}


def test_half_a_pair_in_json_is_replaced(table, messages):
    content = as_lines(messages) + '\n{"text": "half \\ud83d a pair", "label": "good"}\n'
    assert ("half ? a pair", "good") in pairs(load_data(table("days.jsonl", content)))


def test_labels_of_all_kinds_become_names(table):
    kinds = [1, 1.0, "1", "1.0", " 1 ", 0, 0.0, "0", True, False]
    rows = [{"text": f"number {i} of {kind!r}", "label": kind} for kind in kinds for i in range(3)]
    data = load_data(table("days.jsonl", "\n".join(map(json.dumps, rows))))
    assert data.labels == ("0", "1", "False", "True")


def test_numbers_are_sorted_by_value(table):
    rows = [(f"text number {i}", i % 11) for i in range(66)]
    assert load_data(table("days.csv", written(rows))).labels == tuple(map(str, range(11)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the table is empty"),
        ("text,label\n", "no row can be used"),
        ("text,label\na text,\nanother text,\n", "no row can be used: 2 rows set aside: no label"),
        ("text,label\na text,good\nanother text,good\n", "a single class, 'good'"),
        ("text,label\na text,1.5\nanother text,2.25\n", "too few rows: none is left for validation"),
        ("text,label\na text,good\nanother text,bad\n", "each class has one example only"),
        ("text,label\na,good\nb,bad\nc\nd\ne\n", "most rows cannot be used"),
    ],
)
def test_tables_that_cannot_be_used(table, content, message):
    with pytest.raises(SourceError, match=message) as caught:
        load_data(table("days.csv", content))
    assert "days.csv" in caught.value.place and caught.value.fix


@pytest.mark.parametrize("name", ["days.parquet", "days.json", "days.jsonl"])
def test_files_that_are_not_what_they_are_called(table, name):
    with pytest.raises(SourceError, match="no Parquet file|no JSON objects"):
        load_data(table(name, "this is something else"))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_table_of_image_paths(class_folders, table, zipped, wrapped):
    root = class_folders({"img": 12})
    rows = [(f"img\\{i:03d}.jpg" if i % 2 else f"img/{i:03d}.jpg", "ab"[i % 2]) for i in range(12)]
    source = table("pets/labels.csv", written(rows, header=("file_name", "species")))
    for given in (source, root, zipped(root, wrapped=wrapped)):
        data = load_data(given)
        assert (data.task, data.labels) == ("image-classification", ("a", "b"))
        assert sum(data.rows.values()) == 12
        assert data.splits["train"][0]["image"].size == (16, 16)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("colours.csv", "colour,count\nred,1\nblue,2\n"),
        ("notes.csv", ""),
        ("boxes.json", json.dumps({"images": [{"file_name": f"cat/00{i}.jpg", "license": i % 2} for i in range(6)]})),
    ],
)
def test_class_folders_win_over_a_table_that_says_nothing_of_them(class_folders, table, name, content):
    root = class_folders({"cat": 6, "dog": 6})
    table(f"pets/{name}", content)
    assert load_data(root).labels == ("cat", "dog")


def test_a_table_wins_over_class_folders_where_it_says_more(class_folders, table):
    root = class_folders({"monday": 6, "tuesday": 6})
    rows = [(f"{day}/00{i}.jpg", "ab"[i % 2]) for day in ("monday", "tuesday") for i in range(6)]
    table("pets/metadata.csv", written(rows, header=("file_name", "label")))
    assert load_data(root).labels == ("a", "b")


def test_images_without_class_folders_and_a_table_that_does_not_help(class_folders, table):
    root = class_folders({"img": 6})
    table("pets/notes.csv", written([(f"img/00{i}.jpg", f"note {i}") for i in range(6)], header=("file", "note")))
    with pytest.raises(ColumnError, match="no column looks like it holds the labels"):
        load_data(root)


def test_images_that_a_table_names_and_that_are_not_there(class_folders, table):
    class_folders({"img": 12})
    rows = [(f"img/{i:03d}.jpg", "ab"[i % 2]) for i in range(14)]
    data = load_data(table("pets/labels.csv", written(rows, header=("image", "label"))))
    told = {problem.code: problem.where for problem in data.problems}
    assert told["missing-image"] == "labels.csv:14, labels.csv:15"


def test_a_changed_image_is_read_again_though_its_table_stays(class_folders, table, picture):
    root = class_folders({"img": 12})
    rows = [(f"img/{i:03d}.jpg", "ab"[i % 2]) for i in range(12)]
    source = table("pets/labels.csv", written(rows, header=("image", "label")))
    before = load_data(source).digests
    for path in (root / "img").iterdir():
        path.write_bytes(picture(99, "PNG"))
    assert load_data(source).digests != before


def test_images_and_class_names_inside_parquet(table, picture):
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    rows = {"img": [{"bytes": picture(i), "path": None} for i in range(12)], "label": [i % 2 for i in range(12)]}
    file = io.BytesIO()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(file)
    data = load_data(table("pets.parquet", file.getvalue()))
    assert (data.task, data.labels) == ("image-classification", ("cat", "dog"))
    assert data.splits["train"][0]["image"].size == (16, 16)
