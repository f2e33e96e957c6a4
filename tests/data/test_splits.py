from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hftransfer import Recipe
from hftransfer.data import load_data
from hftransfer.data.splits import carve
from hftransfer.errors import SourceError

SHARES = {"validation": 0.15, "test": 0.15}


def counts(labels, carved) -> dict[str, Counter]:
    return {split: Counter(labels[index] for index in indices) for split, indices in carved.items()}


def test_every_row_is_in_exactly_one_split():
    labels = ["a"] * 100 + ["b"] * 37 + ["c"] * 3
    carved = carve(labels, SHARES, seed=1)
    assert sorted(np.concatenate(list(carved.values()))) == list(range(len(labels)))
    assert all(np.array_equal(indices, np.sort(indices)) for indices in carved.values())


def test_classes_keep_their_shares():
    labels = ["a"] * 100 + ["b"] * 300
    split = counts(labels, carve(labels, SHARES, seed=1))
    assert split["validation"] == split["test"] == {"a": 15, "b": 45}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (4, (2, 1, 1)), (7, (5, 1, 1)), (20, (14, 3, 3))],
)
def test_tiny_classes(rows, expected):
    carved = carve(["a"] * rows, SHARES, seed=0)
    assert tuple(len(carved[split]) for split in ("train", "validation", "test")) == expected


@pytest.mark.parametrize("rows", range(1, 12))
def test_train_keeps_a_row_whatever_the_shares(rows):
    carved = carve(["a"] * rows, {"validation": 0.5, "test": 0.5}, seed=0)
    assert len(carved["train"]) >= 1 and (rows < 3 or all(map(len, carved.values())))


def test_the_seed_decides():
    labels = ["a", "b"] * 50
    first, again, other = (carve(labels, SHARES, seed)["test"].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_other_classes_change_nothing():
    alone = carve(["a"] * 40, SHARES, seed=3)["test"]
    together = carve(["a"] * 40 + ["b"] * 9, SHARES, seed=3)["test"]
    assert set(alone) == {index for index in together if index < 40}


def test_loading_twice_and_from_a_copy_gives_the_same_splits(class_folders, zipped):
    root = class_folders({"cat": 20, "dog": 20})
    origins = [load_data(source).splits["test"]["origin"][:] for source in (root, root, zipped(root))]
    assert origins[0] == origins[1] == origins[2]
    other = load_data(root, Recipe(seed=7)).splits["test"]["origin"][:]
    assert other != origins[0]


def test_shares_come_from_the_recipe(class_folders):
    root = class_folders({"cat": 20, "dog": 20})
    data = load_data(root, Recipe(validation_share=0.25, test_share=0.0))
    assert data.rows == {"train": 30, "validation": 10, "test": 0} and data.evaluated_on == "validation"


def test_a_class_of_one_is_learned_and_told(class_folders):
    data = load_data(class_folders({"cat": 10, "dog": 10, "eel": 1}))
    (problem,) = [problem for problem in data.problems if problem.code == "tiny-class"]
    assert (problem.where, problem.severity) == ("eel", "warning") and "1 row:" in problem.message
    assert data.labels == ("cat", "dog", "eel")
    assert data.splits["train"]["label"][:].count(2) == 1


def test_two_rows_a_class_give_a_validation(class_folders):
    assert load_data(class_folders({"cat": 2, "dog": 2})).rows == {"train": 2, "validation": 2, "test": 0}


def test_one_row_a_class_is_refused(class_folders):
    with pytest.raises(SourceError, match="one example only"):
        load_data(class_folders({"cat": 1, "dog": 1, "eel": 1}))


def test_one_row_a_class_is_enough_where_splits_are_given(class_folders):
    folders = {f"{split}/{label}": 1 for split in ("train", "val") for label in ("cat", "dog")}
    assert load_data(class_folders(folders)).rows == {"train": 2, "validation": 2, "test": 0}


def test_labels_are_of_train_alone(class_folders):
    folders = {"train/cat": 10, "train/dog": 10, "test/cat": 4, "test/dog": 4, "test/ape": 2}
    data = load_data(class_folders(folders))
    assert data.labels == ("cat", "dog")
    assert data.rows["test"] == 8 and set(data.splits["test"]["label"][:]) == {0, 1}
    (problem,) = [problem for problem in data.problems if problem.code == "unknown-label"]
    assert problem.where == "test/ape/000.jpg, test/ape/001.jpg"


def test_a_test_with_other_labels_is_refused(class_folders):
    folders = {"train/cat": 10, "train/dog": 10, "test/0": 4, "test/1": 4}
    with pytest.raises(SourceError, match="no row of test has a label that train has") as caught:
        load_data(class_folders(folders))
    assert "test/0/000.jpg: '0'" in caught.value.place


def test_splits_without_train_are_refused(class_folders):
    with pytest.raises(SourceError, match="none is train"):
        load_data(class_folders({"val/cat": 3, "val/dog": 3, "test/cat": 3, "test/dog": 3}))


def test_digests_speak_of_inputs_in_their_order_and_not_of_labels(table):
    texts = [f"text number {i}" for i in range(20)]

    def written(name: str, labels: str, texts: list[str]) -> str:
        rows = [f"{text},{labels[int(text.split()[-1]) % 2]}\n" for text in texts]
        return str(table(name, "text,label\n" + "".join(rows)))

    same, turned = written("a.csv", "ab", texts), written("b.csv", "ab", texts[::-1])
    swapped = written("c.csv", "ba", texts)
    digests = load_data(same, Recipe(validation=swapped, test=turned)).digests
    assert digests["train"] == digests["validation"] != digests["test"]
