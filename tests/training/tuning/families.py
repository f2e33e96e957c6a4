"""Tiny classifiers of many families, of random weights, and batches for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    MobileNetV2Config,
    MobileNetV2ForImageClassification,
    PreTrainedModel,
    ResNetConfig,
    ResNetForImageClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    SwinConfig,
    SwinForImageClassification,
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

SIZE = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 16}
VOCABULARY = 40
_TIMM = {"depths": (1, 1, 2), "widths": (8, 8, 8)}


class Family(NamedTuple):
    """A model, what the names of each layer begin with, and of what comes after the last; and its head."""

    make: Callable[[], PreTrainedModel]
    layers: tuple[str, ...]
    after: tuple[str, ...]
    head: tuple[str, ...]


def _numbered(prefix: str, count: int = 3) -> tuple[str, ...]:
    return tuple(f"{prefix}.{at}." for at in range(count))


def _resnet() -> PreTrainedModel:
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[2, 1], layer_type="basic", num_labels=3)
    return ResNetForImageClassification(config)


def _mobilenet() -> PreTrainedModel:
    config = MobileNetV2Config(depth_multiplier=0.1, min_depth=4, depth_divisible_by=4, num_labels=3)
    return MobileNetV2ForImageClassification(config)


def _timm(architecture: str, **sizes: object) -> PreTrainedModel:
    config = TimmWrapperConfig(architecture=architecture, model_args=sizes, num_labels=3)
    return TimmWrapperForImageClassification(config)


def _timm_vit() -> PreTrainedModel:
    return _timm("vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=8, depth=3, num_heads=2)


def _swin() -> PreTrainedModel:
    config = SwinConfig(
        image_size=32, patch_size=4, embed_dim=8, depths=[1, 2], num_heads=[1, 2], window_size=4, num_labels=3
    )
    return SwinForImageClassification(config)


FAMILIES = {
    "vit": Family(
        lambda: ViTForImageClassification(ViTConfig(image_size=32, patch_size=8, num_labels=3, **SIZE)),
        _numbered("vit.layers"),
        ("vit.layernorm.",),
        ("classifier",),
    ),
    "bert": Family(
        lambda: BertForSequenceClassification(BertConfig(vocab_size=VOCABULARY, num_labels=3, **SIZE)),
        _numbered("bert.encoder.layer"),
        (),
        ("classifier", "bert.pooler.dense"),
    ),
    "roberta": Family(
        lambda: RobertaForSequenceClassification(
            RobertaConfig(vocab_size=VOCABULARY, max_position_embeddings=40, num_labels=3, **SIZE)
        ),
        _numbered("roberta.encoder.layer"),
        (),
        ("classifier.out_proj", "classifier.dense"),
    ),
    "distilbert": Family(
        lambda: DistilBertForSequenceClassification(
            DistilBertConfig(vocab_size=VOCABULARY, dim=8, n_layers=3, n_heads=2, hidden_dim=16, num_labels=3)
        ),
        _numbered("distilbert.transformer.layer"),
        ("pre_classifier.",),
        ("classifier",),
    ),
    "resnet": Family(
        _resnet,
        ("resnet.encoder.stages.0.layers.0.", "resnet.encoder.stages.0.layers.1.", "resnet.encoder.stages.1.layers.0."),
        (),
        ("classifier.1",),
    ),
    "mobilenet": Family(_mobilenet, _numbered("mobilenet_v2.layer", 16), ("mobilenet_v2.conv_1x1.",), ("classifier",)),
    "swin": Family(
        _swin,
        ("swin.encoder.layers.0.", "swin.encoder.layers.1.blocks.0.", "swin.encoder.layers.1.blocks.1."),
        ("swin.layernorm.",),
        ("classifier",),
    ),
    "timm-resnet": Family(
        lambda: _timm("resnet18", layers=(1, 1, 1, 1), channels=(4, 4, 8, 8)),
        tuple(f"timm_model.layer{at}.0." for at in range(1, 5)),
        (),
        ("timm_model.fc",),
    ),
    "timm-vit": Family(_timm_vit, _numbered("timm_model.blocks"), ("timm_model.norm.",), ("timm_model.head",)),
}
IMAGES = ("vit", "resnet", "mobilenet", "swin", "timm-resnet", "timm-vit")


def batch_for(family: str, rows: int = 4) -> dict[str, torch.Tensor]:
    """Random images of 32 pixels, or texts of unlike lengths, and labels."""
    labels = {"labels": torch.arange(rows) % 3}
    if family in IMAGES:
        return {"pixel_values": torch.rand(rows, 3, 32, 32), **labels}
    ids = torch.randint(5, VOCABULARY, (rows, 12))
    mask = (torch.arange(12) < torch.randint(4, 13, (rows, 1))).long()
    return {"input_ids": ids * mask, "attention_mask": mask, **labels}
