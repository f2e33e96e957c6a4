"""The model card: what it tells, what it keeps to itself, and that the Hub's own reader reads it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from hftransfer.publish.card import base_model, card
from hftransfer.publish.public import public_report, public_text

COMMIT = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"

RUN: dict[str, Any] = {
    "model": "/home/someone/models/tickets",
    "task": "text-classification",
    "backbone": "sentence-transformers/all-MiniLM-L6-v2",
    "backbone_revision": COMMIT,
    "backbone_license": "Apache-2.0",
    "strategy": "feature-extraction",
    "labels": ["billing", "log|in", "<b>other</b>"],
    "label_rows": {"billing": 20, "log|in": 12, "<b>other</b>": 8},
    "evaluated_on": "test",
    "rows": {"train": 40, "validation": 8, "test": 12},
    "metrics": {
        "accuracy": {"value": 0.8333, "low": 0.61, "high": 0.96},
        "f1_macro": {"value": 0.82, "low": 0.6, "high": 0.95},
        "f1_weighted": {"value": 0.83, "low": 0.6, "high": 0.95},
        "roc_auc": {"value": None, "low": None, "high": None},
    },
    "per_label": {"billing": {"precision": 1.0, "recall": 0.5, "f1": 0.667, "support": 4}},
    "confusion": [[2, 1, 1], [0, 4, 0], [0, 0, 4]],
    "seconds": {"total": 12.5, "load": 1.0, "train": 9.0},
    "source": "/home/someone/tickets.csv",
    "notes": ["tables of no split were left out: diary.csv"],
    "problems": [
        {"code": "empty-text", "severity": "warning", "where": "diary.csv:3", "message": "Dear diary"},
        {"code": "other-table", "severity": "info", "where": "diary.csv", "message": "left out: diary.csv"},
        {"code": "carved-splits", "severity": "info", "where": "diary.csv", "message": "set aside by seed 42"},
    ],
    "history": [{"epoch": 1, "loss": 0.3}],
    "recipe": {"seed": 42, "test": "../private/folder/test.csv", "epochs": None},
    "versions": {"torch": "2.15"},
}


def read(tmp_path: Path, run: dict[str, Any], **named: Any) -> Any:
    """The card as the Hub's own reader loads it from a file."""
    file = tmp_path / "README.md"
    file.write_text(card(run, **named), encoding="utf-8")
    return ModelCard.load(file)


def test_the_hubs_reader_reads_the_metadata_back(tmp_path: Path) -> None:
    read_back = read(tmp_path, RUN, repo="alice/tickets")
    data = read_back.data
    assert (data.pipeline_tag, data.library_name, data.license) == (RUN["task"], "transformers", "apache-2.0")
    assert (data.base_model, data["base_model_relation"]) == (RUN["backbone"], "finetune")
    assert len(data["widget"]) == 1
    assert {"hftransfer", "transfer-learning", "feature-extraction"} == set(data.tags or ())
    results = data.eval_results or []
    assert [(row.metric_type, row.metric_name, row.metric_value) for row in results] == [
        ("accuracy", "Accuracy", 0.8333),
        ("f1", "F1 (macro)", 0.82),
        ("f1", "F1 (weighted)", 0.83),
    ], "a figure that is none is left out"
    assert {(row.dataset_name, row.dataset_split, row.task_type) for row in results} == {
        ("tickets.csv", "test", RUN["task"])
    }
    assert data.model_name == "alice/tickets"
    assert str(ModelCard(str(read_back))) == str(read_back)


def test_the_text_tells_everything_and_breaks_no_table(tmp_path: Path) -> None:
    text = read(tmp_path, RUN, repo="alice/tickets").text
    for section in ("Labels", "Use", "Data", "Recipe", "Results", "Confusion", "Limits", "Training time"):
        assert f"## {section}\n" in text
    assert "# tickets\n" in text
    for use in ('pipeline("text-classification", model="alice/tickets")', 'Predictor.from_pretrained("alice/tickets")'):
        assert use in text
    assert 'hftransfer predict alice/tickets "a text of yours"' in text
    assert "40 for train, 8 for validation, 12 for test" in text
    assert "| Accuracy | 0.833 | 0.610 to 0.960 |" in text and "| ROC AUC | – | – |" in text
    assert "| **log\\|in** | 0 | 4 | 0 |" in text
    assert "<b>" not in text.replace("`<b>other</b>`", ""), "labels are no markup"
    assert "12.5 s in all: load 1.0 s, train 9.0 s" in text
    assert "`empty-text`" in text
    for row in (line for line in text.splitlines() if line.startswith("| ")):
        assert row.endswith(" |")


def test_it_names_nothing_private(tmp_path: Path) -> None:
    whole = str(read(tmp_path, RUN | {"backbone": "/home/someone/backbones/mine", "backbone_revision": None}))
    for secret in ("/home", "someone", "diary", "private/folder"):
        assert secret not in whole
    for told in ("`mine`", "tickets.csv", "test.csv", "- set aside by seed 42"):
        assert told in whole
    assert "base_model" not in whole


def test_without_a_repository_it_holds_a_placeholder(tmp_path: Path) -> None:
    whole = str(read(tmp_path, RUN))
    assert 'model="OWNER/MODEL"' in whole and "# tickets\n" in whole and "give its folder instead" in whole


@pytest.mark.parametrize("run", [{}, {"task": "image-classification"}, {"task": "text-classification", "metrics": {}}])
def test_absent_facts_are_left_out(tmp_path: Path, run: dict[str, Any]) -> None:
    read_back = read(tmp_path, run)
    assert read_back.data.license == "unknown" and read_back.data.eval_results is None
    assert "None" not in str(read_back) and "## Results" not in str(read_back)
    assert ("widget" in read_back.data) == (run.get("task") == "text-classification")


@pytest.mark.parametrize(
    ("given", "license", "name"),
    [(None, "unknown", None), ("MIT", "mit", None), ("Our Own License v2!", "other", "our-own-license-v2")],
)
def test_a_license_is_never_invented(tmp_path: Path, given: str | None, license: str, name: str | None) -> None:
    data = read(tmp_path, RUN | {"backbone_license": given}).data
    assert (data.license, data.get("license_name")) == (license, name)
    assert read(tmp_path, RUN | {"license": "cc-by-4.0", "backbone_license": given}).data.license == "cc-by-4.0"


def test_a_large_confusion_matrix_is_a_picture(tmp_path: Path) -> None:
    labels = [f"l{number}" for number in range(21)]
    run = RUN | {"labels": labels, "confusion": [[1] * 21] * 21}
    assert "confusion_matrix.png" in read(tmp_path, run).text and "| **l20** |" not in read(tmp_path, run).text
    assert "| **l19** |" in read(tmp_path, run | {"labels": labels[:20], "confusion": [[1] * 20] * 20}).text


def test_a_base_model_is_an_id_on_the_hub() -> None:
    cases = {
        ("owner/name", None): None,  # a folder: Transformers takes it, too
        ("owner/other", None): None,
        ("owner/other", "main"): None,
        ("google/mobilenet_v2_1.0_224", None): "google/mobilenet_v2_1.0_224",
        ("owner/other", COMMIT): "owner/other",
        ("bert-base-uncased", COMMIT): "bert-base-uncased",
        ("my-folder", None): None,
        ("../owner/name", None): None,
        ("/owner/other", None): None,
        ("C:\\models\\mine", COMMIT): None,
    }
    for (backbone, revision), expected in cases.items():
        run = {"backbone": backbone, "backbone_revision": revision}
        assert base_model(run) == expected, backbone
        assert base_model(run | {"backbone_on_hub": False}) is None
    assert base_model({"backbone": "owner/other", "backbone_on_hub": True}) == "owner/other"


def test_what_may_be_a_path_is_cut_to_its_name() -> None:
    recipe = {"test": "ann's files/test set", "validation": "private\\val.csv", "backbone": "private/mine", "seed": 1}
    run = {"backbone": "private/mine", "source": "private/tickets.csv", "recipe": recipe}
    told = public_report(run)
    assert (told["backbone"], told["source"]) == ("mine", "tickets.csv")
    assert told["recipe"] == {"test": "test set", "validation": "val.csv", "backbone": "mine", "seed": 1}
    kept = public_report(run | {"backbone_on_hub": True, "source": "owner/data:config"})
    assert (kept["backbone"], kept["recipe"]["backbone"]) == ("private/mine", "private/mine")
    assert kept["source"] == "owner/data:config"
    assert public_report(kept)["source"] == kept["source"], "what was published can be published again"
    old = {"source": "private/old.csv", "after": {"accuracy": {"value": 0.5}}}
    assert public_report({"forgetting": old})["forgetting"] == {**old, "source": "old.csv"}


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("/home/a b/data.csv", "data.csv"),
        ("~/data.csv", "data.csv"),
        ("C:\\Users\\me\\data.csv", "data.csv"),
        ("../up/data.csv", "data.csv"),
        ("see '/tmp/x/y.csv' and ~/z/w.csv.", "see 'y.csv' and w.csv."),
        ("cannot open /home/ann lee/my files/x.csv", "cannot open x.csv"),
        ("in C:\\Users\\ann lee\\x.csv", "in x.csv"),
        ("either/or", "either/or"),
        ("https://host/a/b", "https://host/a/b"),
        ("owner/name", "owner/name"),
        ("10 m/s", "10 m/s"),
    ],
)
def test_public_text(text: str, public: str) -> None:
    assert public_text(text) == public
