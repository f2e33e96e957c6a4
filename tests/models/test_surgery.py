"""What is read at a view is what the model makes after it was cut and given its pooling."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, DistilBertConfig, RobertaConfig, ViTConfig

from hftransfer.models.anatomy import dissect, watch
from hftransfer.models.surgery import reshape, views_of
from hftransfer.models.views import View, pooled, reading

from .test_anatomy import TEXT, VISION, build

DEEP = {"num_hidden_layers": 4}
CONFIGS = [
    BertConfig(**TEXT | DEEP),
    RobertaConfig(**TEXT | DEEP),
    DistilBertConfig(dim=32, n_layers=4, n_heads=2, hidden_dim=64, vocab_size=100),
    ViTConfig(**VISION | DEEP),
]


def padded(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The second text shorter than the first, where there are texts."""
    if "attention_mask" in batch:
        batch["attention_mask"][1, 4:] = 0
    return batch


# A ViT is read at its first token alone: its norm comes after the stack.
CASES = [(config, at) for config in CONFIGS for at in range(3 if config.model_type == "vit" else 6)]


@pytest.mark.parametrize(("config", "at"), CASES, ids=lambda value: getattr(value, "model_type", str(value)))
def test_the_reshaped_model_computes_the_view(config: object, at: int, tmp_path: Path) -> None:
    model, batch = build(config.__class__.from_dict(config.to_dict()))
    batch = padded(batch)
    anatomy = dissect(model, batch, "it")
    views = views_of(model, anatomy, batch, "best")
    assert len(views) == (3 if config.model_type == "vit" else 6)
    view = views[at]
    with torch.inference_mode(), reading(model, anatomy, views) as states:
        model(**batch)
        expected = pooled(model, anatomy, states[view.depth], view, batch.get("attention_mask"))
    reshape(model, anatomy, view)
    model.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path).eval()
    calls, _ = watch(loaded, batch)
    given = next(call.given for call in calls if call.name == (anatomy.dense or anatomy.head))
    assert torch.allclose(given, expected, atol=2e-3)
    assert loaded.config.num_hidden_layers == view.depth + (view.pooling == "mean")


def test_views_span_the_upper_half() -> None:
    model, batch = build(BertConfig(**TEXT | DEEP))
    anatomy = dissect(model, batch, "it")
    assert views_of(model, anatomy, batch, "best") == tuple(
        View(depth, pooling) for depth in (2, 3, 4) for pooling in ("first", "mean")
    )
    assert views_of(model, anatomy, batch, "last") == (View(4, "first"), View(4, "mean"))
    assert len(model.bert.encoder.layer) == model.config.num_hidden_layers == 4


def test_the_mean_is_the_tokens_mean() -> None:
    """Padding left out; up to the first token that it is added to, and the norm."""
    model, batch = build(BertConfig(**TEXT))
    batch = padded(batch)
    anatomy = dissect(model, batch, "it")
    view = View(2, "mean")
    with torch.inference_mode(), reading(model, anatomy, (view,)) as states:
        model(**batch)
        got = pooled(model, anatomy, states[2], view, batch["attention_mask"])
    mean = torch.stack([states[2][0].mean(0), states[2][1, :4].mean(0)])
    assert torch.cosine_similarity(got, mean - mean.mean(-1, keepdim=True)).min() > 0.99


def test_a_reshaped_model_loads_by_its_config_alone(tmp_path: Path) -> None:
    model, batch = build(BertConfig(**TEXT | DEEP))
    reshape(model, dissect(model, batch, "it"), View(2, "first"))
    model.save_pretrained(tmp_path)
    loaded, info = AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    with torch.inference_mode():
        assert torch.equal(loaded.eval()(**batch).logits, model.eval()(**batch).logits)
