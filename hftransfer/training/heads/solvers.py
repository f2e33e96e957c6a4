"""The convex problems that a head can be, each at any strength of the penalty.

`strength` is the inverse of the L2 penalty, against the losses' sum over rows (scikit-learn's C). Weights say
what each row counts in that sum, [rows], or each label of it, [rows, labels]; None for all alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from ...results import classification, multi_label, regression

ITERATIONS = 1000
NEVER = 20.0  # how far below the others the logit of a class lies that train has no row of

Head = tuple[np.ndarray, np.ndarray]  # weights [outputs, width], biases [outputs]


class Solver(Protocol):
    """A problem whose rows are given, solved at one strength after another from the last one's solution."""

    def fit(self, strength: float) -> Head: ...

    def figures(self, logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        """What logits [rows, outputs] reach: `loss`, by which strengths are compared, and others. Weights concern
        the loss alone, but the first of the others counts labels alike where there are some."""
        ...


class Multinomial:
    """One class a row: multinomial logistic regression."""

    def __init__(
        self, features: np.ndarray, labels: np.ndarray, outputs: int, weights: np.ndarray | None = None
    ) -> None:
        self.features, self.labels, self.outputs, self.weights = features, labels, outputs, weights
        self.model = LogisticRegression(warm_start=True, max_iter=ITERATIONS)

    def fit(self, strength: float) -> Head:
        if len(set(self.labels.tolist())) == 1:  # as a part of few rows may have
            return self._of_one(int(self.labels[0]))
        self.model.set_params(C=strength)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", UserWarning)  # that many classes of few rows might be numbers
            self.model.fit(self.features, self.labels, sample_weight=self.weights)
        weight, bias = self.model.coef_, self.model.intercept_
        if len(bias) == 1:  # two classes are solved as one row
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        return self._whole(weight, bias)

    def _whole(self, weight: np.ndarray, bias: np.ndarray) -> Head:
        """With a row for each class, those that train lacks included: a tag may begin nothing."""
        rows = np.zeros((self.outputs, weight.shape[1]))
        offsets = np.full(self.outputs, bias.min() - NEVER)
        rows[self.model.classes_], offsets[self.model.classes_] = weight, bias
        return rows, offsets

    def _of_one(self, only: int) -> Head:
        offsets = np.full(self.outputs, -NEVER)
        offsets[only] = 0.0
        return np.zeros((self.outputs, self.features.shape[1])), offsets

    def figures(self, logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        return class_figures(logits, truth, weights)


class Descent:
    """Any of the losses by L-BFGS, all outputs together; on top of logits that are there already, if there are any.

    Args:
        loss: gives the sum over rows, by their weights, and its slope by the logits.
        start: the first biases, [outputs].
        given: logits that are there already: what is solved is what is added to them, and the
            penalty is on that alone.
        free: which outputs may change, [outputs]; by default all.
    """

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        loss: Loss,
        start: np.ndarray,
        *,
        given: np.ndarray | None = None,
        free: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> None:
        self.weights = weights
        self.free = np.ones(len(start), dtype=bool) if free is None else free
        self.features, self.labels, self.loss = features.astype(np.float32), labels, loss
        self.given = np.zeros((len(labels), len(start)), dtype=np.float32) if given is None else given
        self.found = np.zeros((len(start), features.shape[1] + 1))
        self.found[:, -1] = start

    def fit(self, strength: float) -> Head:
        options = {"maxiter": ITERATIONS, "gtol": 1e-4 * strength * len(self.labels) ** 0.5}
        flat = self.found.ravel()
        solved = minimize(self._whole, flat, args=(strength,), jac=True, method="L-BFGS-B", options=options)
        self.found = solved.x.reshape(self.found.shape)
        return self.found[:, :-1].copy(), self.found[:, -1].copy()

    def _whole(self, flat: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
        """The penalised loss and its gradient."""
        head = flat.reshape(self.found.shape)
        weight, bias = head[:, :-1].astype(np.float32), head[:, -1].astype(np.float32)
        loss, slope = self.loss(self.given + self.features @ weight.T + bias, self.labels, self.weights)
        step = np.concatenate([slope.T @ self.features, slope.sum(0)[:, None]], axis=1).astype(np.float64) * strength
        step[:, :-1] += head[:, :-1]
        step[~self.free] = 0.0
        return strength * loss + 0.5 * float((head[:, :-1] ** 2).sum()), step.ravel()


def cross_entropy(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """Of classes [rows]."""
    logs = log_softmax(logits, axis=1)
    slope = np.exp(logs)
    rows = np.arange(len(truth))
    slope[rows, truth] -= 1
    counts = 1.0 if weights is None else weights.astype(logits.dtype)
    return -float((counts * logs[rows, truth]).sum(dtype=np.float64)), slope * np.expand_dims(counts, -1)


def binary_cross_entropy(
    logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Of flags [rows, outputs]."""
    counts = 1.0 if weights is None else weights.astype(logits.dtype)
    losses = counts * (np.logaddexp(0, logits) - truth * logits)
    return float(losses.sum(dtype=np.float64)), counts * (expit(logits) - truth)


def squared_error(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, np.ndarray]:
    """Of numbers [rows, outputs], which all count alike."""
    error = logits - truth
    return 0.5 * float((error**2).sum(dtype=np.float64)), error


class Binary:
    """A yes or no for each label: as many logistic regressions, solved together."""

    def __init__(
        self, features: np.ndarray, labels: np.ndarray, outputs: int, weights: np.ndarray | None = None
    ) -> None:
        often = np.clip(np.average(labels, axis=0, weights=_of_entries(weights, labels)), 1e-4, 1 - 1e-4)
        self.descent = Descent(features, labels, binary_cross_entropy, np.log(often / (1 - often)), weights=weights)

    def fit(self, strength: float) -> Head:
        return self.descent.fit(strength)

    def figures(self, logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        return flag_figures(logits, truth, weights)


def _of_entries(weights: np.ndarray | None, labels: np.ndarray) -> np.ndarray | None:
    """The weight of each row's each label, of those of rows too."""
    return None if weights is None else np.broadcast_to(weights.reshape(len(labels), -1), labels.shape)


class LeastSquares:
    """Numbers: ridge regression, each number measured by its spread. Rows count alike."""

    def __init__(
        self, features: np.ndarray, labels: np.ndarray, outputs: int, weights: np.ndarray | None = None
    ) -> None:
        self.features = features
        self.mean, self.spread = labels.mean(0), np.maximum(labels.std(0), 1e-12)
        self.labels = (labels - self.mean) / self.spread

    def fit(self, strength: float) -> Head:
        model = Ridge(alpha=1 / strength).fit(self.features, self.labels)
        weight, bias = model.coef_.reshape(len(self.mean), -1), np.atleast_1d(model.intercept_)
        return weight * self.spread[:, None], bias * self.spread + self.mean

    def figures(self, logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        return number_figures(logits, truth)


def class_figures(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    chances = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    losses = -log_softmax(logits, axis=1)[np.arange(len(truth)), truth]
    found = {**classification.quick(chances, truth), "loss": float(np.average(losses, weights=weights))}
    return found if weights is None else {"f1_macro": found["f1_macro"], **found}


def flag_figures(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    found = multi_label.quick(expit(logits), truth)
    if weights is None:
        return found
    losses = np.logaddexp(0, logits) - truth * logits
    return {**found, "loss": float(np.average(losses, weights=_of_entries(weights, truth)))}


def number_figures(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    return regression.quick(logits, truth)


class Refined:
    """A head that is there already, and what new rows add to it: the penalty is on the difference.

    What is known of labels that the new rows lack stays as it is: learning only ever that
    they are wrong would undo it.

    Args:
        features: what the head is given, [rows, width].
        head: its weights [outputs, width] and biases [outputs].
    """

    def __init__(
        self, features: np.ndarray, labels: np.ndarray, kind: str, head: Head, weights: np.ndarray | None = None
    ) -> None:
        self.head, self.mean = head, features.mean(0)
        deviation = features.std(0)
        self.deviation = np.maximum(deviation, deviation.mean() + 1e-12)
        loss, self.figure = REFINED[kind]
        # Numbers are measured by their spread, so that the penalty means the same whatever their unit.
        self.unit = np.maximum(labels.std(0), 1e-12) if kind == "ridge" else np.ones(len(head[1]))
        given = ((features @ head[0].T + head[1]) / self.unit).astype(np.float32)
        scaled = (features - self.mean) / self.deviation
        labels = (labels / self.unit).astype(np.float32) if kind == "ridge" else labels
        outputs = len(head[1])
        there = np.bincount(labels, minlength=outputs) if labels.ndim == 1 else np.abs(labels).sum(0)
        start, free = np.zeros(outputs), there > 0
        self.descent = Descent(scaled, labels, loss, start, given=given, free=free, weights=weights)

    def fit(self, strength: float) -> Head:
        weight, bias = self.descent.fit(strength)
        weight, bias = weight / self.deviation * self.unit[:, None], bias * self.unit
        return self.head[0] + weight, self.head[1] + bias - weight @ self.mean

    def figures(self, logits: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
        return self.figure(logits, truth, weights)


Loss = Callable[[np.ndarray, np.ndarray, np.ndarray | None], tuple[float, np.ndarray]]
Figures = Callable[[np.ndarray, np.ndarray, np.ndarray | None], dict[str, float]]
REFINED: dict[str, tuple[Loss, Figures]] = {
    "multinomial": (cross_entropy, class_figures),
    "binary": (binary_cross_entropy, flag_figures),
    "ridge": (squared_error, number_figures),
}
SOLVERS: dict[str, Callable[[np.ndarray, np.ndarray, int, np.ndarray | None], Solver]] = {
    "multinomial": Multinomial,
    "binary": Binary,
    "ridge": LeastSquares,
}
