"""The source model's own classes, mapped onto the new labels by what they occur with: nothing is trained.

The source model gives each row chances of its own classes, theta(x). How often label y
occurs with class z is counted over train, softly: the joint is the mean of theta_z over
the rows that have y. A row's expected empirical prediction (EEP) is then the sum over z
of P(y | z) theta_z(x), and the mean log of what it gives the true labels is LEEP (Nguyen
et al. 2020, https://arxiv.org/abs/2002.12462).

A saved model has one linear head, and log sum_z P(y | z) e^{s_z} is not linear in the
source's logits s. It is convex, and its tangent is a mixture of them, by how far each z
answers for y. So y's row of the new head is that mixture of the source's rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.special import softmax

from ...data import labels_of
from ...errors import RecipeError
from ...models.anatomy import Anatomy, dissect
from ...models.dense import is_dense
from ...models.inputs import example
from ...models.source import SourceHead, load_source
from ...models.views import END
from ...strategies import Phase
from ...tasks import Task
from ...values import Backbone, Event
from ..progress import Leg, Trained
from .probe import features_of
from .solvers import class_figures, flag_figures
from .solving import Lens, Solved, install

SMOOTHING = (0.01, 0.1, 1.0)  # rows that every class of the source is taken to have had before any was seen
TEMPERATURES = (1.0, 2.0, 4.0)  # that the source's logits are divided by: it is sure of what it never saw
SCALES = 2.0 ** np.arange(-2, 5)  # of the new logits, whose sureness is fitted on validation
MOST = 50_000_000  # chances at once; of more rows, as many as that allows
TINY = 1e-30
TWO = 2  # outcomes of a flag: there, or absent
ASKED = "label-mapping"  # as a strategy, or as what a head starts from


def run_mapping(leg: Leg) -> Trained:
    """Write the mapped head; the model is changed in place, its backbone is not.

    Returns:
        One row of history: phase, leep, agreement (of the head and the exact EEP on validation), eval_loss and others.
    """
    refuse_mapping(leg.backbone, leg.task, leg.phase)
    shape = leg.task.target.shape
    source = load_source(leg.backbone, leg.task)
    batch = {name: tensor.to(leg.machine.device) for name, tensor in example(leg.backbone).items()}
    anatomy = dissect(leg.backbone.model, batch, leg.backbone.name)
    began = time.perf_counter()
    read = {name: features_of(leg, anatomy, name, (END,))[:, 0] for name in ("train", "validation")}
    seconds = time.perf_counter() - began
    leg.on_event(Event("train", f"mapping {len(source.names)} classes of the backbone onto {len(leg.data.labels)}"))
    places = _sample(len(read["train"]), len(source.names))
    labels = {name: labels_of(leg.data.splits[name]) for name in read}
    seen = Seen(source.logits(read["train"][places]), members(labels["train"][places], len(leg.data.labels)))
    unseen = source.logits(read["validation"])
    best = fit(seen, unseen, labels["validation"], shape)
    _install(leg, anatomy, source, best)
    figures = {f"eval_{name}": value for name, value in best.figures.items()}
    leep = leep_of(seen)
    told = {"leep": leep, "agreement": agreement(best, seen, unseen, shape)}
    leg.on_event(Event("train", f"the backbone's classes are mapped: LEEP {leep:.3f}", metrics=figures))
    return Trained(({"phase": leg.phase.name, **told, **figures},), seconds)


def refuse_mapping(backbone: Backbone, task: Task, phase: Phase) -> None:
    """Raises RecipeError where the phase maps classes, and the task's labels or the backbone's head take none."""
    if phase.solver != "mapping":
        return
    if task.target.shape not in FIGURES:
        cause = f"the backbone's classes cannot be mapped for {task.name}"
        raise RecipeError(cause, place=ASKED, fix="leave it out: classes map onto labels of whole rows alone")
    if backbone.known:
        cause = f"the labels are those of '{backbone.name}', whose head is gone on from: a mapping would overwrite it"
        raise RecipeError(cause, place=ASKED, fix="leave it out: its head knows these labels already")
    if is_dense(backbone.model.config):
        cause = "the backbone's classes cannot be mapped onto a dense head"
        raise RecipeError(cause, place="--head", fix="leave it out, or choose another strategy or start")


@dataclass(frozen=True)
class Seen:
    """Rows of train: the source's logits [rows, classes], and which labels each has, 0 or 1, [rows, labels]."""

    logits: np.ndarray
    members: np.ndarray


@dataclass(frozen=True)
class Mapped:
    """A new head over the source's logits: `mixture` [labels, classes] and `bias` [labels]; and how it was made."""

    mixture: np.ndarray
    bias: np.ndarray
    smoothing: float
    temperature: float
    figures: dict[str, float]


def members(labels: np.ndarray, outputs: int) -> np.ndarray:
    """Label numbers [rows] as flags [rows, outputs]; flags as they are."""
    return labels if labels.ndim > 1 else np.eye(outputs)[labels]


def conditional(chances: np.ndarray, members: np.ndarray, smoothing: float, outcomes: int = 0) -> np.ndarray:
    """P(label | class of the source), [labels, classes], from how often they occur together.

    Args:
        chances: theta, [rows, classes].
        smoothing: rows, as train has them all in all, that each class is taken to have had already.
        outcomes: of which each row has one: of flags two; by default as many as there are labels.
    """
    joint = members.T @ chances
    usual = (members.sum(0) + (smoothing > 0)) / (len(members) + (smoothing > 0) * (outcomes or members.shape[1]))
    found: np.ndarray = (joint + smoothing * usual[:, None]) / np.maximum(chances.sum(0) + smoothing, TINY)
    return found


def eep(chances: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The expected empirical prediction: P(label | row), [rows, labels]."""
    return chances @ given.T


def leep_of(seen: Seen) -> float:
    """LEEP: the mean log of the EEP of the true labels, without smoothing; 0 is best."""
    chances = softmax(seen.logits.astype(np.float64), axis=1)
    predicted = np.maximum(eep(chances, conditional(chances, seen.members, 0.0)), TINY)
    return float(np.log(predicted[seen.members > 0]).mean())


def fit(seen: Seen, unseen: np.ndarray, truth: np.ndarray, shape: str) -> Mapped:
    """The head of least loss on validation, over smoothing, temperature, and how classes are mixed."""
    heads = _heads(seen, shape)
    return min((_judged(head, unseen, truth, shape) for head in heads), key=lambda head: head.figures["loss"])


def _heads(seen: Seen, shape: str) -> Iterator[Mapped]:
    for temperature in TEMPERATURES:
        logits = (seen.logits / temperature).astype(np.float32)
        chances = softmax(logits, axis=1)
        for smoothing, mix in product(SMOOTHING, MIXES):
            mixture, bias = HEADS[shape](logits, chances, seen.members, smoothing, mix)
            yield Mapped(mixture / temperature, bias, smoothing, temperature, {})


Mix = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Linear = tuple[np.ndarray, np.ndarray]


def of_class(
    logits: np.ndarray, chances: np.ndarray, members: np.ndarray, smoothing: float, mix: Mix, outcomes: int = 0
) -> Linear:
    """For log P(label | row): a mixture of the source's logits, with the bias that makes it right on average."""
    given = conditional(chances, members, smoothing, outcomes)
    mixture = mix(logits, chances, members, given)
    exact = joint_logits(logits, given)
    return mixture, (exact - logits @ mixture.T).mean(0)


def of_flags(logits: np.ndarray, chances: np.ndarray, members: np.ndarray, smoothing: float, mix: Mix) -> Linear:
    """For the log odds of each label against its absence."""
    there, absent = (of_class(logits, chances, each, smoothing, mix, TWO) for each in (members, 1 - members))
    return there[0] - absent[0], there[1] - absent[1]


def joint_logits(logits: np.ndarray, given: np.ndarray) -> np.ndarray:
    """log sum_z P(y | z) e^{s_z}, [rows, labels]: the log of the EEP, but for what a row's labels share."""
    highest = logits.max(1, keepdims=True)
    return np.log(np.maximum(np.exp(logits - highest) @ given.T, TINY)) + highest


def tangent(logits: np.ndarray, chances: np.ndarray, members: np.ndarray, given: np.ndarray) -> np.ndarray:
    """By how far each class answers for the label, on the mean of the label's rows."""
    rows = [logits[own > 0] if own.any() else logits for own in members.T]
    logs = np.log(np.maximum(given, TINY))
    return np.stack([softmax(part + log, axis=1).mean(0) for part, log in zip(rows, logs, strict=True)])


def shares(logits: np.ndarray, chances: np.ndarray, members: np.ndarray, given: np.ndarray) -> np.ndarray:
    """By P(class | label)."""
    joint = given * chances.sum(0)
    found: np.ndarray = joint / np.maximum(joint.sum(1, keepdims=True), TINY)
    return found


MIXES: tuple[Mix, ...] = (tangent, shares)
HEADS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, float, Mix], Linear]] = {
    "class": of_class,
    "flags": of_flags,
}
FIGURES = {"class": class_figures, "flags": flag_figures}


def _judged(head: Mapped, unseen: np.ndarray, truth: np.ndarray, shape: str) -> Mapped:
    """The head as sure as validation likes it, with what it reaches there."""
    logits = unseen @ head.mixture.T + head.bias
    tried = [(FIGURES[shape](logits * scale, truth), scale) for scale in SCALES]
    figures, scale = min(tried, key=lambda pair: pair[0]["loss"])
    return replace(head, mixture=head.mixture * scale, bias=head.bias * scale, figures=figures)


def agreement(head: Mapped, seen: Seen, unseen: np.ndarray, shape: str) -> float:
    """The share of answers that the linear head and the exact EEP have alike."""
    chances = softmax(seen.logits / head.temperature, axis=1)
    given = conditional(chances, seen.members, head.smoothing, TWO if shape == "flags" else 0)
    exact = eep(softmax(unseen / head.temperature, axis=1), given)
    linear = unseen @ head.mixture.T + head.bias
    if shape == "flags":
        return float(((exact > 0.5) == (linear > 0)).mean())
    return float((exact.argmax(1) == linear.argmax(1)).mean())


def _install(leg: Leg, anatomy: Anatomy, source: SourceHead, head: Mapped) -> None:
    """One linear head, and before it whatever the source had."""
    model = leg.backbone.model
    if anatomy.dense and source.dense is not None:
        model.get_submodule(anatomy.dense).load_state_dict(source.dense)
    weight, bias = head.mixture @ source.weight, head.bias + head.mixture @ source.bias
    plain = replace(anatomy, dense=None, activation="identity")
    install(model, plain, Solved(Lens.none(weight), weight, bias, 0.0, head.figures))


def _sample(rows: int, classes: int) -> np.ndarray:
    """The places of as many rows as there is room for, from all over."""
    return np.unique(np.linspace(0, rows - 1, min(rows, max(1, MOST // classes))).astype(int))
