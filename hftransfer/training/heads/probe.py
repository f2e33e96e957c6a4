"""A phase in closed form: features once, the best depth, the best head."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...data import labels_of, units_of
from ...models.anatomy import Anatomy, dissect
from ...models.features import read_features
from ...models.inputs import example
from ...models.surgery import reshape, views_of
from ...models.views import View
from ...models.words import tokens_of
from ...tasks import get_task
from ...values import Backbone, Dataset, Event, Part
from ..few import PARTS, chosen_by, learns_from_all, too_few
from ..progress import Leg, Trained
from ..rows import token_tags
from .dense import train_dense
from .folding import solve_by_folds
from .generating import lacking, with_drawn
from .solving import HeadProblem, Solved, Split, compare, head_of, install, refine, solve
from .weighing import balanced

ROWS = 1000  # tokenised at once


@dataclass(frozen=True)
class Seen:
    """What a frozen backbone shows of rows, through each of its views.

    Attributes:
        features: of each split [rows, views, width], of tokens where words have labels.
        labels: of each split, [rows] or [rows, labels]; of tokens, IGNORED for those of no word.
        seconds: that reading them took.
    """

    anatomy: Anatomy
    views: tuple[View, ...]
    features: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    seconds: float


def run_probe(leg: Leg) -> Trained:
    """Solve the head on frozen features; the model is changed in place.

    Returns:
        One row of history: phase, depth, strength, eval_loss and others.
    """
    seen = see(leg)
    leg.on_event(Event("train", "solving the head"))
    at, solved = _chosen(leg, seen)
    if not seen.anatomy.output:
        install(leg.backbone.model, seen.anatomy, solved)
    reshape(leg.backbone.model, seen.anatomy, seen.views[at])
    view = seen.views[at]
    row = {"phase": leg.phase.name, "depth": view.depth, "pooling": view.pooling, "strength": solved.strength}
    row["chosen_by"] = chosen_by(leg)
    # Features that were tuned on these very rows, and read as they are now, say nothing of others.
    honest = not (learns_from_all(leg) and leg.phase.depth == "kept")
    figures = {f"eval_{name}": value for name, value in solved.figures.items() if honest}
    leg.on_event(Event("train", _told(view), metrics=figures))
    return Trained((row | _drawn(leg, seen) | figures,), seen.seconds)


def _chosen(leg: Leg, seen: Seen) -> tuple[int, Solved]:
    """The best view, by place, and the head on it; by cross-validation, where validation has few rows."""

    def problem(at: int) -> HeadProblem:
        return problem_of(leg, seen.anatomy, *splits_at(seen, at))

    views = range(len(seen.views))
    if too_few(leg.backbone, leg.data, leg.recipe):
        whole = learns_from_all(leg)
        units = copies_of(leg, PARTS if whole else PARTS[:1])
        return solve_by_folds(views, problem, units, leg.recipe.seed, whole=whole)
    at = best_view(views, problem)
    found = train_dense if seen.anatomy.output else solved_by
    return at, found(leg, seen.anatomy, problem(at))


def see(leg: Leg) -> Seen:
    """Read train and validation, or find what was read of them before."""
    backbone = leg.backbone
    batch = {name: tensor.to(leg.machine.device) for name, tensor in example(backbone).items()}
    anatomy = dissect(backbone.model, batch, backbone.name)
    if backbone.known:
        # Nothing before the layer that makes the logits changes.
        anatomy = replace(anatomy, head=anatomy.logits, output=None, dense=None, activation="identity", layers=None)
    views = views_of(backbone.model, anatomy, batch, leg.phase.depth)
    began = time.perf_counter()
    features = {name: features_of(leg, anatomy, name, views) for name in ("train", "validation")}
    seconds = time.perf_counter() - began
    labels = {name: UNITS[leg.task.target.unit](backbone, leg.data, name) for name in features}
    return Seen(anatomy, views, features, labels, seconds)


def splits_at(seen: Seen, at: int) -> tuple[Split, Split]:
    """Train and validation through one of the views, without what has no label."""
    train, validation = (_split(seen.features[name][:, at], seen.labels[name]) for name in ("train", "validation"))
    return train, validation


def problem_of(leg: Leg, anatomy: Anatomy, train: Split, validation: Split) -> HeadProblem:
    """What is to be solved; rows are drawn for small classes of train alone, and classes balanced, as the recipe
    asks."""
    if leg.recipe.generate is not None:
        train = with_drawn(train, leg.recipe.generate, leg.recipe.seed)
    target, outputs = leg.task.target, len(leg.data.labels)
    train, validation = balanced(train, validation, outputs, leg.recipe)
    return HeadProblem(train, validation, outputs, anatomy.activation, target.solver)


def copies_of(leg: Leg, parts: Sequence[str]) -> np.ndarray:
    """A number for each row of some splits together, the same for rows whose input is the same."""
    return units_of((leg.data.splits[name] for name in parts), leg.task.modality.column)


def best_view(views: Sequence[int], problem: Callable[[int], HeadProblem]) -> int:
    """The view that is best on validation, by place. One after another is made a problem of: all would not go into
    memory."""
    return min(views, key=lambda at: compare(problem(at))) if len(views) > 1 else views[0]


def solved_by(leg: Leg, anatomy: Anatomy, problem: HeadProblem) -> Solved:
    """The head, on top of the one that is there where that is gone on from."""
    return refine(problem, head_of(leg.backbone.model, anatomy)) if leg.backbone.known else solve(problem)


def _drawn(leg: Leg, seen: Seen) -> dict[str, int]:
    """For the history: how many rows were drawn, which is told."""
    if leg.recipe.generate is None:
        return {}
    wanted = lacking(seen.labels["train"], leg.recipe.generate)
    rows = sum(wanted.values())
    told = f"{rows} rows were drawn as features, for {len(wanted)} classes of fewer than {leg.recipe.generate}"
    leg.on_event(Event("train", told))
    return {"generated": rows}


def features_of(leg: Leg, anatomy: Anatomy, name: str, views: tuple[View, ...]) -> np.ndarray:
    """The features of a split's rows, [rows, views, width]: from the cache, where they were read before."""
    parts = leg.data.parts.get(name) or (Part(leg.data.splits[name], leg.data.digests[name]),)
    read = [features_in(leg, anatomy, part, views) for part in parts]
    return read[0] if len(read) == 1 else np.concatenate(read)


def features_in(leg: Leg, anatomy: Anatomy, part: Part, views: tuple[View, ...]) -> np.ndarray:
    """The features of a part's rows, all of which are read."""
    found = read_features(
        leg.backbone,
        anatomy,
        part.rows.select_columns([leg.task.modality.column]),
        part.digest,
        views=views,
        device=leg.machine.device,
        dtype=leg.machine.dtype,
        batch_size=leg.recipe.batch_size,
        on_event=leg.on_event,
    )
    return found if part.places is None else found[part.places]


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
