"""The parts of a model are found in architectures of every kind, by numbers alone."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForImageClassification as Images
from transformers import AutoModelForSequenceClassification as Texts
from transformers import (
    BeitConfig,
    BertConfig,
    ConvNextConfig,
    DebertaV2Config,
    DeiTConfig,
    Dinov2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    MobileNetV2Config,
    ModernBertConfig,
    PretrainedConfig,
    ResNetConfig,
    RobertaConfig,
    SwinConfig,
    TimmWrapperConfig,
    ViTConfig,
)

from hftransfer.errors import BackboneError
from hftransfer.models.anatomy import Anatomy, dissect, watch

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
TEXT = SIZE | {"vocab_size": 100}
VISION = SIZE | {"image_size": 64}
ENDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1, "cls_token_id": 1, "sep_token_id": 1}

FOUND = [
    (BertConfig(**TEXT), Anatomy("classifier", "bert.pooler.dense", "tanh", "bert.encoder.layer", None, True)),
    (
        RobertaConfig(**TEXT),
        Anatomy("classifier.out_proj", "classifier.dense", "tanh", "roberta.encoder.layer", None, True),
    ),
    (
        ElectraConfig(**TEXT),
        Anatomy("classifier.out_proj", "classifier.dense", "gelu", "electra.encoder.layer", None, True),
    ),
    (
        DistilBertConfig(dim=32, n_layers=2, n_heads=2, hidden_dim=64, vocab_size=100),
        Anatomy("classifier", "pre_classifier", "relu", "distilbert.transformer.layer", None, True),
    ),
    (DebertaV2Config(**TEXT), Anatomy("classifier", "pooler.dense", "gelu", "deberta.encoder.layer", None, True)),
    (ModernBertConfig(**TEXT | ENDS), Anatomy("classifier", layers="model.layers")),
    (ViTConfig(**VISION), Anatomy("classifier", layers="vit.layers", norm="vit.layernorm", first_token=True)),
    (DeiTConfig(**VISION), Anatomy("classifier", layers="deit.layers", norm="deit.layernorm", first_token=True)),
    (BeitConfig(**VISION), Anatomy("classifier", layers="beit.layers")),
    (Dinov2Config(**VISION | {"image_size": 56}), Anatomy("classifier")),
    (SwinConfig(embed_dim=16, depths=[1, 1], num_heads=[2, 2], image_size=64), None),
    (ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1]), Anatomy("classifier.1")),
    (ConvNextConfig(hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1]), Anatomy("classifier")),
    (MobileNetV2Config(depth_multiplier=0.35), Anatomy("classifier")),
    (TimmWrapperConfig(architecture="resnet18", num_labels=3, do_pooling=True), Anatomy("timm_model.fc")),
    (TimmWrapperConfig(architecture="vgg11", num_labels=3, do_pooling=True), Anatomy("timm_model.head.fc")),
]


def build(config: PretrainedConfig) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    config.num_labels, config.architectures = 3, []
    side = config.image_size if isinstance(getattr(config, "image_size", None), int) else 64
    if hasattr(config, "vocab_size") and not hasattr(config, "image_size"):
        ids = torch.randint(2, 99, (2, 7))
        return Texts.from_config(config).eval(), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    return Images.from_config(config).eval(), {"pixel_values": torch.randn(2, 3, side, side)}


@pytest.mark.parametrize(("config", "expected"), FOUND, ids=lambda value: type(value).__name__)
def test_parts_are_found(config: PretrainedConfig, expected: Anatomy | None) -> None:
    model, batch = build(config)
    found = dissect(model, batch, "it")
    if expected is None:  # a Swin's stages are no equal layers
        assert (found.head, found.reads_any_depth) == ("classifier", False)
    else:
        assert found == expected


def test_what_the_head_is_given_makes_the_logits() -> None:
    model, batch = build(BertConfig(**TEXT))
    found = dissect(model, batch, "it")
    calls, logits = watch(model, batch)
    given = next(call.given for call in calls if call.name == found.head)
    with torch.inference_mode():
        assert torch.allclose(model.get_submodule(found.head)(given), logits, atol=1e-6)


def test_watching_leaves_no_hook_and_no_change_of_mode() -> None:
    model, batch = build(ViTConfig(**VISION))
    model.train()
    dissect(model, batch, "it")
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_a_decoders_head_reads_the_last_token() -> None:
    model, batch = build(GPT2Config(n_embd=32, n_layer=2, n_head=2, vocab_size=100, **ENDS))
    batch["attention_mask"][1, 4:] = 0
    batch["input_ids"][1, 4:] = 0
    found = dissect(model, batch, "gpt")
    assert found.head == "score" and not found.reads_any_depth


def test_a_head_that_is_no_linear_layer_is_refused() -> None:
    model, batch = build(BertConfig(**TEXT))
    model.classifier = torch.nn.Sequential(model.classifier, torch.nn.Softmax(-1))
    with pytest.raises(BackboneError, match="'odd' is no linear layer"):
        dissect(model, batch, "odd")
