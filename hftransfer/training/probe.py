"""A phase in closed form: features once, the best depth, the best head."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..data import labels_of
from ..models.anatomy import Anatomy, dissect
from ..models.features import read_features
from ..models.inputs import example
from ..models.surgery import reshape, views_of
from ..models.views import View
from ..models.words import tokens_of
from ..recipe import Recipe
from ..strategies import Phase
from ..tasks import get_task
from ..values import Backbone, Dataset, Event, Listener
from .head import HeadProblem, Split, compare, head_of, install, refine, solve
from .progress import Machine, Trained
from .rows import token_tags

ROWS = 1000  # tokenised at once


def run_probe(
    backbone: Backbone, data: Dataset, phase: Phase, recipe: Recipe, machine: Machine, on_event: Listener
) -> Trained:
    """Solve the head on frozen features; the model is changed in place.

    Returns:
        One row of history: phase, depth, strength, eval_loss and others.
    """
    batch = {name: tensor.to(machine.device) for name, tensor in example(backbone).items()}
    anatomy = dissect(backbone.model, batch, backbone.name)
    if backbone.known:
        anatomy = replace(anatomy, dense=None, activation="identity", layers=None)  # nothing before the head changes
    views = views_of(backbone.model, anatomy, batch, phase.depth)
    began = time.perf_counter()
    read = {
        name: _read(backbone, anatomy, data, name, views, machine, recipe, on_event) for name in ("train", "validation")
    }
    features_seconds = time.perf_counter() - began
    on_event(Event("train", "solving the head"))
    target = get_task(data.task).target
    labels = {name: UNITS[target.unit](backbone, data, name) for name in read}
    problems = [
        HeadProblem(
            train=_split(read["train"][:, at], labels["train"]),
            validation=_split(read["validation"][:, at], labels["validation"]),
            outputs=len(data.labels),
            activation=anatomy.activation,
            solver=target.solver,
        )
        for at in range(len(views))
    ]
    at = min(range(len(views)), key=lambda at: compare(problems[at])) if len(views) > 1 else 0
    solved = refine(problems[at], head_of(backbone.model, anatomy)) if backbone.known else solve(problems[at])
    install(backbone.model, anatomy, solved)
    reshape(backbone.model, anatomy, views[at])
    view = views[at]
    row = {"phase": phase.name, "depth": view.depth, "pooling": view.pooling, "strength": solved.strength}
    figures = {f"eval_{name}": value for name, value in solved.figures.items()}
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


def _of_rows(backbone: Backbone, data: Dataset, name: str) -> np.ndarray:
    found: np.ndarray = labels_of(data.splits[name])
    return found


def _of_tokens(backbone: Backbone, data: Dataset, name: str) -> np.ndarray:
    """A tag number for each of the tokens that features are read of, IGNORED for those of no word."""
    column = get_task(data.task).modality.column
    found: list[int] = []
    for rows in data.splits[name].iter(ROWS):
        texts = rows[column]
        tags = token_tags(backbone.processor, texts, rows["label"])
        inner = (places.inner for places in tokens_of(backbone.processor, texts))
        found += [
            tag for row, own in zip(tags, inner, strict=True) for tag, is_own in zip(row, own, strict=True) if is_own
        ]
    return np.array(found, dtype=np.int64)


UNITS: dict[str, Callable[[Backbone, Dataset, str], np.ndarray]] = {"row": _of_rows, "word": _of_tokens}


def _split(features: np.ndarray, labels: np.ndarray) -> Split:
    """Without what has no label."""
    known = slice(None) if labels.ndim > 1 or (labels >= 0).all() else labels >= 0
    return Split(features[known], labels[known])


def _told(view: View) -> str:
    return f"head solved at depth {view.depth}, {view.pooling} pooling" if view.depth else "head solved"
