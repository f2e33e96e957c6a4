"""Tables as they also come: broken, or with more than a header above the rows."""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hftransfer.data import load_data
from hftransfer.errors import SourceError

from .test_tables import as_lines, as_parquet, codes, pairs, written

MARKED = {
    "a.csv": codecs.BOM_UTF8
    + b"text,label\n"
    + b"".join(b"broken \xff\xc3 %d,%s\n" % (i, b"ab"[i % 2 :][:1]) for i in range(20)),
    "b.csv": ("\ufeff" + "text,label\n" + "".join(f"broken {i},{'ab'[i % 2]}\n" for i in range(20))).encode("utf-16-le")
    + b"\x00\xd8\x41",
    "c.jsonl": codecs.BOM_UTF8 + b"".join(b'{"text": "broken \xe9 %d", "label": %d}\n' % (i, i % 2) for i in range(20)),
    "d.json": codecs.BOM_UTF8
    + b"[%s]" % b",".join(b'{"text": "broken \xe9 %d", "label": %d}' % (i, i % 2) for i in range(20)),
    "e.jsonl": b"".join(b'{"text": "broken \x81\x8d %d", "label": %d}\n' % (i, i % 2) for i in range(20)),
}


@pytest.mark.parametrize("name", MARKED)
def test_a_mark_at_the_head_proves_nothing_of_the_rest(table, name):
    data = load_data(table(name, MARKED[name]))
    assert sum(data.rows.values()) == 20
    assert all(text.startswith("broken") for text, _ in pairs(data))


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("name", ["a.csv", "c.jsonl", "d.json", "m.parquet"])
def test_whatever_is_broken_is_told_as_the_datas_fault(table, messages, name, seed):
    chance = random.Random(seed)
    content = MARKED[name] if name in MARKED else as_parquet(messages)
    broken = bytearray(content[: chance.randrange(4, len(content))] if seed % 3 else content)
    for _ in range(chance.randrange(1, 12)):
        broken[chance.randrange(3, len(broken))] = chance.randrange(256)
    with contextlib.suppress(SourceError):
        load_data(table(name, bytes(broken)))


@pytest.mark.parametrize("name", ["deep.json", "deep.jsonl"])
def test_json_nested_too_deep_is_no_row(table, messages, name):
    deep = '{"text": ' * 100_000
    data = load_data(table(name, as_lines(messages) + "\n" + deep + "\n"))
    assert pairs(data) == set(messages) and codes(data) == {"malformed-row"}
    with pytest.raises(SourceError, match="no JSON objects"):
        load_data(table(name, deep))


def test_a_parquet_file_with_two_columns_of_one_name(table):
    file = io.BytesIO()
    pq.write_table(pa.table([pa.array(["a", "b"])] * 3, names=["text", "label", "text"]), file)
    with pytest.raises(SourceError, match="several columns are called 'text'"):
        load_data(table("two.parquet", file.getvalue()))


NOTES = {
    "unknown": {"info": {"features": {"text": {"_type": "Hologram"}}}},
    "kind": {"info": {"features": {"text": {"dtype": "quux", "_type": "Value"}}}},
    "number": {"info": 7},
    "text": "info",
}


@pytest.mark.parametrize("note", NOTES)
def test_notes_in_parquet_that_the_library_does_not_know_are_passed_over(table, messages, note):
    file = io.BytesIO()
    plain = pa.table({"text": [text for text, _ in messages], "label": [label for _, label in messages]})
    pq.write_table(plain.replace_schema_metadata({"huggingface": json.dumps(NOTES[note])}), file)
    assert pairs(load_data(table("days.parquet", file.getvalue()))) == set(messages)


HEADED = {
    "blank": ("v1,v2,,,", lambda text, label: f'{label},"{text}",,,', {"guessed-columns"}),
    "blank and said": ("label,text,,", lambda text, label: f'{label},"{text}",,', set()),
    "sep": ("sep=;\ntext;label", lambda text, label: f"{text};{label}", set()),
    "quoted sep": (
        '\ufeff"SEP=;"\nmood;phrase',
        lambda text, label: f"{label};{text}",
        {"guessed-columns", "byte-order-mark"},
    ),
    "title": ("Reviews of our days\n\ntext,label", lambda text, label: f'"{text}",{label}', {"title"}),
    "padded title": ("Days of 2024,,\n,,\nno,text,label", lambda text, label: f'1,"{text}",{label}', {"title"}),
}


@pytest.mark.parametrize("kind", HEADED)
def test_headers_as_spreadsheets_write_them(table, messages, kind):
    messages[3] = ("well; and so on" if "sep" not in kind else "well, and so on", "good")
    messages[4] = ("and a last one", "bad")
    head, line, expected = HEADED[kind]
    data = load_data(table("days.csv", "\n".join([head, *(line(*row) for row in messages)])))
    assert pairs(data) == set(messages) and codes(data) == expected


def test_a_short_first_line_above_no_header_is_a_row_like_others(table, messages):
    data = load_data(table("days.csv", "Great\n" + written(messages, header=None)))
    assert pairs(data) == set(messages)
    assert codes(data) == {"no-header", "guessed-columns", "malformed-row"}
