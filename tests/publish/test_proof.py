"""The proof compares every label's score."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

from hftransfer.publish.proof import answers, synthetic_samples
from hftransfer.tasks import get_task


def test_all_labels_are_compared_however_many(tmp_path: Path) -> None:
    """An image pipeline gives the best five, unless it is asked for all."""
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    ViTForImageClassification(ViTConfig(image_size=32, patch_size=8, num_labels=9, **size)).save_pretrained(tmp_path)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    said = answers(tmp_path, get_task("image-classification"), synthetic_samples("image"))
    assert all(len(scores) == 9 for scores in said)
