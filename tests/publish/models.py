"""Tiny models with random weights, saved as `fine_tune` saves real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import BertConfig, BertTokenizer, ViTConfig, ViTImageProcessor

from hftransfer.publish.card import card
from hftransfer.tasks import get_task

LABELS = ("one", "two", "three")
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
    return model_of(folder, "text-classification")


def image_model(folder: Path) -> Path:
    """A ViT of 2 layers of 16 units for images of 32 pixels."""
    return model_of(folder, "image-classification")


def model_of(folder: Path, task: str, *labels: str, pair: bool = False, **report: Any) -> Path:
    """A model for any row of the task table, with what its config and its report say besides."""
    row, labels = get_task(task), labels or LABELS
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: at for at, label in enumerate(labels)}}
    flags = {"thresholds": dict.fromkeys(labels, 0.4)} if row.target.shape == "flags" else {}
    torch.manual_seed(0)
    config, processor = BACKBONES[row.modality.name](
        problem_type=row.target.problem_type or None, **SIZE, **names, **flags, **({"text_pair": True} if pair else {})
    )
    getattr(transformers, row.auto_model).from_config(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    told = {"labels": list(labels), **({"text_pair": True} if pair else {}), **report}
    return _with_notes(folder, task, told)


def _bert(**more: Any) -> tuple[BertConfig, BertTokenizer]:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz?.!,;", "the", "no", "收", "货"]
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokenizer = BertTokenizer(vocab={word: place for place, word in enumerate(words)}, model_max_length=64)
    return BertConfig(vocab_size=len(words), max_position_embeddings=64, **more), tokenizer


def _vit(**more: Any) -> tuple[ViTConfig, ViTImageProcessor]:
    return ViTConfig(image_size=32, patch_size=8, **more), ViTImageProcessor(size={"height": 32, "width": 32})


BACKBONES: dict[str, Callable[..., tuple[Any, Any]]] = {"text": _bert, "image": _vit}


def _with_notes(folder: Path, task: str, told: dict[str, Any]) -> Path:
    report = REPORT | {"task": task} | told
    recipe = {"task": task, "strategy": "full", **REPORT["recipe"]}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "README.md").write_text(card(report))
    (folder / "report.html").write_text("stays here")
    (folder / "diary.csv").write_text("Dear diary")
    return folder
