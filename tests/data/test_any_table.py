"""Whatever a table holds: a result, or an error that says what to do; never a traceback."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from hftransfer import Recipe, cli
from hftransfer.data import as_pair, check, labels_of, load_data, read_inputs
from hftransfer.data.tables.spans import spans_of
from hftransfer.data.tables.spelling import places
from hftransfer.errors import HFTransferError, SourceError

FEW = settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=1500, derandomize=False)
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".conll", ".conllu", ".parquet")
PLAINEST = Recipe()
COLUMNS = ("text", "label", "labels", "start", "end", "spans", "tokens", "tags", "sentence1", "sentence2", "score")
COLUMNS = (*COLUMNS, "id", "image", "a", "", " text ", "text_pair", "\ufefftext", "0", "title")


def loaded(path: Path, recipe: Recipe = PLAINEST) -> None:
    """Load it and look at all of it; what is the data's fault is told as such."""
    try:
        data = load_data(path, recipe)
    except HFTransferError as error:
        event(error.cause[:40])
        assert error.cause and (error.fix or error.place)
        return
    event(data.task)
    json.dumps(check(path, recipe))
    for rows in data.splits.values():
        assert len(labels_of(rows)) == len(rows[:]["origin"])


def file_of(suffix: str, content: bytes) -> Path:
    path = Path(tempfile.mkdtemp()) / f"any{suffix}"
    path.write_bytes(content)
    return path


LOOSE = st.text(st.sampled_from("ab ,;|\t\n\"'[]{}:#-.0123OB\r\ufeff中é\x00"), max_size=120)
# Files that can be used, before a few of their bytes are others.
WHOLE = (
    b"text,label\n" + b"".join(b"day %d,%d\n" % (n, n % 2) for n in range(12)),
    b"".join(b"Ada\tB-x\nwent%d\tO\n\n" % n for n in range(12)),
    b"".join(b'{"text": "day %d", "label": "%d"}\n' % (n, n % 2) for n in range(12)),
    b"".join(b'{"text": "day %d", "spans": [[0, 3, "x"]]}\n' % n for n in range(12)),
    b"".join(b"one day %d\ta day %d\t%d.5\n" % (n, n, n % 4) for n in range(12)),
)
CONTENTS = st.one_of(
    st.binary(max_size=200),
    LOOSE.map(lambda text: text.encode()),
    st.tuples(LOOSE, st.sampled_from(["utf-16", "gb18030", "utf-8-sig"])).map(
        lambda pair: pair[0].encode(pair[1], "replace")
    ),
    LOOSE.map(lambda text: b"text,label\n" + text.encode() * 3),
    LOOSE.map(lambda text: b"PAR1" + text.encode() + b"PAR1"),
    st.tuples(st.sampled_from(WHOLE), st.integers(0), st.integers(0, 9), st.binary(max_size=9)).map(
        lambda cut: cut[0][: cut[1] % len(cut[0])] + cut[3] + cut[0][cut[1] % len(cut[0]) + cut[2] :]
    ),
)


def any_bytes(suffix: str, content: bytes) -> None:
    loaded(file_of(suffix, content))


test_any_bytes = FEW(given(st.sampled_from(SUFFIXES), CONTENTS)(any_bytes))
test_many_any_bytes = pytest.mark.slow(MANY(given(st.sampled_from(SUFFIXES), CONTENTS)(any_bytes)))

WORD = st.sampled_from(
    ["a", "fine day", "O", "B-x", "I-x", "好的一天", "0", "1", "2.5", "1e400", "nan", " ", "x.png", "0:1:A"]
)
PLAIN = st.one_of(
    WORD,
    st.text(max_size=8),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
)
SPAN = st.fixed_dictionaries({"start": PLAIN, "end": PLAIN, "label": PLAIN})
CELL = st.one_of(
    PLAIN,
    st.lists(PLAIN, max_size=4),
    st.lists(st.one_of(SPAN, st.lists(st.one_of(st.integers(0, 9), WORD), min_size=3, max_size=3)), max_size=3),
    st.dictionaries(st.sampled_from(["a", "start", "entities", "label"]), PLAIN, max_size=3),
)
# A column is of one kind of cell for the most part: else hardly any table would be taken.
KINDS = st.sampled_from(
    [
        PLAIN,
        CELL,
        WORD,
        st.integers(0, 1),
        st.floats(0, 5).map(lambda number: round(number, 1)),
        st.lists(WORD, min_size=2, max_size=2),
        st.lists(SPAN, max_size=2),
        st.integers(0, 4),
        st.text("ab c", min_size=1, max_size=12),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Names, and some rows."""
    names = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5, unique=True))
    kinds = [draw(KINDS) for _ in names]
    rows = draw(st.lists(st.tuples(*kinds).map(list), min_size=1, max_size=12))
    return names, rows * draw(st.sampled_from([1, 1, 4]))


def as_lines(names: list[str], rows: list[list[Any]]) -> bytes:
    return "\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows).encode()


def as_csv(names: list[str], rows: list[list[Any]]) -> bytes:
    file = io.StringIO()
    plain = [[json.dumps(cell) if isinstance(cell, (list, dict)) else cell for cell in row] for row in rows]
    csv.writer(file).writerows([names, *plain])
    return file.getvalue().encode("utf-8", "replace")


def as_parquet(names: list[str], rows: list[list[Any]]) -> bytes:
    """With the columns that Parquet has a type for; numbers that are none as text."""
    file = io.BytesIO()
    columns = {}
    for name, cells in zip(names, zip(*rows, strict=True), strict=True):
        try:
            columns[name] = pa.array(cells)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
            columns[name] = pa.array([str(cell).encode("utf-8", "replace").decode() for cell in cells])
    try:
        pq.write_table(pa.table(columns), file)
    except pa.ArrowNotImplementedError:  # an empty struct
        return b""
    return file.getvalue()


TEXT = st.lists(st.sampled_from(["one", "fine", "day", "北京", "a", "B-x"]), min_size=2, max_size=5).map(" ".join)
TAGGED = st.lists(st.sampled_from([("Ada", "B-x"), ("went", "O"), ("Ada", "I-x"), ("北", "O")]), min_size=1, max_size=4)
FLAG, SCORE = st.integers(0, 1), st.integers(0, 50).map(lambda number: number / 10)
# Tables that can be learned from, before some of their cells are spoilt.
SOUND = {
    ("text", "label"): st.tuples(TEXT, st.sampled_from("xyz")),
    ("id", "text", "a", "b"): st.tuples(st.integers(), TEXT, FLAG, FLAG),
    ("text", "labels"): st.tuples(TEXT, st.lists(st.sampled_from("xyz"), max_size=3)),
    ("sentence1", "sentence2", "score"): st.tuples(TEXT, TEXT, SCORE),
    ("tokens", "tags"): TAGGED.map(lambda row: [list(side) for side in zip(*row, strict=True)]),
    ("text", "spans"): st.tuples(TEXT, st.just([{"start": 0, "end": 1, "label": "x"}])),
    ("text", "start", "end", "label"): st.tuples(TEXT, st.just(0), FLAG.map(lambda end: end + 1), st.just("x")),
}


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Names and rows, of which some cells are anything."""
    names = draw(st.sampled_from(list(SOUND)))
    rows = [list(row) for row in draw(st.lists(SOUND[names], min_size=8, max_size=14))]
    for place, column, cell in draw(
        st.lists(st.tuples(st.integers(0, 7), st.sampled_from(range(len(names))), CELL), max_size=3)
    ):
        rows[place][column] = cell
    return list(names), rows


MADE = st.one_of(tables(), spoilt())
WRITERS = {".jsonl": as_lines, ".csv": as_csv, ".parquet": as_parquet}
RECIPES = st.sampled_from(
    [
        Recipe(),
        Recipe(),
        Recipe(task="token-classification"),
        Recipe(task="text-regression"),
        Recipe(task="text-multi-label"),
        Recipe(label_column=("a", "score")),
        Recipe(text_column="title", text_pair_column="text"),
        Recipe(text_column="text", label_column="label"),
        Recipe(text_column="tokens", label_column="tags"),
    ]
)


def built(suffix: str, made: tuple[list[str], list[list[Any]]], recipe: Recipe) -> None:
    loaded(file_of(suffix, WRITERS[suffix](*made)), recipe)


test_built_tables = FEW(given(st.sampled_from(list(WRITERS)), MADE, RECIPES)(built))
test_many_built_tables = pytest.mark.slow(MANY(given(st.sampled_from(list(WRITERS)), MADE, RECIPES)(built)))


@settings(FEW, max_examples=12)
@given(st.sampled_from(SUFFIXES), CONTENTS)
@example(".csv", b"text,label\n" + b"a day,x\nb day,y\n" * 9)
def test_the_shell_answers_with_0_or_2(suffix: str, content: bytes) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        cli.main(["check", str(file_of(suffix, content)), "--json"])
    assert ended.value.code == (2 if "error" in json.loads(out.getvalue()) else 0)


@settings(FEW, max_examples=200)
@given(st.one_of(CELL, LOOSE, st.text(max_size=20)))
def test_any_input_is_a_pair_or_is_refused(value: Any) -> None:
    try:
        one, two = as_pair(value)
    except SourceError as error:
        assert error.fix
    else:
        assert one.strip() and two.strip()


@settings(FEW, max_examples=200)
@given(st.text(max_size=30), st.lists(st.integers(0, 30), max_size=3))
def test_words_are_all_of_a_text_but_its_spaces(text: str, borders: list[int]) -> None:
    found = places(text, [border for border in borders if border <= len(text)])
    assert all(start < end for start, end in found)
    assert "".join(text[start:end] for start, end in found) == "".join(text.split())


@settings(FEW, max_examples=200)
@given(st.one_of(CELL, LOOSE))
def test_any_cell_has_spans_or_none(cell: Any) -> None:
    assert all(isinstance(one.start, int) and one.kind for one in spans_of(cell) or ())


@settings(FEW, max_examples=40)
@given(st.sampled_from(SUFFIXES), CONTENTS, st.booleans())
def test_any_file_of_inputs_is_read_or_refused(suffix: str, content: bytes, pair: bool) -> None:
    try:
        texts = read_inputs(file_of(suffix, content), pair=pair)
    except HFTransferError as error:
        assert error.cause and error.place
    else:
        assert all(isinstance(text, tuple if pair else str) for text in texts) and math.inf > len(texts) > 0
