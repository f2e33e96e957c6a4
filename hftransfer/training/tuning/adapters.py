"""Adapters: low-rank updates (PEFT) beside frozen weights, in any backbone, and merged when training is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from ...checkpoints import ADAPTER
from ...errors import RecipeError
from ...models.anatomy import Anatomy, dissect
from ...models.backbones import is_starter
from ...models.dense import is_dense
from ...models.inputs import example
from ...models.loading import reload_weights
from ...models.surgery import mean_layer
from ...values import Event
from ..progress import Leg
from .rates import family, layer_depths

ONLY = "default"  # PEFT's name for an adapter that is alone
PREFIX = "base_model.model."  # of a weight's name in PEFT's files
FILE = "adapter_model.safetensors"
SHAPE = ("stride", "kernel_size", "dilation", "padding", "groups")


class Weights:
    """How a model is written and read back while it trains: as it is."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model

    def write(self, folder: Path) -> None:
        self.model.save_pretrained(folder)

    def read(self, folder: Path) -> None:
        reload_weights(self.model, folder)

    def settle(self) -> None:
        """Training is over: the model becomes a plain one."""


class Adapted(Weights):
    """Written as a plain checkpoint of merged weights, and beside it the adapter as PEFT wants it.

    It is read back from the adapter alone: the other weights never changed, and stay what they
    are to the last bit, as merging and taking apart again would not leave them.
    """

    def __init__(self, leg: Leg, places: Places) -> None:
        super().__init__(leg.backbone.model)
        self.leg, self.places = leg, places

    def write(self, folder: Path) -> None:
        self.model.save_pretrained(folder, state_dict=merged(self.model))
        adapter = folder / ADAPTER
        peft_config(self.leg, self.places).save_pretrained(str(adapter))
        save_file({name: tensor.contiguous() for name, tensor in self.own().items()}, adapter / FILE)
        (adapter / "README.md").write_text(instructions(self.leg), encoding="utf-8")

    def read(self, folder: Path) -> None:
        saved = load_file(folder / ADAPTER / FILE)
        with torch.no_grad():
            for name, tensor in self.own().items():
                tensor.copy_(saved[name])

    def settle(self) -> None:
        state = merged(self.model)
        for name, layer in adapted_layers(self.model):
            parent, _, child = name.rpartition(".")
            setattr(self.model.get_submodule(parent), child, layer.get_base_layer())
        del self.model.peft_config
        self.model.load_state_dict(state)

    def own(self) -> dict[str, torch.Tensor]:
        """What the adapter consists of, by its names in the file: the updates, and the modules beside."""
        beside = tuple(f"{name}." for name in self.places.beside)
        return {
            PREFIX + name.replace(f".{ONLY}.", "."): tensor
            for name, tensor in self.model.state_dict().items()
            if ".lora_" in name or name.startswith(beside)
        }


def weights_of(leg: Leg) -> Weights:
    """How the phase's model is written and read; where the phase has adapters, they are in the model from here on."""
    if leg.phase.adapter is None:
        return Weights(leg.backbone.model)
    batch = {name: tensor.to(leg.machine.device) for name, tensor in example(leg.backbone).items()}
    return Adapted(leg, adapt(leg, dissect(leg.backbone.model, batch, leg.backbone.name)))


@dataclass(frozen=True)
class Places:
    """Names of modules: `targets` have low-rank updates, `head` trains whole.

    `beside` is saved whole, and the updates are saved with it: the head, and the layer that the
    probe pools by, which no base has.
    """

    targets: tuple[str, ...]
    head: tuple[str, ...]
    beside: tuple[str, ...]

    def trains(self, name: str) -> bool:
        """Whether a parameter of that name trains."""
        return ".lora_" in name or name.rsplit(".", 1)[0] in self.head


def adapt(leg: Leg, anatomy: Anatomy) -> Places:
    """Put adapters into the model, where there are none yet. At first they change nothing.

    Raises:
        RecipeError: the backbone has no layer that can have one.
    """
    model, head = leg.backbone.model, anatomy.trained
    pool = mean_layer(model, anatomy)
    beside = (*head, *([pool] if pool else ()))
    there = tuple(name for name, _ in adapted_layers(model))
    places = Places(there or adaptable(model, beside), head, beside)
    if not places.targets:
        fix = "choose another strategy, or another backbone"
        raise RecipeError(f"'{leg.backbone.name}' has no layer for adapters", place="--strategy", fix=fix)
    if not there:
        with torch.random.fork_rng():
            torch.manual_seed(leg.recipe.seed)  # the same whenever the run goes on
            inject_adapter_in_model(peft_config(leg, places, beside=False), model)
        _show_shapes(model)
        leg.on_event(Event("train", f"adapters: {_share(model, places):.1%} of the weights train"))
    return places


def _show_shapes(model: PreTrainedModel) -> None:
    """Some models ask a convolution how it moves, which PEFT's does not tell."""
    for _, layer in adapted_layers(model):
        for name in SHAPE:
            if hasattr(layer.base_layer, name) and not hasattr(layer, name):
                setattr(layer, name, getattr(layer.base_layer, name))


def _share(model: PreTrainedModel, places: Places) -> float:
    trained = sum(parameter.numel() for name, parameter in model.named_parameters() if places.trains(name))
    return trained / sum(parameter.numel() for parameter in model.parameters())


def adaptable(model: PreTrainedModel, beside: tuple[str, ...]) -> tuple[str, ...]:
    """The layers that can have an update: of a convolutional backbone all, of another those of its stack.

    PEFT knows a layer by its exact kind; it cannot merge convolutions that are depthwise, and copies no dilation.
    """
    convolutional = family(model) == "convolution"
    stacked = {name.rsplit(".", 1)[0] for name, depth in layer_depths(model).items() if depth or convolutional}
    return tuple(
        name
        for name, module in model.named_modules()
        if name in stacked
        and _takes(module, convolutional)
        and not f"{name}.".startswith(tuple(f"{b}." for b in beside))
    )


def _takes(module: nn.Module, convolutional: bool) -> bool:
    if type(module) is nn.Conv2d:
        plain = module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
        return convolutional and plain
    return type(module) in (nn.Linear, Conv1D)


def peft_config(leg: Leg, places: Places, *, beside: bool = True) -> LoraConfig:
    """The adapter in PEFT's words, with the modules that are saved whole, or without."""
    adapter = leg.phase.adapter
    assert adapter is not None
    model = leg.backbone.model
    return LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        target_modules=list(places.targets),
        modules_to_save=list(places.beside) if beside else None,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
        base_model_name_or_path=base_name(leg),
        inference_mode=beside,
    )


def adapted_layers(model: PreTrainedModel) -> Iterator[tuple[str, Any]]:
    yield from [(name, module) for name, module in model.named_modules() if isinstance(module, LoraLayer)]


@torch.no_grad()
def merged(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The state of the plain model that computes the same; the model itself is left as it is."""
    state = {
        name.replace(".base_layer.", "."): tensor for name, tensor in model.state_dict().items() if ".lora_" not in name
    }
    for name, layer in adapted_layers(model):
        state[f"{name}.weight"] = layer.get_base_layer().weight + layer.get_delta_weight(ONLY)
    return state


def base_name(leg: Leg) -> str:
    """The backbone's id, or its folder's name: the rest of a path is of this machine."""
    name = leg.backbone.name
    return Path(name).name if Path(name).is_dir() else name


def instructions(leg: Leg) -> str:
    """The adapter's README: the lines that load it, where Transformers can build what it belongs to."""
    config, name = leg.backbone.model.config, base_name(leg)
    if is_dense(config):
        return README_DENSE
    shape = {key: getattr(config, key) for key in ("num_hidden_layers", "layer_types") if getattr(config, key, None)}
    more = {"revision": leg.backbone.revision} if leg.backbone.revision else {}
    options = {**more, **shape, "id2label": config.id2label, "label2id": config.label2id}
    lines = "".join(f"    {key}={value!r},\n" for key, value in options.items())
    where = "\nThe base is the folder that training began from.\n" if Path(leg.backbone.name).is_dir() else ""
    first = "from hftransfer.models.starters import starter\n" if is_starter(name) else ""
    base = f"starter({leg.backbone.modality!r})" if is_starter(name) else repr(name)
    more_lines = CONVOLUTIONS if family(leg.backbone.model) == "convolution" else ""
    return README.format(first=first, auto=leg.task.auto_model, base=base, lines=lines, where=where, more=more_lines)


CONVOLUTIONS = f"""for layer in model.modules():  # some models ask a convolution how it moves
    if hasattr(layer, "lora_A"):
        for name in {SHAPE}:
            if hasattr(layer.base_layer, name) and not hasattr(layer, name):
                setattr(layer, name, getattr(layer.base_layer, name))
"""
README_DENSE = """# Adapter

The same model as low-rank updates and a dense head beside its base. Transformers has no such head, so PEFT has no model
to put them into: load the folder above by hftransfer, which needs none of this.
"""
README = """# Adapter

The same model as low-rank updates beside its base, for PEFT. Whoever loads the folder above needs none of this.
{where}
```python
{first}from peft import PeftModel
from transformers import {auto}

base = {auto}.from_pretrained(
    {base},
{lines}    ignore_mismatched_sizes=True,
)
model = PeftModel.from_pretrained(base, "adapter").eval()
{more}```

Its inputs are made by the processor or tokenizer of the folder above.
"""
