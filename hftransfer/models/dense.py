"""The dense head: Dense-ReLU-Dropout-Dense on the pooled state, as the textbooks put it on a VGG-16.

Transformers has no such head. A model with one says in its config that it is of a kind of
its own, so that `pipeline()` refuses it, and does not put a random head in its place.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import transformers
from torch import nn
from torch.nn import functional
from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig, PreTrainedModel

from ..tasks import Task

KIND = "hftransfer-dense-head"
CALLED = "DenseHead"  # before the names of the classes that it is derived from
WIDTH, DROPOUT = 256, 0.5


class DenseHead(nn.Module):
    """States [..., inputs] to logits [..., outputs]."""

    def __init__(self, inputs: int, outputs: int, width: int, dropout: float) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.dropout = dropout

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        made = functional.relu(self.hidden(states))
        logits: torch.Tensor = self.output(functional.dropout(made, self.dropout, self.training))
        return logits


def with_dense_head(model: PreTrainedModel, head: str, dropout: float | None = None) -> PreTrainedModel:
    """The same backbone with a fresh dense head instead of the linear layer `head`."""
    told = {"name": head, "width": WIDTH, "dropout": DROPOUT if dropout is None else dropout}
    plain: tuple[Any, Any] = type(model.config), type(model)
    kinds = _config_kind(plain[0]), _kind(plain[1])
    config = _copied(model.config, kinds[0], dense_head=told, inner_model_type=model.config.model_type)
    return _rebuilt(model, kinds[1], config, head)


def without_dense_head(model: PreTrainedModel) -> PreTrainedModel:
    """The same backbone with a fresh linear head again."""
    config = _copied(model.config, type(model.config).__mro__[1], dense_head=None, inner_model_type=None)
    return _rebuilt(model, type(model).__mro__[1], config, model.config.dense_head["name"])


def is_dense(config: PretrainedConfig) -> bool:
    return bool(config.model_type == KIND)


def read_config(place: str, **source: Any) -> PretrainedConfig:
    """A checkpoint's config, one with a dense head among them; `source` goes to `from_pretrained`."""
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(place, trust_remote_code=False, **source)
    except ValueError:
        given, _ = PretrainedConfig.get_config_dict(place, **source)
        if given.get("model_type") != KIND:
            raise
        inner: Any = CONFIG_MAPPING[given["inner_model_type"]]
        config = _config_kind(inner).from_dict({name: value for name, value in given.items() if name != "model_type"})
    return config


def loader_of(task: Task, config: PretrainedConfig) -> Any:
    """What has the `from_pretrained` for a checkpoint of this config.

    Raises:
        ValueError: the dense head is on a model for something else.
    """
    if not is_dense(config):
        return getattr(transformers, task.auto_model)
    name = (config.architectures or [""])[0].removeprefix(CALLED)
    if not name.endswith(task.auto_model.removeprefix("AutoModel")):
        raise ValueError(f"Unrecognized configuration class for {task.auto_model}: {name}")
    return _kind(getattr(transformers, name))


@functools.cache
def _kind(kind: Any) -> Any:
    """A class of models with its dense head."""

    class Dense(kind):
        config_class = _config_kind(kind.config_class)

        def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(config, *args, **kwargs)
            told = config.dense_head
            parent, _, child = told["name"].rpartition(".")
            plain: Any = self.get_submodule(told["name"])
            head = DenseHead(plain.in_features, plain.out_features, told["width"], told["dropout"])
            setattr(self.get_submodule(parent), child, head)

    Dense.__name__ = Dense.__qualname__ = f"{CALLED}{kind.__name__}"
    return Dense


@functools.cache
def _config_kind(kind: Any) -> Any:
    return type(f"{CALLED}{kind.__name__}", (kind,), {"model_type": KIND, "__module__": __name__})


def _copied(config: PretrainedConfig, kind: Any, **changes: Any) -> Any:
    values = {name: value for name, value in config.to_dict().items() if name != "model_type"} | changes
    return kind.from_dict({name: value for name, value in values.items() if name not in changes or value is not None})


def _rebuilt(model: PreTrainedModel, kind: Any, config: Any, head: str) -> PreTrainedModel:
    """The model's weights, but for the head's, in a model of another kind."""
    made: PreTrainedModel = kind(config)
    body = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(f"{head}.")}
    made.load_state_dict(made.state_dict() | body)
    return made.eval()
