"""A phase in closed form: features once, the best depth, the best head."""

from __future__ import annotations

import time

import numpy as np

from ..models.anatomy import Anatomy, dissect
from ..models.features import read_features
from ..models.inputs import example
from ..models.surgery import reshape, views_of
from ..models.views import View
from ..recipe import Recipe
from ..strategies import Phase
from ..tasks import get_task
from ..values import Backbone, Dataset, Event, Listener
from .head import HeadProblem, Split, compare, install, solve
from .progress import Machine, Trained


def run_probe(
    backbone: Backbone, data: Dataset, phase: Phase, recipe: Recipe, machine: Machine, on_event: Listener
) -> Trained:
    """Solve the head on frozen features; the model is changed in place.

    Returns:
        One row of history: phase, depth, strength, eval_loss, eval_accuracy.
    """
    batch = {name: tensor.to(machine.device) for name, tensor in example(backbone).items()}
    anatomy = dissect(backbone.model, batch, backbone.name)
    views = views_of(backbone.model, anatomy, batch, phase.depth)
    began = time.perf_counter()
    read = {
        name: _read(backbone, anatomy, data, name, views, machine, recipe, on_event) for name in ("train", "validation")
    }
    features_seconds = time.perf_counter() - began
    on_event(Event("train", "solving the head"))
    labels = {name: np.asarray(data.splits[name]["label"]) for name in read}
    problems = [
        HeadProblem(
            train=Split(read["train"][:, at], labels["train"]),
            validation=Split(read["validation"][:, at], labels["validation"]),
            classes=len(data.labels),
            activation=anatomy.activation,
        )
        for at in range(len(views))
    ]
    at = min(range(len(views)), key=lambda at: compare(problems[at])) if len(views) > 1 else 0
    solved = solve(problems[at])
    install(backbone.model, anatomy, solved)
    reshape(backbone.model, anatomy, views[at])
    view = views[at]
    row = {"phase": phase.name, "depth": view.depth, "pooling": view.pooling, "strength": solved.strength}
    figures = {"eval_loss": solved.loss, "eval_accuracy": solved.accuracy}
    on_event(Event("train", _told(view), metrics=figures))
    return Trained((row | figures,), features_seconds)


def _read(
    backbone: Backbone,
    anatomy: Anatomy,
    data: Dataset,
    name: str,
    views: tuple[View, ...],
    machine: Machine,
    recipe: Recipe,
    on_event: Listener,
) -> np.ndarray:
    column = get_task(data.task).modality.column
    return read_features(
        backbone,
        anatomy,
        data.splits[name].select_columns([column]),
        data.digests[name],
        views=views,
        device=machine.device,
        dtype=machine.dtype,
        batch_size=recipe.batch_size,
        on_event=on_event,
    )


def _told(view: View) -> str:
    return f"head solved at depth {view.depth}, {view.pooling} pooling" if view.depth else "head solved"
