"""Tiny models with random weights, saved as `fine_tune` saves real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizer,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)

from hftransfer.publish.card import card

LABELS = ("one", "two", "three")
NAMES: dict[str, Any] = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
SIZE: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 0.5,  # wide, so that scores differ from input to input
}
PRIVATE = "/home/someone/secret place"  # must not be seen on the Hub
REPORT: dict[str, Any] = {
    "model": "tiny",
    "backbone": "private/backbone",
    "backbone_revision": None,
    "strategy": "full",
    "labels": list(LABELS),
    "evaluated_on": "test",
    "rows": {"train": 30, "validation": 6, "test": 6},
    "metrics": {"accuracy": {"value": 0.75, "low": 0.5, "high": 0.9}},
    "source": f"{PRIVATE}/data.csv",
    "notes": ["1 file was left out: divorce/letter to Ann.doc", "read as cp1252"],
    "problems": [
        {"code": "tiny-class", "severity": "warning", "where": "diary.csv:7", "message": "Dear diary"},
        {
            "code": "left-out",
            "severity": "info",
            "where": "divorce/x",
            "message": "1 file was left out: divorce/letter",
        },
        {"code": "encoding", "severity": "info", "where": "diary.csv", "message": "read as cp1252"},
    ],
    "recipe": {
        "test": "private/divorce papers/test.csv",
        "validation": "private/diaries",
        "backbone": "private/backbone",
    },
}
SECRETS = (PRIVATE, "secret place", "diary", "diaries/", "divorce", "letter", "private")


def text_model(folder: Path) -> Path:
    """A BERT of 2 layers of 16 units, whose scores differ from text to text."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz?.!,;", "the", "no", "收", "货"]
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(words), max_position_embeddings=64, **SIZE, **NAMES)
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(vocab={word: place for place, word in enumerate(words)}, model_max_length=64).save_pretrained(folder)
    return _with_notes(folder, "text-classification")


def image_model(folder: Path) -> Path:
    """A ViT of 2 layers of 16 units for images of 32 pixels."""
    torch.manual_seed(0)
    config = ViTConfig(image_size=32, patch_size=8, **SIZE, **NAMES)
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return _with_notes(folder, "image-classification")


def _with_notes(folder: Path, task: str) -> Path:
    report = REPORT | {"task": task}
    recipe = {"task": task, "strategy": "full", **REPORT["recipe"]}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "README.md").write_text(card(report))
    (folder / "report.html").write_text("stays here")
    (folder / "diary.csv").write_text("Dear diary")
    return folder
