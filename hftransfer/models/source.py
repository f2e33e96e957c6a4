"""The head that a checkpoint came with, and the classes that it knows: what a new head takes the place of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers
from transformers import PretrainedConfig

from ..errors import RecipeError
from ..tasks import Task
from ..values import Backbone
from .anatomy import ACTIVATIONS, dissect
from .backbones import locate
from .dense import is_dense, read_config
from .inputs import example
from .loading import UNLOADABLE, explained, of_weights, quiet

AT_ONCE = 1000  # rows


@dataclass(frozen=True)
class SourceHead:
    """What a checkpoint's own head makes of the pooled state.

    Attributes:
        names: its classes, in order.
        weight, bias: of the linear layer that makes the logits, [classes, width] and [classes].
        dense: the weights of the layer before it, where there is one.
        activation: what lies between them.
    """

    names: tuple[str, ...]
    weight: np.ndarray
    bias: np.ndarray
    dense: Mapping[str, torch.Tensor] | None
    activation: str

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Of pooled states [rows, width], float32 [rows, classes]."""
        blocks = (features[start : start + AT_ONCE] for start in range(0, len(features), AT_ONCE))
        return np.concatenate([self._given(np.array(block)) @ self.weight.T + self.bias for block in blocks])

    def _given(self, features: np.ndarray) -> np.ndarray:
        """What the last layer is given."""
        if self.dense is None:
            return features
        made = torch.nn.functional.linear(torch.from_numpy(features), **self.dense)
        given: np.ndarray = ACTIVATIONS[self.activation](made).numpy()
        return given


def load_source(backbone: Backbone, task: Task) -> SourceHead:
    """Read the head again that `load_backbone` put a new one in the place of.

    Raises:
        RecipeError: there is none with classes of its own, or it is a dense one.
        BackboneError: the checkpoint cannot be read any more.
    """
    place = locate(backbone.name)
    with quiet(), explained(backbone.name, task):
        if is_dense(read_config(place, **_where(backbone))):
            raise _of_no_use(f"the classes of '{backbone.name}' are told by a dense head, which no linear one can be")
        model, info = getattr(transformers, task.auto_model).from_pretrained(
            place, trust_remote_code=False, dtype="float32", output_loading_info=True, **of_weights(_where(backbone))
        )
    whole = Backbone(backbone.name, backbone.revision, backbone.modality, model.eval(), backbone.processor, "")
    anatomy = dissect(model, example(whole), backbone.name)
    parts = tuple(f"{name}." for name in (anatomy.head, anatomy.dense) if name)
    if any(key.startswith(parts) for key in info["missing_keys"]) or not _are_classes(model.config):
        raise _of_no_use(f"'{backbone.name}' has no classes of its own that could be mapped")
    head: Any = model.get_submodule(anatomy.head)
    weight = head.weight.detach().numpy()
    bias = np.zeros(len(weight), dtype=np.float32) if head.bias is None else head.bias.detach().numpy()
    dense = model.get_submodule(anatomy.dense).state_dict() if anatomy.dense else None
    return SourceHead(_names(model.config), weight, bias, dense, anatomy.activation)


def source_classes(backbone: Backbone) -> tuple[str, ...]:
    """The names of the classes that a checkpoint's config says it knows; empty where it has none worth a name."""
    place = locate(backbone.name)
    try:
        with quiet():
            config = read_config(place, **_where(backbone))
    except UNLOADABLE:
        return ()
    built = config.architectures or ()
    named = _names(config)
    bare = any(name.endswith(("Model", "ForMaskedLM", "ForPreTraining", "ForCausalLM")) for name in built)
    return () if bare or is_dense(config) or not _are_classes(config) or _are_unnamed(named) else named


def _where(backbone: Backbone) -> dict[str, Any]:
    """It has been loaded before: the Hub need not be asked again."""
    return {"revision": backbone.revision, "local_files_only": True}


def _are_classes(config: PretrainedConfig) -> bool:
    return (config.num_labels or 0) > 1 and getattr(config, "problem_type", None) != "regression"


def _are_unnamed(names: Iterable[str]) -> bool:
    return all(name == f"LABEL_{place}" for place, name in enumerate(names))


def _names(config: PretrainedConfig) -> tuple[str, ...]:
    return tuple(str(name) for _, name in sorted((config.id2label or {}).items(), key=lambda pair: int(pair[0])))


def _of_no_use(cause: str) -> RecipeError:
    fix = "choose a model that was trained to classify, or another --strategy"
    return RecipeError(cause, place="--backbone", fix=fix)
