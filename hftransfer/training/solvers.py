"""The convex problems that a head can be, each at any strength of the penalty.

`strength` is the inverse of the L2 penalty, against the losses' sum over rows (scikit-learn's C).
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

from ..results import classification, multi_label, regression

ITERATIONS = 1000
NEVER = 20.0  # how far below the others the logit of a class lies that train has no row of

Head = tuple[np.ndarray, np.ndarray]  # weights [outputs, width], biases [outputs]


class Solver(Protocol):
    """A problem whose rows are given, solved at one strength after another from the last one's solution."""

    def fit(self, strength: float) -> Head: ...

    def figures(self, logits: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        """What logits [rows, outputs] reach: `loss`, by which strengths are compared, and others."""
        ...


class Multinomial:
    """One class a row: multinomial logistic regression."""

    def __init__(self, features: np.ndarray, labels: np.ndarray, outputs: int) -> None:
        self.features, self.labels, self.outputs = features, labels, outputs
        self.model = LogisticRegression(warm_start=True, max_iter=ITERATIONS)

    def fit(self, strength: float) -> Head:
        self.model.set_params(C=strength)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", UserWarning)  # that many classes of few rows might be numbers
            self.model.fit(self.features, self.labels)
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

    def figures(self, logits: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        chances = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
        loss = -log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean()
        return {**classification.quick(chances, truth), "loss": float(loss)}


class Binary:
    """A yes or no for each label: as many logistic regressions, solved together."""

    def __init__(self, features: np.ndarray, labels: np.ndarray, outputs: int) -> None:
        self.features, self.labels = features.astype(np.float32), labels.astype(np.float32)
        self.shape = (outputs, features.shape[1] + 1)
        often = np.clip(labels.mean(0), 1e-4, 1 - 1e-4)
        self.found = np.zeros(self.shape)
        self.found[:, -1] = np.log(often / (1 - often))

    def fit(self, strength: float) -> Head:
        options = {"maxiter": ITERATIONS, "gtol": 1e-4 * strength * len(self.labels) ** 0.5}
        solved = minimize(
            self._loss, self.found.ravel(), args=(strength,), jac=True, method="L-BFGS-B", options=options
        )
        self.found = solved.x.reshape(self.shape)
        return self.found[:, :-1].copy(), self.found[:, -1].copy()

    def _loss(self, flat: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
        head = flat.reshape(self.shape)
        weight, bias = head[:, :-1].astype(np.float32), head[:, -1].astype(np.float32)
        logits = self.features @ weight.T + bias
        losses = np.logaddexp(0, logits) - self.labels * logits
        slope = expit(logits) - self.labels
        step = np.concatenate([slope.T @ self.features, slope.sum(0)[:, None]], axis=1).astype(np.float64) * strength
        step[:, :-1] += head[:, :-1]
        whole = strength * float(losses.sum(dtype=np.float64)) + 0.5 * float((head[:, :-1] ** 2).sum())
        return whole, step.ravel()

    def figures(self, logits: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        return multi_label.quick(expit(logits), truth)


class LeastSquares:
    """Numbers: ridge regression, each number measured by its spread."""

    def __init__(self, features: np.ndarray, labels: np.ndarray, outputs: int) -> None:
        self.features = features
        self.mean, self.spread = labels.mean(0), np.maximum(labels.std(0), 1e-12)
        self.labels = (labels - self.mean) / self.spread

    def fit(self, strength: float) -> Head:
        model = Ridge(alpha=1 / strength).fit(self.features, self.labels)
        weight, bias = model.coef_.reshape(len(self.mean), -1), np.atleast_1d(model.intercept_)
        return weight * self.spread[:, None], bias * self.spread + self.mean

    def figures(self, logits: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        return regression.quick(logits, truth)


SOLVERS: dict[str, Callable[[np.ndarray, np.ndarray, int], Solver]] = {
    "multinomial": Multinomial,
    "binary": Binary,
    "ridge": LeastSquares,
}
