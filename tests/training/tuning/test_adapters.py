"""Adapters: what they are put on, what stays as it is, and that merged they are the same model."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    ConvNextConfig,
    ConvNextForImageClassification,
    MobileNetV2Config,
    MobileNetV2ForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

from hftransfer import Predictor, fine_tune
from hftransfer.checkpoints import ADAPTER, FINISHED, best, room_of, salvage
from hftransfer.errors import RecipeError
from hftransfer.models import Anatomy, dissect
from hftransfer.models.inputs import example
from hftransfer.models.surgery import reshape
from hftransfer.models.views import View
from hftransfer.recipe import Recipe
from hftransfer.strategies import Adapter, Phase, Rates
from hftransfer.training import Machine, Trial, run_phases
from hftransfer.training.progress import Leg
from hftransfer.training.tuning.adapters import Adapted, adapt, adapted_layers, weights_of
from hftransfer.values import Backbone, Dataset, Event
from tests.tiny import convolutional_backbone, pictures
from tests.training.test_phases import PROBE, copied, station

SIZE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
AUTO = {
    "text": AutoModelForSequenceClassification,
    "image": AutoModelForImageClassification,
    "convolution": AutoModelForImageClassification,
}
KINDS = ("text", pytest.param("image", marks=pytest.mark.slow), pytest.param("convolution", marks=pytest.mark.slow))


def phase(**more: object) -> Phase:
    given = {"rates": Rates(3e-3, 3e-3), "epochs": 2.0, "adapter": Adapter(rank=4)} | more
    return Phase("lora", trains="adapters", solver="trainer", **given)  # type: ignore[arg-type]


def begun(kind: str, tmp_path: Path) -> tuple[Backbone, Dataset, Recipe]:
    """After a probe; of the text backbone a layer is left, and one that pools by the mean."""
    backbone, data, recipe = station(kind, tmp_path, patience=99)
    if kind == "text":
        reshape(backbone.model, dissect(backbone.model, example(backbone), "it"), View(1, "mean"))
        return backbone, data, recipe
    run_phases(backbone, data, [PROBE], recipe, tmp_path / "probe")
    return backbone, data, recipe


class Killed(Exception):
    pass


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT's
@pytest.mark.parametrize(
    "kind", ["text", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("image", "convolution"))]
)
def test_a_run_with_adapters(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is frozen stays to the last bit, merged equals unmerged, a kill changes nothing, PEFT reads the adapter."""
    seen: dict[str, torch.Tensor] = {}
    settle = Adapted.settle

    def noted(self: Adapted) -> None:
        apart.update(copied(self.model))
        with torch.inference_mode():
            seen["apart"] = self.model.eval()(**batch).logits
            settle(self)
            seen["merged"] = self.model(**batch).logits

    monkeypatch.setattr(Adapted, "settle", noted)
    apart: dict[str, torch.Tensor] = {}
    heard: list[Event] = []
    backbone, data, recipe = begun(kind, tmp_path)
    before, batch = copied(backbone.model), example(backbone)
    anatomy = dissect(backbone.model, batch, "it")
    run_phases(backbone, data, [phase()], recipe, tmp_path / "whole", heard.append)
    after = copied(backbone.model)

    plain = {name: name.replace(".base_layer.", ".") for name in apart if ".lora_" not in name}
    head = tuple(f"{name}." for name in anatomy.trained)
    assert {name for name in plain if not torch.equal(apart[name], before[plain[name]])} == {
        name for name in plain if name.startswith(head)
    }
    assert any(".lora_B" in name and tensor.any() for name, tensor in apart.items())
    assert torch.allclose(seen["apart"], seen["merged"], atol=1e-5, rtol=0)
    assert after.keys() == before.keys() and not hasattr(backbone.model, "peft_config")
    assert any("of the weights train" in event.message for event in heard)

    room = room_of(tmp_path / "whole", 0, "lora") / FINISHED
    code = re.search(r"```python\n(.*?)```", (room / ADAPTER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / ADAPTER).symlink_to(room / ADAPTER)
    found: dict[str, torch.nn.Module] = {}
    exec(code[1], found)
    with torch.inference_mode():
        assert torch.allclose(found["model"](**batch).logits, seen["merged"], atol=1e-5, rtol=0)

    def die(event: Event) -> None:
        if event.total and event.step > 2 * event.total // 3:
            raise Killed

    killed, *_ = begun(kind, tmp_path)
    with pytest.raises(Killed):
        run_phases(killed, data, [phase()], recipe, tmp_path / "killed", die)
    kept = best(tmp_path / "killed")  # what a job that ends here has
    assert kept is not None and kept.name.startswith("checkpoint-")
    assert AUTO[kind].from_pretrained(kept).state_dict().keys() == before.keys()
    killed, *_ = begun(kind, tmp_path)
    run_phases(killed, data, [phase()], recipe, tmp_path / "killed")
    assert all(torch.equal(tensor, after[name]) for name, tensor in killed.model.state_dict().items())


def leg_of(model: torch.nn.Module, tmp_path: Path) -> Leg:
    backbone, data, recipe = station("convolution", tmp_path)
    machine = Machine(torch.device("cpu"), torch.float32)
    return Leg(replace(backbone, model=model), data, phase(), recipe, machine, tmp_path)  # type: ignore[arg-type]


MODELS = {
    "vit": ViTForImageClassification(ViTConfig(image_size=64, patch_size=8, **SIZE)),
    "mobilenet": MobileNetV2ForImageClassification(MobileNetV2Config(depth_multiplier=0.1, image_size=64)),
    "convnext": ConvNextForImageClassification(ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2)),
}


@pytest.mark.parametrize("kind", MODELS)
def test_layers_are_found_in_any_backbone(kind: str, tmp_path: Path) -> None:
    """Linear layers of a stack, convolutions of a convolutional one, but no depthwise ones and never the head."""
    model = copy.deepcopy(MODELS[kind]).eval()
    leg = leg_of(model, tmp_path)
    weights = weights_of(leg)
    assert isinstance(weights, Adapted)
    adapted = dict(adapted_layers(model))
    batch = example(leg.backbone)
    with torch.inference_mode():
        assert torch.equal(model(**batch).logits, MODELS[kind].eval()(**batch).logits)
    plain = {name: module for name, module in MODELS[kind].named_modules() if name in adapted}
    others = {name: module for name, module in MODELS[kind].named_modules() if name not in adapted}
    head = dissect(MODELS[kind], example(leg.backbone), "it").head
    assert plain.keys() == adapted.keys() and head in others
    left = [name for name, module in others.items() if isinstance(module, torch.nn.Linear)]
    assert left == [head]
    kept = {name for name, module in others.items() if isinstance(module, torch.nn.Conv2d)}
    depthwise = {name for name, module in MODELS[kind].named_modules() if getattr(module, "groups", 1) > 1}
    patches = {"vit.embeddings.patch_embeddings.projection"} if kind == "vit" else set()
    assert kept == depthwise | patches
    moved = {name for name, parameter in model.named_parameters() if weights.places.trains(name)}
    assert not any(name.startswith(tuple(plain)) and ".lora_" not in name for name in moved)
    weights.settle()
    assert all(torch.equal(tensor, MODELS[kind].state_dict()[name]) for name, tensor in model.state_dict().items())


def test_an_adapter_beside_a_dense_head_promises_no_loading(tmp_path: Path) -> None:
    backbone, data, recipe = station("convolution", tmp_path, head="dense")
    leg = Leg(backbone, data, phase(), recipe, Machine(torch.device("cpu"), torch.float32), tmp_path)
    weights_of(leg).write(tmp_path / "model")
    told = (tmp_path / "model" / ADAPTER / "README.md").read_text(encoding="utf-8")
    assert "by hftransfer" in told and "from_pretrained" not in told


def test_a_step_with_adapters_is_timed_and_they_need_a_place(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path)
    machine = Machine(torch.device("cpu"), torch.float32)
    frozen = backbone.model.bert.encoder.layer[0].output.dense.weight
    before = frozen.detach().clone()
    assert Trial.of(backbone, data, recipe, machine).step(phase(), machine) > 0
    assert torch.equal(frozen, before) and list(adapted_layers(backbone.model))

    class Bare(torch.nn.Module):
        pass

    backbone, *_ = station("text", tmp_path)
    backbone.model.bert.encoder = Bare()
    with pytest.raises(RecipeError, match="no layer for adapters"):
        adapt(Leg(backbone, data, phase(), recipe, machine, tmp_path), Anatomy("classifier", "bert.pooler.dense"))


def test_the_output_has_the_adapter_beside(tmp_path: Path) -> None:
    folder = convolutional_backbone(tmp_path / "backbone")
    recipe = Recipe(backbone=str(folder), strategy="lora", epochs=1, batch_size=8, precision="fp32")
    model = fine_tune(pictures(tmp_path / "p.zip"), recipe, output=tmp_path / "model", workdir=tmp_path / "work")
    assert {path.name for path in (model.folder / ADAPTER).iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    assert str(tmp_path) not in (model.folder / ADAPTER / "README.md").read_text(encoding="utf-8")
    assert salvage(tmp_path / "work", tmp_path / "kept")
    kept = Predictor.from_pretrained(tmp_path / "kept")
    batch = example(model.backbone)
    assert (kept.scores(batch) == model.scores(batch)).all() and (kept.folder / ADAPTER / "README.md").is_file()
