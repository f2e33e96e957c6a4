"""The closed forms of a head: flags and numbers, and what new rows add to a head that is there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge

from hftransfer.training.heads.solvers import Binary, LeastSquares, Multinomial, Refined
from hftransfer.training.heads.solving import HeadProblem, Split, refine, solve


def flags(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(rows, 6)).astype(np.float32)
    weight = np.random.default_rng(9).normal(size=(6, 3))
    return features, (expit(2 * features @ weight - 1) > generator.random((rows, 3))).astype(np.float32)


def numbers(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(rows, 6)).astype(np.float32)
    weight = np.random.default_rng(9).normal(size=(6, 2)) * (100, 0.01)
    noise = generator.normal(size=(rows, 2)) * (10, 0.001)
    return features, (features @ weight + noise + (5000, 3)).astype(np.float32)


def test_flags_are_as_many_logistic_regressions() -> None:
    features, labels = flags()
    weight, bias = Binary(features, labels, 3).fit(0.5)
    for at in range(3):
        plain = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(features, labels[:, at])
        assert weight[at] == pytest.approx(plain.coef_[0], abs=2e-3)
        assert bias[at] == pytest.approx(plain.intercept_[0], abs=2e-3)


def test_a_flag_that_is_never_up_is_unlikely_and_finite() -> None:
    features, labels = flags()
    labels[:, 2] = 0
    weight, bias = Binary(features, labels, 3).fit(1.0)
    assert np.isfinite(weight).all() and (expit(features @ weight[2] + bias[2]) < 0.05).all()


def test_numbers_are_ridge_regressions_in_their_own_unit() -> None:
    features, labels = numbers()
    weight, bias = LeastSquares(features, labels, 2).fit(10.0)
    for at in range(2):
        plain = Ridge(alpha=0.1).fit(features, labels[:, at])
        assert weight[at] == pytest.approx(plain.coef_, rel=1e-3, abs=1e-4 * float(abs(plain.coef_).max()))
        assert bias[at] == pytest.approx(plain.intercept_, rel=1e-4)


def test_a_class_without_rows_is_never_given() -> None:
    features = np.random.default_rng(0).normal(size=(40, 3))
    solver = Multinomial(features, (features[:, 0] > 0).astype(int) * 2, 4)
    weight, bias = solver.fit(1.0)
    assert weight.shape == (4, 3) and set((features @ weight.T + bias).argmax(1)) == {0, 2}
    assert np.isfinite(solver.figures(features @ weight.T + bias, np.full(40, 3))["loss"])


@pytest.mark.parametrize(("solver", "make"), [("binary", flags), ("ridge", numbers)])
def test_the_search_reaches_what_there_is(solver: str, make) -> None:
    train, validation = Split(*make()), Split(*make(seed=1))
    solved = solve(HeadProblem(train, validation, train.labels.shape[1], "identity", solver))
    assert solved.figure > (0.75 if solver == "binary" else 0.98)


@pytest.mark.parametrize(("solver", "make"), [("binary", flags), ("ridge", numbers)])
def test_a_head_that_fits_already_stays(solver: str, make) -> None:
    """It is only as much changed as validation gains by."""
    features, labels = make()
    head = (Binary if solver == "binary" else LeastSquares)(features, labels, labels.shape[1]).fit(1.0)
    refined = refine(HeadProblem(Split(*make(seed=2)), Split(*make(seed=3)), labels.shape[1], "identity", solver), head)
    assert refined.strength == 0.0 and np.array_equal(refined.weight, head[0])


@pytest.mark.parametrize(("solver", "make"), [("binary", flags), ("ridge", numbers)])
def test_a_head_that_does_not_fit_is_mended(solver: str, make) -> None:
    features, labels = make()
    wrong = np.zeros((labels.shape[1], 6)), labels.mean(0)
    refined = refine(
        HeadProblem(Split(features, labels), Split(*make(seed=1)), labels.shape[1], "identity", solver), wrong
    )
    assert refined.strength > 0 and refined.figure > (0.75 if solver == "binary" else 0.95)


def test_what_is_added_costs_as_much_as_it_differs() -> None:
    """Strongly held, a head hardly moves; a label without new rows not at all."""
    features, labels = flags()
    head = np.ones((3, 6)), np.zeros(3)
    labels[:, 1] = 0
    near, far = (Refined(features, labels, "binary", head).fit(strength)[0] for strength in (1e-5, 10.0))
    assert np.abs(near - head[0]).max() < 0.05 < 0.5 < np.abs(far - head[0]).max()
    assert np.array_equal(far[1], head[0][1])
