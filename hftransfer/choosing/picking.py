"""The backbone that a run takes, and what is known of it and the data before anything is trained."""

from __future__ import annotations

from dataclasses import replace

from ..data import counted
from ..models.backbones import Choice, choose
from ..models.kinship import in_common, kin
from ..recipe import Recipe
from ..strategies import Facts
from ..tasks import get_task
from ..training import family, layer_count, machine_for
from ..values import Backbone, Dataset, Event, Listener, silent


def facts(backbone: Backbone, data: Dataset) -> Facts:
    """What a strategy plans by."""
    shared = get_task(data.task).target.shape in ("class", "flags")
    return Facts(
        family(backbone.model),
        data.rows["train"],
        len(data.labels),
        layers=layer_count(backbone.model),
        smallest=min(counted(data, "train").values()) if shared else 0,
    )


def pick_backbone(modality: str, recipe: Recipe, on_event: Listener = silent) -> Choice:
    """The recipe's backbone; where it names none, the default or the starter, and why."""
    if recipe.backbone:
        return Choice(recipe.backbone, "")
    choice = choose(modality, accelerated=machine_for(recipe).device.type != "cpu")
    on_event(Event("load", f"backbone {choice.name}: {choice.why}"))
    return choice


def with_language(data: Dataset, backbone: Backbone, on_event: Listener = silent) -> Dataset:
    """The data, with what it and the backbone have in common, or have not: classes, and a language."""
    shared, problems = in_common(backbone, data), tuple(kin(backbone, data))
    if shared:
        on_event(Event("load", shared))
    for problem in problems:
        on_event(Event("load", f"{problem.message}; {problem.fix}"))
    notes = (problem.message for problem in problems if problem.severity == "info")
    return replace(data, problems=(*data.problems, *problems), notes=(*data.notes, *notes))
