from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import datasets
import pytest
from huggingface_hub import constants

from hftransfer import Recipe
from hftransfer.data import load_data, load_evaluation
from hftransfer.data.hub import looks_like_id
from hftransfer.errors import ColumnError, HubError, SourceError, SourceMissing
from tests.hub.fixtures import Loopback


def as_dataset(messages, **more) -> datasets.Dataset:
    rows = {"text": [text for text, _ in messages], "label": [label for _, label in messages]}
    return datasets.Dataset.from_dict({**rows, **more})


def test_the_digits_sample():
    data = load_data("sample:digits")
    assert (data.name, data.task) == ("sample:digits", "image-classification")
    assert data.labels == tuple("0123456789") and sum(data.rows.values()) == 1797
    image = data.splits["train"][0]["image"]
    assert image.size == (40, 40) and image.mode == "L" and image.getextrema()[1] > 200


def test_the_helpdesk_sample():
    data = load_data("sample:helpdesk")
    assert data.task == "text-classification" and len(data.labels) == 5
    assert 250 <= sum(data.rows.values()) <= 350
    assert not [problem for problem in data.problems if problem.severity != "info"]


def test_an_unknown_sample_names_those_there_are():
    with pytest.raises(SourceMissing) as caught:
        load_data("sample:cats")
    assert "sample:digits, sample:helpdesk" in caught.value.fix
    with pytest.raises(ColumnError, match="no column 'stars'"):
        load_data("sample:helpdesk", Recipe(label_column="stars"))


def test_a_dataset_of_texts(messages):
    data = load_data(as_dataset(messages))
    assert data.rows == {"train": 28, "validation": 6, "test": 6}
    assert data.splits["train"][0]["origin"].startswith("dataset:")


def test_class_labels_are_decoded_and_their_gaps_set_aside(messages):
    numbers = [-1 if i == 3 else int(label == "good") for i, (_, label) in enumerate(messages)]
    rows = as_dataset(messages).remove_columns("label").add_column("label", numbers)
    rows = rows.cast_column("label", datasets.ClassLabel(names=["bad", "good"]))
    data = load_data(rows)
    assert data.labels == ("bad", "good") and sum(data.rows.values()) == 39
    assert "missing-label" in {problem.code for problem in data.problems}


def test_a_dataset_dict(messages, others):
    splits = {"train": as_dataset(messages), "val": as_dataset(others[10:30]), "unsupervised": as_dataset(messages)}
    assert load_data(datasets.DatasetDict(splits)).rows == {"train": 40, "validation": 20, "test": 0}


def test_a_lone_split_is_everything(messages):
    assert load_data(datasets.DatasetDict(test=as_dataset(messages))).rows == {"train": 28, "validation": 6, "test": 6}


def test_a_test_split_whose_labels_are_withheld(messages):
    hidden = [(text, None) for text, _ in messages]
    data = load_data(datasets.DatasetDict(train=as_dataset(messages), test=as_dataset(hidden)))
    assert data.rows == {"train": 28, "validation": 6, "test": 6}
    assert "missing-label" in {problem.code for problem in data.problems}


def test_a_dataset_dict_without_train(messages):
    splits = {"left": as_dataset(messages), "right": as_dataset(messages)}
    with pytest.raises(SourceError, match="none of the data set's splits is train"):
        load_data(datasets.DatasetDict(splits))


def test_formats_and_transforms_of_a_dataset_do_not_matter(messages):
    plain = as_dataset(messages)
    shouted = plain.with_transform(lambda rows: {"text": [text.upper() for text in rows["text"]]})
    assert load_data(shouted).splits["train"][0]["text"] == load_data(plain).splits["train"][0]["text"]


def test_a_dataset_of_images(class_folders):
    paths = [str(path) for path in sorted(class_folders({"a": 6, "b": 6}).rglob("*.jpg"))]
    rows = {"image": paths, "label": ["ab"[i % 2] for i in range(12)]}
    data = load_data(datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image()))
    assert data.task == "image-classification" and sum(data.rows.values()) == 12
    assert all(row["image"]["bytes"] for row in data.splits["train"].cast_column("image", datasets.Image(decode=False)))


def test_evaluation_takes_the_test_split_with_the_models_labels(class_folders):
    root = class_folders({"train/cat": 4, "train/dog": 4, "test/cat": 2, "test/dog": 3})
    rows = load_evaluation(root, "image-classification", ("eel", "dog", "cat"))
    assert len(rows) == 5 and rows["label"][:] == [2, 2, 1, 1, 1]
    assert rows.features["label"].names == ["eel", "dog", "cat"]


def test_evaluation_takes_every_row_where_there_is_no_test(class_folders):
    labels = ("cat", "dog")
    assert len(load_evaluation(class_folders({"cat": 4, "dog": 4}), "image-classification", labels)) == 8
    root = class_folders({"train/cat": 4, "train/dog": 4, "val/cat": 2}, name="more")
    assert len(load_evaluation(root, "image-classification", labels)) == 10


def unlabelled(table, messages, class_folders) -> dict[str, object]:
    """Sources whose test split is there, but has no usable row."""
    hidden = [(text, None) for text, _ in messages]
    table("set/train.csv", "text,label\n" + "".join(f"{text},{label}\n" for text, label in messages[::3]))
    return {
        "withheld": datasets.DatasetDict(train=as_dataset(messages), test=as_dataset(hidden)),
        "column": table("set/test.csv", "id,text\n1,who knows\n").parent,
        "unsorted": class_folders({"train/good": 4, "train/bad": 4, "test": 3}),
    }


@pytest.mark.parametrize("kind", ["withheld", "column", "unsorted"])
def test_evaluation_never_takes_train_for_a_test_split_that_cannot_be_used(table, messages, class_folders, kind):
    source = unlabelled(table, messages, class_folders)[kind]
    task = "image-classification" if kind == "unsorted" else "text-classification"
    for _ in range(2):  # read, and from the last time
        with pytest.raises(SourceError, match="test split is there, but none of its rows can be used") as caught:
            load_evaluation(source, task, ("bad", "good"))
        assert caught.value.place and caught.value.fix


def test_evaluation_tells_of_rows_that_it_leaves_out(table, messages):
    content = "text,label\n" + "".join(f"{text},{label}\n".replace("day number", "day") for text, label in messages)
    events = []
    load_evaluation(table("a.csv", content + "x,\n"), "text-classification", ("good", "bad"), on_event=events.append)
    assert [event.stage for event in events if event.message == "1 row set aside: no label (a.csv:42)"] == ["load"]


def test_evaluation_of_a_single_class_is_possible(class_folders):
    rows = load_evaluation(class_folders({"cat": 4}), "image-classification", ("cat", "dog"))
    assert rows["label"][:] == [0] * 4


def test_evaluation_refuses_labels_that_the_model_does_not_know(class_folders):
    with pytest.raises(SourceError, match="does not know, the first 'eel'") as caught:
        load_evaluation(class_folders({"cat": 4, "eel": 3}), "image-classification", ("cat", "dog"))
    assert "eel/000.jpg" in caught.value.place and "cat, dog" in caught.value.fix


def test_evaluation_refuses_data_of_another_modality(table, messages):
    source = table("a.csv", "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in messages))
    with pytest.raises(ColumnError, match="no column looks like it holds the images"):
        load_evaluation(source, "image-classification", ("good", "bad"))


def test_a_hub_that_is_switched_off(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        load_data("nobody/nothing")


@pytest.mark.parametrize("name", ["name", "owner/name", "owner/name:config", "a-b/c.d_e:x.y"])
def test_names_that_may_be_on_the_hub(name):
    assert looks_like_id(name)


@pytest.mark.parametrize("name", ["a/b/c", "data.csv", "pets.zip", "/data", "../data", "a b/c", "", "x/"])
def test_names_that_cannot_be(name):
    assert not looks_like_id(name)


class Nothing(http.server.BaseHTTPRequestHandler):
    """A Hub without any repository."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *said: object) -> None:
        pass


ASK = """
import json
from hftransfer.data import load_data
from hftransfer.errors import HFTransferError
try:
    load_data("nobody/nothing")
except HFTransferError as error:
    print(json.dumps(error.to_json()))
"""


def asked(endpoint: str, home: Path) -> dict[str, str]:
    """What a process says that looks for a data set there, in a cache that is empty."""
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home)}
    env.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_data_set_that_the_hub_does_not_have(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = asked(f"http://127.0.0.1:{server.server_port}", tmp_path)
        server.shutdown()
    assert said["kind"] == "SourceMissing" and said["place"] == "nobody/nothing"
    assert said["cause"].startswith("there is neither such a path nor such a data set on the Hub")


def test_a_hub_that_does_not_answer(tmp_path):
    with socket.socket() as closed:  # bound, and never listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        said = asked(endpoint, tmp_path)
    assert said["kind"] == "HubError" and said["place"] == f"'nobody/nothing' at {endpoint}"
    assert "the Hub could not be asked" in said["cause"] and "refused" in said["cause"]


LOAD = """
import contextlib, io, json, sys
from huggingface_hub import HfApi
from hftransfer.data import load_data
repo, api = sys.argv[1], HfApi()
api.create_repo(repo, repo_type="dataset")
for split, count in (("train", 40), ("test", 20)):
    rows = "".join(f"{split} text number {i},{'good' if i % 2 else 'bad'}\\n" for i in range(count))
    table = ("text,label\\n" + rows).encode()
    api.upload_file(path_or_fileobj=table, path_in_repo=f"{split}.csv", repo_id=repo, repo_type="dataset")
with contextlib.redirect_stderr(io.StringIO()) as said:
    data = load_data(repo)
print(json.dumps({"name": data.name, "rows": data.rows, "labels": data.labels, "said": said.getvalue()}))
"""


def test_a_data_set_on_the_hub(hub: Loopback):
    told = hub.child(LOAD, "alice/days")
    assert told == {
        "name": "alice/days",
        "rows": {"train": 34, "validation": 6, "test": 20},
        "labels": ["bad", "good"],
        "said": "",
    }


def test_a_test_of_single_texts_is_none_for_pairs(tmp_path: Path) -> None:
    lines = "\n".join(f"one text {n},another text {n},{'yes' if n % 2 else 'no'}" for n in range(20))
    (tmp_path / "pairs.csv").write_text(f"sentence1,sentence2,label\n{lines}\n", encoding="utf-8")
    single = "\n".join(f"one text {n},{'yes' if n % 2 else 'no'}" for n in range(20))
    (tmp_path / "single.csv").write_text(f"text,label\n{single}\n", encoding="utf-8")
    with pytest.raises(SourceError, match="holds single texts, where pairs of texts are needed"):
        load_data(tmp_path / "pairs.csv", Recipe(test=str(tmp_path / "single.csv")))


def test_a_broken_row_with_a_number_of_its_own_is_only_set_aside(tmp_path: Path) -> None:
    lines = "\n".join(f"text {n},{n}.5" for n in range(20))
    (tmp_path / "n.csv").write_text(f"text,label\n{lines}\na,99.5,too many\n", encoding="utf-8")
    data = load_data(tmp_path / "n.csv")
    assert data.task == "text-regression" and sum(data.rows.values()) == 20
    assert any(problem.code == "malformed-row" for problem in data.problems)


@pytest.mark.parametrize(
    ("labels", "task", "match"),
    [
        (['{"name": {"Ann": [[0, 2]]}}', '{"place": {}}'] * 10, None, "JSON objects of a form that no task has"),
        (["1e60", "2e60"] * 10, "text-regression", "no label can be read as text-regression"),
    ],
)
def test_labels_of_no_known_form_are_refused(labels: list[str], task: str | None, match: str, tmp_path: Path) -> None:
    rows = [json.dumps({"text": f"text {n}", "label": label}) for n, label in enumerate(labels)]
    (tmp_path / "t.jsonl").write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(SourceError, match=match):
        load_data(tmp_path / "t.jsonl", Recipe(task=task))


def test_a_train_of_words_is_no_regression(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.csv").write_text(
        "text,label\n" + "\n".join(f"t {n},w{n % 2}" for n in range(20)), encoding="utf-8"
    )
    (folder / "test.csv").write_text("text,label\n" + "\n".join(f"u {n},{n}.5" for n in range(20)), encoding="utf-8")
    with pytest.raises(SourceError, match="no label can be read as text-regression"):
        load_data(folder, Recipe(task="text-regression"))


def test_one_spoilt_number_is_set_aside_in_an_evaluation_too(tmp_path: Path) -> None:
    lines = [f"text {n},{n}.5" for n in range(200)] + ["odd,n/a-ish"]
    (tmp_path / "t.csv").write_text("text,label\n" + "\n".join(lines), encoding="utf-8")
    assert len(load_evaluation(tmp_path / "t.csv", "text-regression", ("label",))) == 200
