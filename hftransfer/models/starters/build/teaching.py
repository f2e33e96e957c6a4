"""Whom a starter learns from: a pretrained network, loaded as a run loads its backbone."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from transformers import PreTrainedModel

from ....errors import BackboneError
from ....recipe import Recipe
from ....tasks import get_task
from ....values import Backbone
from ...loading import load_backbone

Network = TypeVar("Network", bound=PreTrainedModel)


def pretrained(place: str | Path, modality: str, kind: type[Network]) -> tuple[Network, Backbone]:
    """The network of a checkpoint without its head, frozen, and what it was loaded as.

    Args:
        place: a folder, a Hub id or a name of the table of backbones.
        modality: `image` or `text`.
        kind: what the network has to be.

    Raises:
        BackboneError: it cannot be found, is another network, or lacks weights.
    """
    backbone = load_backbone(get_task(f"{modality}-classification"), ("0", "1"), Recipe(backbone=str(place)))
    network = backbone.model.base_model
    if not isinstance(network, kind):
        found = type(network).__name__
        raise BackboneError(
            f"the teacher is a {found}", place="--teacher", fix=f"give one that Transformers loads as {kind.__name__}"
        )
    return network.eval().requires_grad_(False), backbone
