"""The backbone that a run takes, and what is known of it and the data before anything is trained."""

from __future__ import annotations

from dataclasses import replace

from ..data import counted
from ..models.backbones import Choice, choose
from ..models.vocabulary import LOOKED_AT, unknown_tokens
from ..recipe import Recipe
from ..strategies import Facts
from ..tasks import get_task
from ..training import family, layer_count, machine_for
from ..values import Backbone, Dataset, Event, Listener, silent


def facts(backbone: Backbone, data: Dataset) -> Facts:
    """What a strategy plans by."""
    classes = get_task(data.task).target.shape == "class"
    return Facts(
        family(backbone.model),
        data.rows["train"],
        len(data.labels),
        layers=layer_count(backbone.model),
        smallest=min(counted(data, "train").values()) if classes else 0,
    )


def pick_backbone(modality: str, recipe: Recipe, on_event: Listener = silent) -> Choice:
    """The recipe's backbone; where it names none, the default or the starter, and why."""
    if recipe.backbone:
        return Choice(recipe.backbone, "")
    choice = choose(modality, accelerated=machine_for(recipe).device.type != "cpu")
    on_event(Event("load", f"backbone {choice.name}: {choice.why}"))
    return choice


def with_language(data: Dataset, backbone: Backbone, on_event: Listener = silent) -> Dataset:
    """The data, with a warning where the backbone does not know its language."""
    column = get_task(data.task).modality.column
    if backbone.modality != "text":
        return data
    problem = unknown_tokens(backbone.processor, backbone.name, data.splits["train"][:LOOKED_AT][column])
    if problem is None:
        return data
    on_event(Event("load", f"{problem.message}; {problem.fix}"))
    return replace(data, problems=(*data.problems, problem))
