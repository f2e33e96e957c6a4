"""Which columns are taken: labels in several, lists in one, pairs of texts."""

from __future__ import annotations

import io
import json
import random

import datasets
import pytest

from hftransfer import Recipe
from hftransfer.data import labels_of, load_data
from hftransfer.errors import ColumnError, RecipeError, SourceError

from .test_tables import codes, written

WORDS = ("a", "quick", "brown", "fox", "jumps", "over", "lazy", "dogs", "while", "nobody", "looks", "at", "all", "the")


def phrase(number: int, words: int = 8) -> str:
    chance = random.Random(number)
    return " ".join([*chance.choices(WORDS, k=words), str(number)])


def flags(rows: int = 40) -> list[tuple[str, str, int, int, int]]:
    """A code, a text, and three flags."""
    return [(f"{number:016x}a", phrase(number), number % 2, number % 3 // 2, number % 5 // 4) for number in range(rows)]


def labelled(data) -> dict[str, set[str]]:
    """Each text with the names of its labels, of several-label data."""
    return {
        row["text"]: {name for name, flag in zip(data.labels, row["label"], strict=True) if flag}
        for rows in data.splits.values()
        for row in rows
    }


def told(data, code: str):
    return next(problem for problem in data.problems if problem.code == code)


def test_several_columns_of_0_and_1_beside_a_text_are_labels(table):
    header = ("id", "comment_text", "toxic", "severe_toxic", "insult")
    data = load_data(table("jigsaw.csv", written(flags(), header=header)))
    assert (data.task, data.labels) == ("text-multi-label", ("insult", "severe_toxic", "toxic"))
    assert labelled(data)[phrase(5)] == {"toxic", "severe_toxic"} and labelled(data)[phrase(0)] == set()
    assert told(data, "label-columns").message.endswith("3 columns of 0 and 1: 'toxic', 'severe_toxic', 'insult'")
    assert data.columns["labels"] == ["toxic", "severe_toxic", "insult"]
    assert labels_of(data.splits["train"]).shape == (len(data.splits["train"]), 3)


@pytest.mark.parametrize(
    "header",
    [
        ("id", "comment_text", "label", "severe_toxic", "insult"),  # a column is called label
        ("id", "comment_text", "toxic", "weight", "insult"),  # a column holds neither 0 and 1 nor ids
    ],
)
def test_flags_are_labels_only_where_nothing_else_can_be(table, header):
    rows = [
        (id, text, a, 0.25 * number if "weight" in header else b, c)
        for number, (id, text, a, b, c) in enumerate(flags())
    ]
    data = load_data(table("days.csv", written(rows, header=header)))
    assert data.task == "text-classification" and len(data.columns["labels"]) == 1


def test_true_and_false_are_flags_too_and_a_missing_one_sets_the_row_aside(table):
    rows = [{"text": text, "wet": bool(a), "cold": bool(b)} for _, text, a, b, _ in flags()]
    rows[3]["cold"] = None
    data = load_data(table("days.jsonl", "\n".join(map(json.dumps, rows))))
    assert data.labels == ("cold", "wet") and labelled(data)[phrase(5)] == {"cold", "wet"}
    assert told(data, "missing-label").where == "days.jsonl:4"


def test_flags_of_images(class_folders, table):
    root = class_folders({"img": 24})
    rows = [(f"img/{number:03d}.jpg", number % 2, number % 3 // 2) for number in range(24)]
    table("pets/labels.csv", written(rows, header=("file_name", "cat", "dog")))
    data = load_data(root)
    assert (data.task, data.labels) == ("image-multi-label", ("cat", "dog"))


def test_columns_of_numbers_that_are_named_are_a_regression(table):
    rows = [(phrase(n), n / 7, 3 - n / 3, "x") for n in range(40)]
    source = table("days.csv", written(rows, header=("text", "width", "height", "kind")))
    data = load_data(source, Recipe(label_column=("width", "HEIGHT")))
    assert (data.task, data.labels) == ("text-regression", ("width", "height"))
    first = data.splits["train"][0]
    assert first["label"] == pytest.approx([0, 3]) and "label-columns" not in codes(data)
    with pytest.raises(ColumnError, match="'kind' does not") as caught:
        load_data(source, Recipe(label_column=("width", "kind")))
    assert caught.value.columns == ("text", "width", "height", "kind")


def test_several_columns_of_classes_belong_together_in_other_splits_too(table):
    header = ("text", "toxic", "rude")
    table("set/train.csv", written([row[1:4] for row in flags()], header=header))
    source = table("set/test.csv", written([row[1:4] for row in flags(12)], header=("Rude", "Toxic", "Text")[::-1]))
    data = load_data(source.parent)
    assert data.rows["test"] == 12 and data.labels == ("rude", "toxic")


def test_a_column_may_not_be_named_for_two_things(table, messages):
    source = table("days.csv", written(messages))
    with pytest.raises(RecipeError, match="asked for twice"):
        load_data(source, Recipe(text_column="text", label_column="text"))
    with pytest.raises(RecipeError, match="asked for twice"):
        load_data(source, Recipe(text_column="text", text_pair_column="text"))


LISTS = {
    "a.jsonl": lambda names: names,
    "b.jsonl": json.dumps,
    "c.jsonl": "|".join,
    "d.jsonl": "; ".join,
    "e.jsonl": lambda names: {name: int(name in names) for name in ("hot", "wet", "dark")},
    "f.jsonl": repr,
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_in_one_cell(table, name):
    names = [[word for word, there in zip(("hot", "wet", "dark"), row[2:], strict=True) if there] for row in flags()]
    kept = [(phrase(n), found) for n, found in enumerate(names) if found or name[0] in "abe"]
    lines = [json.dumps({"text": text, "labels": LISTS[name](found)}) for text, found in kept]
    data = load_data(table(name, "\n".join(lines)))
    assert (data.task, data.labels) == ("text-multi-label", ("dark", "hot", "wet"))
    assert labelled(data) == {text: set(found) for text, found in kept}


@pytest.mark.parametrize("suffix", ["parquet", "memory"])
def test_lists_of_class_numbers_have_names(table, suffix):
    names = datasets.ClassLabel(names=["hot", "wet", "dark"])
    features = datasets.Features({"text": datasets.Value("string"), "labels": datasets.List(names)})
    rows = {"text": [row[1] for row in flags()], "labels": [[n for n in range(3) if row[2 + n]] for row in flags()]}
    source = datasets.Dataset.from_dict(rows, features=features)
    if suffix == "parquet":
        file = io.BytesIO()
        source.to_parquet(file)
        source = table("a.parquet", file.getvalue())
    data = load_data(source)
    assert (data.task, data.labels) == ("text-multi-label", ("dark", "hot", "wet"))
    assert labelled(data)[phrase(5)] == {"hot", "wet"}


def paired(rows: int = 40) -> list[tuple[str, str, float]]:
    return [(phrase(n), phrase(n + 1000), round(n % 11 / 2.3, 2)) for n in range(rows)]


NAMED = [
    *("sentence1,sentence2", "text,text_pair", "text,text2", "Premise,Hypothesis", "question1,question2"),
    *("query,passage", "sentence_a,sentence_b", "sentence_A,sentence_B", "文本1,文本2", "句子1,句子2"),
]


@pytest.mark.parametrize("names", NAMED)
def test_pairs_by_their_names(table, names):
    data = load_data(table("pairs.csv", written(paired(), header=(*names.split(","), "score"))))
    assert data.task == "text-regression" and data.columns["pair"] == names.split(",")[1]
    found = {tuple(row["text"]): row["label"][0] for rows in data.splits.values() for row in rows}
    assert found == {(one, two): pytest.approx(score) for one, two, score in paired()}
    assert data.splits["train"].features["text"] == datasets.List(datasets.Value("string"), length=2)
    assert "are pairs" in told(data, "paired-columns").message and "guessed-columns" not in codes(data)


def test_pairs_that_are_named_and_one_text_that_is(table):
    rows = [(one, two, "yes" if score > 2 else "no") for one, two, score in paired()]
    source = table("pairs.csv", written(rows, header=("sentence1", "sentence2", "label")))
    data = load_data(source, Recipe(text_column="sentence2", text_pair_column="sentence1"))
    assert data.splits["train"][0]["text"] == [rows[0][1], rows[0][0]] and not codes(data)
    assert load_data(source, Recipe(text_column="sentence1")).splits["train"][0]["text"] == rows[0][0]
    odd = table("odd.csv", written(rows, header=("left", "right", "label")))
    assert load_data(odd, Recipe(text_column="left", text_pair_column="right")).columns["pair"] == "right"


def test_a_title_beside_a_text_is_no_pair(table, messages):
    rows = [(phrase(n), text, label) for n, (text, label) in enumerate(messages)]
    data = load_data(table("days.csv", written(rows, header=("title", "text", "label"))))
    assert data.columns["input"] == "text" and data.columns["pair"] is None


def test_pairs_without_a_header(table):
    data = load_data(table("stsb.csv", written(paired(), header=None)))
    assert (data.task, data.columns["pair"], data.columns["labels"]) == ("text-regression", "1", ["2"])
    assert {"no-header", "paired-columns"} <= codes(data)
    chinese = [(f"第{n}个人正在吃饭", f"有{n}个人在家里吃饭", n % 5 / 2) for n in range(40)]
    assert load_data(table("zh.csv", written(chinese, header=None))).columns["pair"] == "1"


@pytest.mark.parametrize(
    "row",
    [
        lambda n: (n % 4, phrase(n, 4), phrase(n + 99, 30)),  # a title and what is below it
        lambda n: (phrase(n, 20), f"{n % 5},{n % 3}", f"ed{n:05}x"),  # ids in the last
        lambda n: (f"{n:032x}", f"Great {n}" if n else "Great", n % 2),  # ids that are longer than the texts
    ],
)
def test_texts_of_other_lengths_and_ids_are_no_pairs(table, row):
    data = load_data(table("news.csv", written([row(n) for n in range(40)], header=None)))
    assert data.columns["pair"] is None and "no-header" in codes(data)
    text = data.splits["train"][0]["text"]
    assert isinstance(text, str) and " " in text + " "
    assert data.columns["input"] == {4: "2", 20: "0"}.get(len(str(row(0)[1]).split()), data.columns["input"])


def test_rows_of_a_pair_with_one_text_are_set_aside(table):
    rows = [*paired(), ("alone", "", 1.5), ("  ", "alone", 2.5)]
    data = load_data(table("pairs.csv", written(rows, header=("sentence1", "sentence2", "score"))))
    assert told(data, "empty-text").where == "pairs.csv:42, pairs.csv:43"


def test_the_digest_of_pairs_is_of_both_texts_and_their_order(table):
    def digest(name, rows):
        header = ("sentence1", "sentence2", "score")
        return load_data(table(name, written(rows, header=header))).digests["train"]

    rows = paired()
    turned = [(two, one, score) for one, two, score in rows]
    moved = [(one + " " + two[0], two[2:], score) for one, two, score in rows]
    assert len({digest("a.csv", rows), digest("b.csv", turned), digest("c.csv", moved)}) == 3


def test_names_with_whitespace_and_names_that_come_twice_are_told(table, messages):
    rows = [(text, label, "x") for text, label in messages]
    data = load_data(table("days.csv", "\ufeff" + written(rows, header=(" text ", "label", "Label"))))
    assert {"header-whitespace", "duplicate-column", "byte-order-mark"} <= codes(data)
    assert data.labels == ("bad", "good")


def test_recipes_write_one_label_column_as_a_text_and_several_as_a_list(tmp_path):
    assert Recipe(label_column=["a"]).to_json()["label_column"] == "a"
    assert Recipe(label_column=[]).label_column is None
    several = Recipe(label_column=["a", "b", "a"])
    assert several.label_column == ("a", "b") and several.to_json()["label_column"] == ["a", "b"]
    (tmp_path / "r.toml").write_text('label_column = ["a", "b"]\ntext_pair_column = "c"\n')
    assert Recipe.load(tmp_path / "r.toml") == Recipe(label_column=("a", "b"), text_pair_column="c")
    assert Recipe.from_mapping(json.loads(json.dumps(several.to_json()))) == several
    for wrong in ([1], [["a"]], [{}], ["a", 2]):
        with pytest.raises(RecipeError):
            Recipe(label_column=wrong)


def test_half_a_table_of_flags_is_refused_with_its_columns(table):
    with pytest.raises(SourceError):
        load_data(table("days.csv", written([row[1:4] for row in flags(1)], header=("text", "a", "b"))))
