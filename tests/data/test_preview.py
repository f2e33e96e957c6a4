"""Examples to look at, and texts without labels."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from hftransfer.data import examples, load_data, read_inputs
from hftransfer.data.preview import LETTERS, SHORT, SIDE
from hftransfer.data.showcase import ALONG, EACH
from hftransfer.errors import ColumnError, SourceError

TAGS = {"Ada": "B-person", "Paris": "B-place"}


def test_examples_of_images_are_small_upright_and_without_holes(tmp_path: Path) -> None:
    wide = Image.new("RGBA", (400, 200), (0, 0, 0, 0))
    turned = Image.new("RGB", (400, 200), "red")
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    with zipfile.ZipFile(tmp_path / "i.zip", "w") as archive:
        for number in range(6):
            wide.save(tmp_path / "a.png")
            turned.save(tmp_path / "b.jpg", exif=exif)
            archive.write(tmp_path / "a.png", f"clear/{number}.png")
            archive.write(tmp_path / "b.jpg", f"turned/{number}.jpg")
    found = examples(load_data(tmp_path / "i.zip"))
    assert {label: len(images) for label, images in found.items()} == {"clear": EACH, "turned": EACH}
    assert found["clear"][0].size == (SIDE, SIDE // 2) and found["turned"][0].size == (SIDE // 2, SIDE)
    assert found["clear"][0].mode == "RGB" and found["clear"][0].getpixel((5, 5)) == (255, 255, 255)


def test_examples_of_texts_are_their_beginnings(tmp_path: Path) -> None:
    rows = [f"{'long ' * 100}{n},a" if n % 2 else f"short {n},b" for n in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows]))
    found = examples(load_data(tmp_path / "t.csv"))
    assert len(found["a"][0]) == LETTERS and found["a"][0].endswith("…") and found["b"][0].startswith("short")


def test_the_columns_are_told_and_so_are_those_of_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    rows = [f"a text {n},x{n % 2},{n}" for n in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["what,kind,number", *rows]))
    columns = load_data(tmp_path / "t.csv").columns
    assert columns == {"names": ["what", "kind", "number"], "input": "what", "pair": None, "labels": ["kind"]}
    (tmp_path / "n.csv").write_text("\n".join(["alpha,beta", *(f"{n},{n * 7}" for n in range(30))]))
    with pytest.raises(ColumnError) as refused:
        load_data(tmp_path / "n.csv")
    assert refused.value.columns == ("alpha", "beta")
    assert refused.value.to_json()["columns"] == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.txt", "one\n\n  two  \n", ["one", "two"]),
        ("a.csv", "id,review,label\n1,quite good,x\n2,rather bad,y\n", ["quite good", "rather bad"]),
        ("a.jsonl", '{"n": 1, "words": "the longest column is it"}\n', ["the longest column is it"]),
        ("u.txt", "第一条\n第二条\n".encode("utf-16"), ["第一条", "第二条"]),
    ],
)
def test_texts_are_read_without_labels(tmp_path: Path, name: str, content: str | bytes, texts: list[str]) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read_inputs(tmp_path / name) == texts


@pytest.mark.parametrize(("name", "content"), [("a.txt", " \n"), ("a.pdf", "x"), ("a.csv", "a,b\n1,2\n3,4\n")])
def test_a_file_without_texts_is_told(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError) as refused:
        read_inputs(tmp_path / name)
    assert name in refused.value.place and refused.value.fix


def test_examples_of_pairs_are_two_beginnings_and_of_several_labels_rows_of_each(tmp_path: Path) -> None:
    rows = [{"text": f"a text of {n} days", "label": ["even"] * (n % 2 == 0) + ["small"] * (n < 12)} for n in range(24)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = examples(load_data(tmp_path / "t.jsonl"))
    assert set(found) == {"even", "small"} and all(int(text.split()[3]) < 12 for text in found["small"])
    assert SHORT["text"](["long " * 100, "short"]) == [SHORT["text"]("long " * 100), "short"]


def test_examples_of_numbers_rise_from_the_least_to_the_largest(tmp_path: Path) -> None:
    rows = [f"a text of {n} days,{n / 10}" for n in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["text,score", *rows]))
    (found,) = examples(load_data(tmp_path / "t.csv")).values()
    values = [example["value"] for example in found]
    assert len(values) == ALONG and values == sorted(values) and values[-1] - values[0] > 7
    assert all(example["input"] == f"a text of {round(example['value'] * 10)} days" for example in found)


def test_examples_of_entities_have_one_of_their_kind_marked(tmp_path: Path) -> None:
    def row(number: int) -> dict[str, list[str]]:
        words = f"{'so ' * 90 * (number % 2)}Ada {number} lives in Paris".split()
        return {"tokens": words, "tags": [TAGS.get(word, "O") for word in words]}

    (tmp_path / "t.jsonl").write_text("\n".join(json.dumps(row(number)) for number in range(20)))
    found = examples(load_data(tmp_path / "t.jsonl"))
    assert set(found) == {"person", "place"}
    for kind, rows in found.items():
        assert len(rows) == EACH and all(len(example["input"]) <= LETTERS for example in rows)
        for example in rows:
            marked = {one["label"]: example["input"][one["start"] : one["end"]] for one in example["entities"]}
            assert marked[kind] == {"person": "Ada", "place": "Paris"}[kind]
