"""A phase in closed form: features once, the best depth, the best head."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...data import labels_of
from ...models.anatomy import Anatomy, dissect
from ...models.features import read_features
from ...models.inputs import example
from ...models.surgery import reshape, views_of
from ...models.views import View
from ...models.words import tokens_of
from ...tasks import get_task
from ...values import Backbone, Dataset, Event
from ..progress import Leg, Trained
from ..rows import token_tags
from .dense import train_dense
from .solving import HeadProblem, Split, compare, head_of, install, refine, solve

ROWS = 1000  # tokenised at once


def run_probe(leg: Leg) -> Trained:
    """Solve the head on frozen features; the model is changed in place.

    Returns:
        One row of history: phase, depth, strength, eval_loss and others.
    """
    backbone = leg.backbone
    batch = {name: tensor.to(leg.machine.device) for name, tensor in example(backbone).items()}
    anatomy = dissect(backbone.model, batch, backbone.name)
    if backbone.known:
        # Nothing before the layer that makes the logits changes.
        anatomy = replace(anatomy, head=anatomy.logits, output=None, dense=None, activation="identity", layers=None)
    views = views_of(backbone.model, anatomy, batch, leg.phase.depth)
    began = time.perf_counter()
    read = {name: features_of(leg, anatomy, name, views) for name in ("train", "validation")}
    features_seconds = time.perf_counter() - began
    leg.on_event(Event("train", "solving the head"))
    target = leg.task.target
    labels = {name: UNITS[target.unit](backbone, leg.data, name) for name in read}
    problems = [
        HeadProblem(
            train=_split(read["train"][:, at], labels["train"]),
            validation=_split(read["validation"][:, at], labels["validation"]),
            outputs=len(leg.data.labels),
            activation=anatomy.activation,
            solver=target.solver,
        )
        for at in range(len(views))
    ]
    at = min(range(len(views)), key=lambda at: compare(problems[at])) if len(views) > 1 else 0
    if anatomy.output:
        solved = train_dense(leg, anatomy, problems[at])
    else:
        solved = refine(problems[at], head_of(backbone.model, anatomy)) if backbone.known else solve(problems[at])
        install(backbone.model, anatomy, solved)
    reshape(backbone.model, anatomy, views[at])
    view = views[at]
    row = {"phase": leg.phase.name, "depth": view.depth, "pooling": view.pooling, "strength": solved.strength}
    figures = {f"eval_{name}": value for name, value in solved.figures.items()}
    leg.on_event(Event("train", _told(view), metrics=figures))
    return Trained((row | figures,), features_seconds)


def features_of(leg: Leg, anatomy: Anatomy, name: str, views: tuple[View, ...]) -> np.ndarray:
    """The features of a split's rows, [rows, views, width]: from the cache, where they were read before."""
    return read_features(
        leg.backbone,
        anatomy,
        leg.data.splits[name].select_columns([leg.task.modality.column]),
        leg.data.digests[name],
        views=views,
        device=leg.machine.device,
        dtype=leg.machine.dtype,
        batch_size=leg.recipe.batch_size,
        on_event=leg.on_event,
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
