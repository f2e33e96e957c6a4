"""Real tables of texts, as they were published: what is made of each without a word of the user's."""

from __future__ import annotations

import pytest

from hftransfer.data import counted, load_data

pytestmark = pytest.mark.real

REGRESSION, CLASSES, LABELS = "text-regression", "text-classification", "text-multi-label"
# The task, how many labels, the column of the texts, of the second ones, and of the labels.
EXPECTED = {
    "stsb/stsb-en-dev.csv": (REGRESSION, 1, "0", "1", "2"),
    "stsb/stsb-zh-dev.csv": (REGRESSION, 1, "0", "1", "2"),
    "goemotions/dev.tsv": (LABELS, 28, "0", None, "1"),
    "agnews_7600/test.csv": (CLASSES, 4, "2", None, "0"),
    "thucnews_10k/dev.txt": (CLASSES, 10, "0", None, "1"),
    "trec/train.tsv": (CLASSES, 6, "text", None, "label"),
    "sst2/dev.tsv": (CLASSES, 2, "0", None, "1"),
    "chnsenticorp_hotel/ChnSentiCorp_htl_all.csv": (CLASSES, 2, "review", None, "label"),
    "wnut17/dev.conll": ("token-classification", 13, "tokens", None, "tags"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_a_real_table_is_taken_for(shared, name):
    data = load_data(shared / "data" / "text" / name)
    columns = data.columns or {}
    found = (data.task, len(data.labels), columns["input"], columns["pair"], *columns["labels"])
    assert found == EXPECTED[name]
    assert sum(data.rows.values()) > 800 and not any(problem.severity == "error" for problem in data.problems)


def test_the_splits_and_entities_of_wnut17(shared):
    data = load_data(shared / "data" / "text" / "wnut17")
    assert data.rows == {"train": 3394, "validation": 1009, "test": 0}
    assert set(counted(data)) == {"corporation", "creative-work", "group", "location", "person", "product"}
    assert counted(data, "train")["person"] == 660


def test_the_scores_of_stsb_are_kept_as_they_are(shared):
    data = load_data(shared / "data" / "text" / "stsb" / "stsb-en-dev.csv")
    rows = {tuple(row["text"]): row["label"] for split in data.splits.values() for row in split}
    assert rows["A woman is playing the guitar.", "A man is playing guitar."] == [pytest.approx(2.4)]
