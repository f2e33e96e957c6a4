"""The head as a convex problem on cached features, solved to convergence.

What is solved is exactly what the saved head computes, the dense layer and activation
before it included, so that `pipeline()` gives the scores that were chosen here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from ...models.anatomy import ACTIVATIONS, Anatomy
from .solvers import SOLVERS, Head, Refined, Solver

START = 1e-2  # inverse strength of the L2 penalty that the search begins at
WEAKER = (3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0, 30.0, 100.0)
STRONGER = (3e-3, 1e-3, 3e-4, 1e-4)
ABOUT = 0.005  # figures so near to each other are as good
COMPARED = 3000  # rows that views are compared on

# How a dense layer before the head is made to pass standardised features on: scaled
# into the activation's nearly linear part, or lifted above its bend.
PASSES = {"identity": (1.0, 0.0), "tanh": (0.1, 0.0), "relu": (1.0, 6.0), "gelu": (1.0, 6.0)}


@dataclass(frozen=True)
class Split:
    """Features of shape [rows, width] and their labels of shape [rows], or [rows, labels].

    `weights` say what each row counts, or each label of it; None for all alike.
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None = None

    def take(self, places: np.ndarray) -> Split:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[places]
        return Split(self.features[places], self.labels[places], weights)


@dataclass(frozen=True)
class HeadProblem:
    """What is to be solved, and what lies between the features and the head.

    Attributes:
        outputs: how many numbers the head gives.
        solver: a name of `SOLVERS`.
    """

    train: Split
    validation: Split
    outputs: int
    activation: str
    solver: str = "multinomial"


@dataclass(frozen=True)
class Lens:
    """What lies between the pooled state and the head: standardising, and an activation."""

    mean: np.ndarray
    deviation: np.ndarray
    activation: str

    @classmethod
    def fit(cls, features: np.ndarray, activation: str) -> Lens:
        deviation = features.std(axis=0, dtype=np.float64)
        # Features that hardly move are not blown up: a head on them would be brittle, and
        # break as soon as the backbone is tuned.
        floor = float(deviation.mean()) + 1e-12
        return cls(
            features.mean(axis=0, dtype=np.float64).astype(np.float32),
            np.maximum(deviation, floor).astype(np.float32),
            activation,
        )

    @classmethod
    def none(cls, features: np.ndarray) -> Lens:
        """What passes features on as they are."""
        width = features.shape[1]
        return cls(np.zeros(width, dtype=np.float32), np.ones(width, dtype=np.float32), "identity")

    def __call__(self, features: np.ndarray) -> np.ndarray:
        scale, lift = PASSES[self.activation]
        inner = torch.from_numpy((features - self.mean) / self.deviation) * scale + lift
        return ((ACTIVATIONS[self.activation](inner) - lift) / scale).numpy()


@dataclass(frozen=True)
class Solved:
    """A head's weights [outputs, width] over a lens, with what they reach on validation."""

    lens: Lens
    weight: np.ndarray
    bias: np.ndarray
    strength: float
    figures: dict[str, float]

    def logits(self, features: np.ndarray) -> np.ndarray:
        """What the head answers, [rows, outputs]."""
        found: np.ndarray = self.lens(features) @ self.weight.T + self.bias
        return found

    @property
    def loss(self) -> float:
        return self.figures["loss"]

    @property
    def figure(self) -> float:
        """What the rows' answers are worth: the first of the figures."""
        return next(value for name, value in self.figures.items() if name != "loss")


def refine(problem: HeadProblem, head: Head) -> Solved:
    """The least that must be added to a head that is there: labels that the new rows lack shall not be forgotten.

    Of all strengths of the penalty on the difference the strongest whose figure on
    validation (accuracy, mean average precision, R²) is about as good as the best one's.

    Args:
        problem: its features are what the head is given, without a lens.
    """
    fit = _Fit(replace(problem, activation="identity"), head)
    tried = [fit.judged(*head, strength=0.0), *map(fit, (*STRONGER[::-1], START, *WEAKER))]
    enough = max(solved.figure for solved in tried) - ABOUT
    return next(solved for solved in tried if solved.figure >= enough)


def solve(problem: HeadProblem, *, every: int = 1) -> Solved:
    """The best head over the penalty's strength, by the loss on validation.

    The search goes from a usual penalty to weaker ones while validation gains, and if
    none did, to stronger ones; each solution starts the next.

    Args:
        every: how many strengths a step goes; 1 for the fine search.
    """
    fit = _Fit(problem)
    best = fit(START)
    for path in (WEAKER, STRONGER):
        for strength in path[every - 1 :: every]:
            solved = fit(strength)
            if solved.loss >= best.loss:
                break
            best = solved
        if best.strength != START:
            break
    return best


def along(problem: HeadProblem, strengths: Sequence[float]) -> list[Solved]:
    """A head at each of the strengths."""
    return [*map(_Fit(problem), strengths)]


def refit(problem: HeadProblem, strength: float, head: Head | None = None) -> Solved:
    """The head at a strength that was chosen; on top of one that is there, if there is one, which stays at 0."""
    if head is None:
        return _Fit(problem)(strength)
    fit = _Fit(replace(problem, activation="identity"), head)
    return fit(strength) if strength else fit.judged(*head, strength=0.0)


class _Fit:
    """Solves a problem at one strength after another, each from the last one's solution."""

    def __init__(self, problem: HeadProblem, head: Head | None = None) -> None:
        train, unseen = problem.train, problem.validation
        self.lens = Lens.fit(train.features, problem.activation) if head is None else Lens.none(train.features)
        self.unseen, self.truth, self.counts = self.lens(unseen.features), unseen.labels, unseen.weights
        seen = self.lens(train.features)
        self.solver: Solver = (
            SOLVERS[problem.solver](seen, train.labels, problem.outputs, train.weights)
            if head is None
            else Refined(seen, train.labels, problem.solver, head, train.weights)
        )

    def __call__(self, strength: float) -> Solved:
        with threadpool_limits(1, user_api="blas"):  # its threads fight with torch's
            weight, bias = self.solver.fit(strength)
        return self.judged(weight, bias, strength)

    def judged(self, weight: np.ndarray, bias: np.ndarray, strength: float) -> Solved:
        """A head with what it reaches on validation."""
        figures = self.solver.figures(self.unseen @ weight.T + bias, self.truth, self.counts)
        return Solved(self.lens, weight, bias, strength, figures)


def compare(problem: HeadProblem) -> float:
    """The loss on validation of a head solved from a sample of train: to rank views by."""
    train = problem.train
    places = np.linspace(0, len(train.labels) - 1, min(COMPARED, len(train.labels))).astype(int)
    if train.labels.ndim == 1 and len(set(train.labels[places])) < len(set(train.labels)):
        return solve(problem, every=2).loss
    return solve(replace(problem, train=train.take(places)), every=2).loss


def head_of(model: torch.nn.Module, anatomy: Anatomy) -> Head:
    """The head's weights [outputs, width] and biases [outputs] as they are."""
    layer: Any = model.get_submodule(anatomy.head)
    weight = layer.weight.detach().float().cpu().numpy()
    bias = np.zeros(len(weight), dtype=np.float32) if layer.bias is None else layer.bias.detach().float().cpu().numpy()
    return weight.copy(), bias.copy()


def install(model: torch.nn.Module, anatomy: Anatomy, solved: Solved) -> None:
    """Write a solution into the model's own head, and the dense layer before it.

    The model then computes `weight @ lens(state) + bias`.
    """
    scale, lift = PASSES[anatomy.activation]
    lens = solved.lens
    spread = scale / lens.deviation.astype(np.float64)
    shift = lift - spread * lens.mean
    weight = solved.weight / scale
    bias = solved.bias - weight.sum(1) * lift
    if anatomy.dense:
        _write(model.get_submodule(anatomy.dense), np.diag(spread), shift)
        _write(model.get_submodule(anatomy.head), weight, bias)
    else:
        _write(model.get_submodule(anatomy.head), weight * spread, bias + weight @ shift)


def _write(layer: Any, weight: np.ndarray, bias: np.ndarray) -> None:
    if layer.bias is None:
        layer.bias = torch.nn.Parameter(torch.empty(len(bias), device=layer.weight.device))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
