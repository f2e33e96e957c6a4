from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading

import datasets
import pytest
from huggingface_hub import constants

from hftransfer.data import hub, load_data, load_evaluation
from hftransfer.errors import ColumnError, HubError, SourceError, SourceMissing


def as_dataset(messages, **more) -> datasets.Dataset:
    rows = {"text": [text for text, _ in messages], "label": [label for _, label in messages]}
    return datasets.Dataset.from_dict({**rows, **more})


def test_the_digits_sample():
    data = load_data("sample:digits")
    assert (data.name, data.task) == ("sample:digits", "image-classification")
    assert data.labels == tuple("0123456789") and sum(data.rows.values()) == 1797
    image = data.splits["train"][0]["image"]
    assert image.size == (32, 32) and image.mode == "L" and image.getextrema()[1] > 200


def test_the_helpdesk_sample():
    data = load_data("sample:helpdesk")
    assert data.task == "text-classification" and len(data.labels) == 5
    assert 250 <= sum(data.rows.values()) <= 350
    assert not [problem for problem in data.problems if problem.severity != "info"]


def test_an_unknown_sample_names_those_there_are():
    with pytest.raises(SourceMissing) as caught:
        load_data("sample:cats")
    assert "sample:digits, sample:helpdesk" in caught.value.fix


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


def test_a_dataset_dict(messages):
    splits = {"train": as_dataset(messages), "val": as_dataset(messages[10:30]), "unsupervised": as_dataset(messages)}
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


def test_a_hub_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="no such path here, and the Hub could not be asked") as caught:
        load_data("nobody/nothing")
    assert "'nobody/nothing' at http://127.0.0.1:9" in caught.value.place


def test_a_hub_that_is_switched_off(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        load_data("nobody/nothing")


@pytest.mark.parametrize("name", ["name", "owner/name", "owner/name:config", "a-b/c.d_e:x.y"])
def test_names_that_may_be_on_the_hub(name):
    assert hub.looks_like_id(name)


@pytest.mark.parametrize("name", ["a/b/c", "data.csv", "pets.zip", "/data", "../data", "a b/c", "", "x/"])
def test_names_that_cannot_be(name):
    assert not hub.looks_like_id(name)


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


def test_a_data_set_that_the_hub_does_not_have(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {**os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(tmp_path)}
        env.pop("HF_HUB_OFFLINE", None)
        done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True, check=True)
        server.shutdown()
    said = json.loads(done.stdout)
    assert said["kind"] == "SourceMissing" and said["place"] == "nobody/nothing"
    assert said["cause"].startswith("there is neither such a path nor such a data set on the Hub")
