"""The closed-form head: converged, chosen on validation, and the same inside the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from hftransfer.models.anatomy import ACTIVATIONS, Anatomy
from hftransfer.training.heads.solving import START, STRONGER, WEAKER, HeadProblem, Lens, Split, compare, install, solve

CLASSES = 4


def blobs(rows: int = 300, width: int = 12, noise: float = 1.5, seed: int = 0, classes: int = CLASSES) -> Split:
    """Classes around centres of their own, features of very different scales."""
    centres = np.random.default_rng(7).normal(size=(classes, width))
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    features = centres[labels] + noise * generator.normal(size=(rows, width))
    return Split((features * np.logspace(-3, 2, width) + 5).astype(np.float32), labels)


class Toy(torch.nn.Module):
    """A pooled state, a dense layer with an activation, and a head."""

    def __init__(self, width: int, activation: str | None, classes: int = CLASSES) -> None:
        super().__init__()
        self.dense = torch.nn.Linear(width, width) if activation else None
        self.activation = ACTIVATIONS[activation or "identity"]
        self.head = torch.nn.Linear(width, classes)

    def forward(self, state: torch.Tensor) -> torch.Tensor:
        return self.head(self.activation(self.dense(state)) if self.dense else state)


@pytest.mark.parametrize("classes", [2, CLASSES])
@pytest.mark.parametrize("activation", [None, "identity", "tanh", "relu", "gelu"])
def test_the_installed_head_gives_the_solved_scores(activation: str | None, classes: int) -> None:
    train, validation = blobs(classes=classes), blobs(seed=1, classes=classes)
    solved = solve(HeadProblem(train, validation, classes, activation or "identity"))
    model = Toy(12, activation, classes)
    install(model, Anatomy("head", "dense" if activation else None, activation or "identity"), solved)
    expected = solved.lens(validation.features) @ solved.weight.T + solved.bias
    with torch.inference_mode():
        got = model(torch.from_numpy(validation.features)).numpy()
    shift = (got - expected).mean(1, keepdims=True)  # softmax sees differences alone
    assert np.allclose(got - shift, expected, atol=2e-3)
    accuracy = (got.argmax(1) == validation.labels).mean()
    assert accuracy == pytest.approx(solved.figures["accuracy"])
    assert accuracy > 0.6


def test_a_head_without_a_bias_gets_one() -> None:
    solved = solve(HeadProblem(blobs(), blobs(seed=1), CLASSES, "identity"))
    model = Toy(12, None)
    model.head = torch.nn.Linear(12, CLASSES, bias=False)
    install(model, Anatomy("head"), solved)
    assert model.head.bias.shape == (CLASSES,)


def test_the_solution_is_a_minimum() -> None:
    """The gradient of the penalised loss vanishes there."""
    train = blobs()
    solved = solve(HeadProblem(train, blobs(seed=1), CLASSES, "identity"))
    seen, onehot = solved.lens(train.features), np.eye(CLASSES)[train.labels]

    def gradient(flat: np.ndarray) -> np.ndarray:
        weight = flat.reshape(CLASSES, -1)
        logits = seen @ weight.T + solved.bias
        scores = np.exp(logits - logits.max(1, keepdims=True))
        scores /= scores.sum(1, keepdims=True)
        return (solved.strength * (scores - onehot).T @ seen + weight).ravel()

    at_start, at_end = gradient(np.zeros_like(solved.weight).ravel()), gradient(solved.weight.ravel())
    assert np.abs(at_end).max() < 1e-2 * np.abs(at_start).max()


def test_the_penalty_is_the_best_on_validation() -> None:
    train, validation = blobs(rows=60, noise=3.0), blobs(seed=1, noise=3.0)
    solved = solve(HeadProblem(train, validation, CLASSES, "identity"))
    lens = Lens.fit(train.features, "identity")
    losses = {}
    strengths = sorted((START, *WEAKER, *STRONGER))
    for strength in strengths:
        model = LogisticRegression(C=strength, max_iter=2000).fit(lens(train.features), train.labels)
        scores = model.predict_proba(lens(validation.features))
        losses[strength] = -np.log(scores[range(len(validation.labels)), validation.labels]).mean()
    assert solved.strength == min(losses, key=losses.get)
    assert solved.loss == pytest.approx(losses[solved.strength], rel=1e-3)
    assert solved.strength not in (strengths[0], strengths[-1])


def test_views_are_ranked_by_what_they_tell() -> None:
    good = HeadProblem(blobs(), blobs(seed=1), CLASSES, "tanh")
    noise = np.random.default_rng(0).normal(size=(300, 12)).astype(np.float32)
    bad = replace(good, train=Split(noise, good.train.labels))
    assert compare(good) < compare(bad)


def test_a_feature_that_never_moves_does_no_harm() -> None:
    train, validation = blobs(), blobs(seed=1)
    train.features[:, 3], validation.features[:, 3] = 0.25, 0.25
    solved = solve(HeadProblem(train, validation, CLASSES, "tanh"))
    assert np.isfinite(solved.weight).all() and solved.figures["accuracy"] > 0.6


def test_the_order_of_magnitude_of_the_features_does_not_matter() -> None:
    train, validation = blobs(), blobs(seed=1)
    one = solve(HeadProblem(train, validation, CLASSES, "identity"))
    scaled = [Split(split.features * 1000, split.labels) for split in (train, validation)]
    larger = solve(HeadProblem(*scaled, CLASSES, "identity"))
    assert larger.figures["accuracy"] == pytest.approx(one.figures["accuracy"], abs=0.01)
