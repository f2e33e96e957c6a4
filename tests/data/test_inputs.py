"""Texts to answer, without labels: one a line or a row, or two."""

from __future__ import annotations

import json

import pytest

from hftransfer.data import as_pair, read_inputs
from hftransfer.errors import ColumnError, SourceError

from .test_tables import written

PAIRS = {
    "json": '["one", "two"]',
    "object": '{"text": "one", "text_pair": "two"}',
    "other names": '{"sentence2": "two", "sentence1": "one"}',
    "tab": " one\ttwo ",
    "python": "['one', 'two']",
    "tuple": ("one", "two"),
    "list": ["one", "two"],
    "mapping": {"premise": "one", "hypothesis": "two"},
}


@pytest.mark.parametrize("form", PAIRS)
def test_ways_to_write_a_pair(form):
    assert as_pair(PAIRS[form]) == ("one", "two")


@pytest.mark.parametrize(
    "text", ["one", "", "one\ttwo\tthree", "one\t ", '["one"]', '["one", 2]', '{"text": "one"}', 7, None]
)
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(SourceError, match="is no pair of texts") as caught:
        as_pair(text, place="a.txt:3")
    assert caught.value.place == "a.txt:3" and "tab between them" in caught.value.fix


ROWS = [(f"first text of {n}", f"second text of {n}") for n in range(5)]
FILES = {
    "a.txt": "\n".join("\t".join(row) for row in ROWS) + "\n\n",
    "b.txt": "\n".join(map(json.dumps, ROWS)),
    "c.csv": written(ROWS, header=("sentence1", "sentence2")),
    "d.tsv": written([(n, *row) for n, row in enumerate(ROWS)], header=None, delimiter="\t"),
    "e.jsonl": "\n".join(json.dumps({"text_pair": two, "text": one}) for one, two in ROWS),
}


@pytest.mark.parametrize("name", FILES)
def test_pairs_of_a_file(table, name):
    assert read_inputs(table(name, FILES[name]), pair=True) == ROWS


def test_half_a_pair_is_told_with_its_line(table):
    source = table("a.csv", written([*ROWS, ("alone", ""), ("", "")], header=("text", "text2")))
    with pytest.raises(SourceError, match="one text, and not two") as caught:
        read_inputs(source, pair=True)
    assert caught.value.place == "a.csv:7"
    with pytest.raises(SourceError, match="no pair of texts") as caught:
        read_inputs(table("a.txt", "one\ttwo\nthree\n"), pair=True)
    assert caught.value.place == "a.txt:2"


def test_a_table_without_second_texts_has_no_pairs(table):
    with pytest.raises(ColumnError, match="no two columns hold pairs of texts"):
        read_inputs(table("a.csv", written([(one, "x") for one, _ in ROWS], header=("text", "kind"))), pair=True)


@pytest.mark.parametrize("name", ["a.conll", "a.csv", "a.jsonl"])
def test_words_are_texts(table, name):
    words = ["Ada", "went", "to", "北", "京", "."]
    lines = {
        "a.conll": "".join(f"{word}\tO\n" for word in words),
        "a.csv": written([(json.dumps(words),)], header=("tokens",)),
        "a.jsonl": json.dumps({"tokens": words, "tags": ["O"] * 6}),
    }
    assert read_inputs(table(name, lines[name])) == ["Ada went to 北京 ."]
