"""Texts whose words have tags: CoNLL, lists of words and tags, spans of characters."""

from __future__ import annotations

import io
import json
from pathlib import Path

import datasets
import pytest

from hftransfer import Recipe
from hftransfer.data import check, labels_of, load_data
from hftransfer.data.tables.spans import spans_of
from hftransfer.data.tables.spelling import joined, places
from hftransfer.errors import ColumnError, SourceError
from hftransfer.tasks.tokens import in_bio, spans

from .test_tables import codes, written

PEOPLE = ["Ada Lovelace", "Alan", "Grace Hopper"]
TOWNS = ["London", "New York"]


def sentence(number: int) -> list[tuple[str, str]]:
    """Words with their tags."""
    name, town = PEOPLE[number % 3].split(), TOWNS[number % 2].split()
    tagged = [(word, ("I" if place else "B") + "-person") for place, word in enumerate(name)]
    tagged += [("went", "O"), ("to", "O")]
    tagged += [(word, ("I" if place else "B") + "-place") for place, word in enumerate(town)]
    return [*tagged, (f"in{number}", "O"), (".", "O")]


def expected(rows: int) -> dict[str, set[tuple[str, str]]]:
    """Each text with its entities, as its characters and their kind."""
    return {
        " ".join(word for word, _ in sentence(n)): {(PEOPLE[n % 3], "person"), (TOWNS[n % 2], "place")}
        for n in range(rows)
    }


def marked(data) -> dict[str, set[tuple[str, str]]]:
    """The same of data that was loaded; each of its words is where it says."""
    found = {}
    for rows in data.splits.values():
        words = labels_of(rows)
        for number, text in enumerate(rows["text"]):
            at = words.of(number)
            own = [Place(*pair) for pair in zip(words.start[at].tolist(), words.end[at].tolist(), strict=True)]
            tags = [data.labels[tag] for tag in words.tag[at]]
            assert all(text[one.start : one.end].strip() for one in own)
            found[text] = {(text[start:end], kind) for start, end, kind in spans(own, tags)}
    return found


class Place:
    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end


def told(data, code: str):
    return next(problem for problem in data.problems if problem.code == code)


ROWS = 24
LINES = {
    "a.conll": ("\t", "\n", ""),
    "b.bio": (" ", " \n", "-DOCSTART- -X- O\n\n"),
    "c.iob2": (" x NN ", "\n\n", "# sent_id = 1\n"),
    "d.txt": ("\t", "\n", "\n"),
    "e.tsv": ("\t_\t", "\r\n", ""),
    "f.csv": (" ", "\n", "\ufeff"),
}


def conll(name: str, rows: range = range(ROWS)) -> str:
    between, after, head = LINES[name]
    return head + after.join("".join(f"{word}{between}{tag}\n" for word, tag in sentence(n)) for n in rows)


@pytest.mark.parametrize("name", LINES)
def test_conll_files(table, name):
    data = load_data(table(name, conll(name)))
    assert data.task == "token-classification" and marked(data) == expected(ROWS)
    assert data.labels == ("O", "B-person", "I-person", "B-place", "I-place")
    assert codes(data) <= {"recognised-task", "byte-order-mark"}


def test_origins_are_the_lines_that_sentences_begin_at(table):
    data = load_data(table("a.conll", "# comment = 1\n\n" + conll("a.conll")))
    origins = {row["text"]: row["origin"] for rows in data.splits.values() for row in rows}
    texts = list(expected(ROWS))
    assert (origins[texts[0]], origins[texts[1]]) == ("a.conll:3", "a.conll:11")


@pytest.mark.parametrize("suffix", ["conll", "txt"])
def test_conll_files_of_splits(table, zipped, suffix):
    for name, rows in {"train": range(ROWS), "dev": range(24, 32), "test": range(32, 44)}.items():
        source = table(f"set/{name}.{suffix}", conll("b.bio", rows))
    data = load_data(source.parent)
    assert data.rows == {"train": 24, "validation": 8, "test": 12} and marked(data) == expected(44)
    assert load_data(zipped(source.parent)).digests == data.digests


def test_other_columns_of_a_conll_file_may_hold_the_tags(table):
    source = table("c.iob2", conll("c.iob2"))
    assert load_data(source).columns == {
        "names": ["tokens", "1", "2", "tags"],
        "input": "tokens",
        "pair": None,
        "labels": ["tags"],
    }
    data = load_data(source, Recipe(label_column="2"))
    assert data.labels == ("O", "B-NN", "I-NN")


def test_universal_dependencies_have_parts_of_speech(table):
    lines = [
        f"# sent_id = {n}\n1-2\tgonna\t_\t_\t_\t_\t_\t_\t_\t_\n1\tgon\tgo\tVERB\tVBG\t_\t0\troot\t_\t_\n"
        f"2\tna{n}\tto\tPART\tTO\t_\t1\tmark\t_\t_\n2.1\tx\tx\tX\tX\t_\t1\tx\t_\t_\n"
        for n in range(ROWS)
    ]
    data = load_data(table("en.conllu", "\n".join(lines)))
    assert data.labels == ("O", "B-PART", "I-PART", "B-VERB", "I-VERB")
    assert marked(data)["gon na3"] == {("gon", "VERB"), ("na3", "PART")}


def test_a_word_may_begin_with_a_hash(table):
    content = conll("a.conll").replace("went\t", "#went\t").replace("to\t", "#\t")
    assert all("#went # " in text for text in marked(load_data(table("a.conll", content))))


def test_broken_lines_set_their_sentence_aside(table):
    content = conll("a.conll") + "\nAlan\tB-person\nwent\nhome\tO\n\nGrace\tB-person\nwent\tO\tO\n"
    data = load_data(table("a.conll", content))
    assert marked(data) == expected(ROWS)
    last = content.count("\n")
    assert told(data, "malformed-row").where == f"a.conll:{last - 5}, a.conll:{last - 1}"


def test_a_test_file_without_tags_is_left_out(table):
    table("set/train.conll", conll("a.conll"))
    source = table("set/test.conll", "Alan\nwent\n\nGrace\nleft\n")
    assert "unlabelled-split" in codes(load_data(source.parent))


@pytest.mark.parametrize("content", ["", "\n\n", "-DOCSTART-\n"])
def test_a_conll_file_without_words_is_told(table, content):
    with pytest.raises(SourceError, match="no words with tags"):
        load_data(table("a.conll", content))


SCHEMES = {
    "IO": lambda tag: tag if tag == "O" else f"I-{tag[2:]}",
    "kinds": lambda tag: tag if tag == "O" else tag[2:],
    "BIOES": lambda tag: tag,
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes_of_tags(table, scheme):
    rows = [[(word, SCHEMES[scheme](tag)) for word, tag in sentence(n)] for n in range(ROWS)]
    if scheme == "BIOES":
        rows = [[(word, ends(row, place)) for place, (word, _) in enumerate(row)] for row in rows]
    lines = [json.dumps({"tokens": [word for word, _ in row], "ner_tags": [tag for _, tag in row]}) for row in rows]
    data = load_data(table("a.jsonl", "\n".join(lines)))
    assert marked(data) == expected(ROWS)


def ends(row, place: int) -> str:
    """A tag of BIO in BIOES."""
    tag = row[place][1]
    last = place + 1 == len(row) or not row[place + 1][1].startswith("I-")
    return tag if tag == "O" else ({"B": "S", "I": "E"}[tag[0]] if last else tag[0]) + tag[1:]


NAMES = ["tokens,ner_tags", "words,labels", "tokens,tags", "words,iob"]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet"])
def test_lists_of_words_and_tags(table, names, kind):
    words, tags = names.split(",")
    rows = [{"id": n, words: [w for w, _ in sentence(n)], tags: [t for _, t in sentence(n)]} for n in range(ROWS)]
    if kind == "csv":
        content = written(
            [(row["id"], json.dumps(row[words]), repr(row[tags])) for row in rows], header=("id", words, tags)
        )
    elif kind == "parquet":
        file = io.BytesIO()
        datasets.Dataset.from_list(rows).to_parquet(file)
        content = file.getvalue()
    else:
        content = json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows))
    data = load_data(table(f"a.{kind}", content))
    assert (data.task, data.columns["input"], data.columns["labels"]) == ("token-classification", words, [tags])
    assert marked(data) == expected(ROWS) and "guessed-columns" not in codes(data)


def test_class_numbers_of_tags_have_names_and_the_entities_are_preferred():
    names = ["O", "B-person", "I-person", "B-place", "I-place"]
    label = datasets.ClassLabel(names=names)
    features = {"tokens": datasets.Value("string"), "pos_tags": datasets.Value("int64"), "ner_tags": label}
    features = datasets.Features({name: datasets.List(feature) for name, feature in features.items()})
    rows = [
        {
            "tokens": [w for w, _ in sentence(n)],
            "pos_tags": [1 for _ in sentence(n)],
            "ner_tags": [names.index(t) for _, t in sentence(n)],
        }
        for n in range(ROWS)
    ]
    data = load_data(datasets.DatasetDict(train=datasets.Dataset.from_list(rows, features=features)))
    assert marked(data) == expected(ROWS) and data.columns["labels"] == ["ner_tags"]


def test_numbers_without_names_are_no_tags(table):
    lines = [json.dumps({"tokens": ["Ada", "went"], "ner_tags": [n % 2, 0]}) for n in range(ROWS)]
    with pytest.raises(ColumnError, match="numbers without names, in column 'ner_tags'"):
        load_data(table("a.jsonl", "\n".join(lines)))


def test_rows_of_words_that_cannot_be_used(table):
    good = [{"tokens": [w for w, _ in sentence(n)], "tags": [t for _, t in sentence(n)]} for n in range(ROWS)]
    bad = [{"tokens": ["Ada", "went"], "tags": ["O"]}, {"tokens": ["Ada"], "tags": None}, {"tokens": [], "tags": []}]
    bad += [
        {"tokens": "Ada", "tags": ["O"]},
        {"tokens": ["Ada"], "tags": [None]},
        {"tokens": ["Ada", 3], "tags": ["O", "O"]},
    ]
    data = load_data(table("a.jsonl", "\n".join(map(json.dumps, good + bad))))
    where = {problem.code: problem.where for problem in data.problems}
    assert marked(data) == expected(ROWS)
    assert where["uneven-tags"] == "a.jsonl:25" and where["empty-text"] == "a.jsonl:27"
    assert where["missing-label"] == "a.jsonl:26, a.jsonl:29" and where["malformed-row"] == "a.jsonl:28, a.jsonl:30"


def test_words_that_are_blank_are_left_out_of_the_text(table):
    rows = [
        {"tokens": ["", " ", *(w for w, _ in sentence(n))], "tags": ["O", "O", *(t for _, t in sentence(n))]}
        for n in range(ROWS)
    ]
    assert marked(load_data(table("a.jsonl", "\n".join(map(json.dumps, rows))))) == expected(ROWS)


def test_words_with_a_label_for_them_all_are_a_text(table):
    rows = [{"tokens": [w for w, _ in sentence(n)], "label": "ab"[n % 2]} for n in range(ROWS)]
    data = load_data(table("a.jsonl", "\n".join(map(json.dumps, rows))))
    assert data.task == "text-classification" and set(data.splits["train"]["text"]) < set(expected(ROWS))


def test_a_text_with_a_label_of_its_own_beside_its_words(table):
    rows = [
        {
            "text": f"a text {n}",
            "label": "ab"[n % 2],
            "tokens": [w for w, _ in sentence(n)],
            "tags": [t for _, t in sentence(n)],
        }
        for n in range(ROWS)
    ]
    source = table("a.jsonl", "\n".join(map(json.dumps, rows)))
    assert load_data(source).task == "text-classification"
    assert marked(load_data(source, Recipe(task="token-classification"))) == expected(ROWS)
    assert marked(load_data(source, Recipe(text_column="tokens", label_column="tags"))) == expected(ROWS)


def placed(number: int) -> tuple[str, list[tuple[int, int, str]]]:
    """A text, and its spans by characters."""
    text = " ".join(word for word, _ in sentence(number))
    found = [(PEOPLE[number % 3], "person"), (TOWNS[number % 2], "place")]
    return text, [(text.index(name), text.index(name) + len(name), kind) for name, kind in found]


CELLS = {
    "dicts": lambda spans: [{"start": s, "end": e, "label": k} for s, e, k in spans],
    "words": lambda spans: [{"begin": s, "stop": str(e), "entity_group": k, "score": 0.5} for s, e, k in spans],
    "lists": lambda spans: [list(span) for span in spans],
    "columns": lambda spans: dict(zip(("start", "end", "type"), map(list, zip(*spans, strict=True)), strict=True)),
    "wrapped": lambda spans: {"entities": [list(span) for span in spans]},
    "labels": lambda spans: [{"start": s, "end": e, "labels": [k]} for s, e, k in spans],
    "json": lambda spans: json.dumps([{"start": s, "end": e, "tag": k} for s, e, k in spans]),
    "python": lambda spans: repr([{"start": s, "end": e, "entity": k} for s, e, k in spans]),
    "compact": lambda spans: ";".join(f"{s}:{e}:{k}" for s, e, k in spans),
    "bars": lambda spans: " | ".join(f"{s}:{e}:{k}" for s, e, k in spans[::-1]),
}


@pytest.mark.parametrize("form", CELLS)
@pytest.mark.parametrize("name", ["spans", "label", "marks"])
def test_spans_of_characters(table, form, name):
    rows = [(text, CELLS[form](spans)) for text, spans in map(placed, range(ROWS))]
    data = load_data(
        table("a.jsonl", "\n".join(json.dumps({"id": n, "text": t, name: c}) for n, (t, c) in enumerate(rows)))
    )
    assert (data.task, data.columns["labels"]) == ("token-classification", [name])
    assert marked(data) == expected(ROWS) and "span-columns" in codes(data)
    if isinstance(rows[0][1], str):
        data = load_data(table("a.csv", written(rows, header=("sentence", name))))
        assert marked(data) == expected(ROWS)


def test_class_numbers_inside_spans_have_names(table):
    kinds = datasets.ClassLabel(names=["place", "person"])
    span = {"start": datasets.Value("int32"), "end": datasets.Value("int32"), "label": kinds}
    features = datasets.Features({"text": datasets.Value("string"), "spans": datasets.List(span)})
    rows = [
        {"text": text, "spans": [{"start": s, "end": e, "label": kinds.str2int(k)} for s, e, k in spans]}
        for text, spans in map(placed, range(ROWS))
    ]
    file = io.BytesIO()
    datasets.Dataset.from_list(rows, features=features).to_parquet(file)
    assert marked(load_data(table("a.parquet", file.getvalue()))) == expected(ROWS)


def test_a_text_without_spans_has_no_entities_and_one_without_the_cell_no_label(table):
    rows = [{"text": text, "spans": CELLS["dicts"](spans)} for text, spans in map(placed, range(ROWS))]
    rows += [
        {"text": "nobody here", "spans": []},
        {"text": "nobody there", "spans": ""},
        {"text": "unmarked", "spans": None},
    ]
    data = load_data(table("a.jsonl", "\n".join(map(json.dumps, rows))))
    assert marked(data) == {**expected(ROWS), "nobody here": set(), "nobody there": set()}
    assert told(data, "missing-label").where == "a.jsonl:27"


BAD = {
    "empty": "5:5:person",
    "backwards": "5:2:person",
    "outside": "0:900:person",
    "blank": "3:4:person",
    "overlapping": "0:6:person;3:8:place",
    "no kind": "0:3:",
    "words": "Alan",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_spans_set_their_row_aside(table, kind):
    rows = [(text, CELLS["compact"](spans)) for text, spans in map(placed, range(ROWS))]
    data = load_data(table("a.csv", written([*rows, ("Ada went home", BAD[kind])], header=("text", "spans"))))
    assert marked(data) == expected(ROWS)
    problem = told(data, "bad-span")
    assert (problem.severity, problem.where) == ("warning", f"a.csv:{ROWS + 2}")


def test_the_same_span_twice_is_one(table):
    rows = [(text, CELLS["compact"]([*spans, spans[0]])) for text, spans in map(placed, range(ROWS))]
    assert marked(load_data(table("a.csv", written(rows, header=("text", "spans"))))) == expected(ROWS)


@pytest.mark.parametrize(
    "names", [("text", "start", "end", "label"), ("文本", "开始", "结束", "标签"), ("doc", "begin", "stop", "kind")]
)
def test_a_row_a_span(table, names):
    whole = [placed(n) for n in range(ROWS)]
    rows = [(text, *spans[side]) for side in (1, 0) for text, spans in whole]  # those of a text lie apart
    rows += [("nobody here", "", "", ""), ("nobody here", "", "", "")]
    data = load_data(table("a.csv", written(rows, header=names)))
    assert marked(data) == {**expected(ROWS), "nobody here": set()}
    assert told(data, "span-columns").message.endswith(f"'{names[3]}', '{names[1]}', '{names[2]}'")
    rows += [("Alan left", 0, 400, "person"), ("Alan came", 0, "x", "person"), (whole[3][0], 0, 2, "person")]
    data = load_data(table("b.csv", written(rows, header=names)))
    assert told(data, "bad-span").where == "b.csv:5, b.csv:52, b.csv:53"


def test_starts_and_ends_that_are_no_places_in_the_text(table, messages):
    rows = [(n * 10, n * 10 + 5, text, label) for n, (text, label) in enumerate(messages)]
    data = load_data(table("film.csv", written(rows, header=("start", "end", "text", "label"))))
    assert data.task == "text-classification"


def test_times_are_no_spans(table, messages):
    rows = [(text, f"10:{n:02}:30", label) for n, (text, label) in enumerate(messages)]
    assert load_data(table("a.csv", written(rows, header=("text", "time", "mood")))).labels == ("bad", "good")


def test_a_task_of_words_without_words(table, messages):
    with pytest.raises(ColumnError, match="words with their tags, or the spans of texts"):
        load_data(table("a.csv", written(messages)), Recipe(task="token-classification"))


WORDS = {
    "Don't panic, 42.5%!": "Don ' t panic , 42 . 5 % !",
    "我爱北京Apple手机。": "我 爱 北 京 Apple 手 机 。",
    "नमस्ते दुनिया": "नमस्ते दुनिया",
    "cafe\u0301 _x": "cafe\u0301 _ x",
    "a\u200bb 서울에": "a \u200b b 서울에",
    "東京タワーへ": "東 京 タ ワ ー へ",
}


@pytest.mark.parametrize("text", WORDS)
def test_what_a_word_is(text):
    assert [text[start:end] for start, end in places(text)] == WORDS[text].split(" ")


def test_words_are_cut_where_spans_begin_and_end():
    assert [("Londoners")[s:e] for s, e in places("Londoners", [0, 6])] == ["London", "ers"]


def test_words_are_joined_by_spaces_but_not_in_chinese():
    words = ["我", "爱", "Apple", "手", "机", "。", "Good", ",", "是"]
    text, found = joined(words)
    assert text == "我爱 Apple 手机。 Good , 是" and [text[s:e] for s, e in found] == words


def test_spans_that_are_written_in_no_known_way():
    for cell in (
        3,
        "x",
        "[1, 2]",
        '[{"start": 1}]',
        "{}",
        [["a", "b", "c"]],
        [[1, 2, None]],
        "[" * 5000,
        {"start": [1], "end": [], "label": []},
    ):
        assert spans_of(cell) is None
    assert in_bio(["I-a", "I-a"]) == ["B-a", "I-a"]


def test_spans_of_a_tag_a_word_make_whole_entities(tmp_path: Path) -> None:
    text = "Ann Lee saw New York"
    words = [[0, 3, "B-person"], [4, 7, "I-person"], [8, 11, "O"], [12, 15, "B-place"], [16, 20, "I-place"]]
    rows = [json.dumps({"text": f"{text} {n}", "label": words}) for n in range(12)]
    (tmp_path / "t.jsonl").write_text("\n".join(rows), encoding="utf-8")
    assert check(tmp_path / "t.jsonl")["labels"] == {"person": 12, "place": 12}
