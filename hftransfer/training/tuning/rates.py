"""Which parameters learn how fast: by kind of layer, and by depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import nn
from transformers import PreTrainedModel

from ...strategies import Phase, Rates


def family(model: PreTrainedModel) -> str:
    """`attention` or `convolution`: what the rates of a phase are chosen by."""
    attends = any("attention" in type(module).__name__.lower() for module in model.modules())
    return "attention" if attends else "convolution"


def parameter_groups(
    model: PreTrainedModel, head: frozenset[str], rates: Rates, weight_decay: float
) -> list[dict[str, Any]]:
    """Optimizer groups: rates fall from the head to the input by `rates.decay` a layer.

    Biases, norms and other vectors carry no weight decay.
    """
    depths = layer_depths(model, head)
    deepest = max(depths.values(), default=0)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        above = deepest - depths[name]
        rate = rates.head if name.rsplit(".", 1)[0] in head else rates.backbone * rates.decay**above
        groups.setdefault((rate, weight_decay if parameter.dim() > 1 else 0.0), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def trained_parameters(model: PreTrainedModel, head: frozenset[str], phase: Phase) -> frozenset[str]:
    """The names of what a phase trains; the head is always among it.

    `phase.layers` may be more than there are by now, the probe having cut the backbone: then all
    of them train. What lies below the first layer trains with `everything` alone.
    """
    depths = layer_depths(model, head)
    above = max(depths.values(), default=0) + 1
    asked = 1 if phase.layers is None else max(1, above - phase.layers)
    lowest = {"head": above, "everything": 0}.get(phase.trains, asked)
    return frozenset(name for name, depth in depths.items() if depth >= lowest or name.rsplit(".", 1)[0] in head)


def layer_depths(model: PreTrainedModel, head: frozenset[str] = frozenset()) -> dict[str, int]:
    """Each parameter's layer, counted from the input, in the order in which the model names them.

    A layer is a block of the outermost numbered stacks (`encoder.layer.3`, `layer4.1`), of a
    stage (`stages.1.layers.0`) each of its own. What comes before the first is layer 0, as
    embeddings are wherever they stand; what else lies outside the blocks belongs to the one
    before it, a stage's own entrance to its first; the head belongs to the last.
    """
    layers = _layers(model)
    tables = [name for name, module in model.named_modules() if isinstance(module, nn.Embedding)]
    depths: dict[str, int] = {}
    reached = 0
    for name, _ in model.named_parameters():
        if name.rsplit(".", 1)[0] in head:
            depths[name] = len(layers)
            continue
        own = next((at for at, layer in enumerate(layers, 1) if name.startswith(layer.name)), 0)
        first = next((at for at, layer in enumerate(layers, 1) if name.startswith(layer.stage)), 0)
        reached = max(reached, own or first)
        depths[name] = 0 if not own and name.rsplit(".", 1)[0] in tables else own or reached
    return depths


def layer_count(model: PreTrainedModel) -> int:
    """How many layer groups there are above the embeddings or the stem."""
    return len(_layers(model))


class Layer(NamedTuple):
    """What the names of a block's parameters begin with, and those of the stage that it is in."""

    name: str
    stage: str


def _layers(model: PreTrainedModel) -> list[Layer]:
    """The blocks of the backbone, in order; what a head is made of is none of them."""
    backbone = model.base_model
    prefix = next((f"{name}." for name, module in model.named_modules() if name and module is backbone), "")
    return [layer for stack, module in _stacks(backbone, prefix) for layer in _blocks(stack, module)]


def _stacks(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    """The outermost numbered stacks inside a module, and the beginnings of their names."""
    for name, child in module.named_children():
        if _is_stack(child):
            yield f"{prefix}{name}.", child
        else:
            yield from _stacks(child, f"{prefix}{name}.")


def _blocks(prefix: str, stack: nn.Module) -> Iterator[Layer]:
    """A stack's entries; of one that is mostly a stack of blocks itself, a stage, those."""
    for name, entry in stack.named_children():
        if not _matrices(entry):
            continue
        whole = f"{prefix}{name}."
        inner = _stage_of(entry, whole)
        yield from (Layer(block, whole) for block in inner or [whole])


def _stage_of(entry: nn.Module, prefix: str) -> list[str]:
    """The blocks that an entry mostly consists of, each of several matrices; none where it is a block itself."""
    size = sum(parameter.numel() for parameter in entry.parameters())
    for name, stack in [(prefix, entry), *_stacks(entry, prefix)]:
        blocks = [(at, block) for at, block in stack.named_children() if _matrices(block)]
        held = sum(parameter.numel() for _, block in blocks for parameter in block.parameters())
        if _is_stack(stack) and 2 * held > size and all(_matrices(block) > 1 for _, block in blocks):
            return [f"{name}{at}." for at, _ in blocks]
    return []


def _is_stack(module: nn.Module) -> bool:
    """Numbered children that are layers: several with matrices, or one with several, as no lone `Linear` is."""
    children = list(module.named_children())
    if not children or not all(name.isdigit() for name, _ in children):
        return False
    held = [_matrices(child) for _, child in children]
    return sum(count > 0 for count in held) > 1 or max(held) > 1


def _matrices(module: nn.Module) -> int:
    return sum(parameter.dim() > 1 for parameter in module.parameters())
