"""Cross-validation of a probe: the same as scikit-learn's by hand, and without a look at what is held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from hftransfer.data import load_data
from hftransfer.errors import RecipeError
from hftransfer.models import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.training import Leg, cross_validation, probing
from hftransfer.training.few import PARTS
from hftransfer.training.heads import folds, solving
from tests.flow.test_tasks import entities, number, several
from tests.tiny import convolutional_backbone, pictures, text_backbone


def prepared(source: Path, backbone: Path, **choices: object) -> Leg:
    recipe = Recipe(backbone=str(backbone), precision="fp32", **choices)
    data = load_data(source, recipe)
    return probing(load_backbone(get_task(data.task), data.labels, recipe), data, recipe)


@pytest.fixture
def colours(tmp_path: Path) -> Leg:
    return prepared(pictures(tmp_path / "p.zip"), convolutional_backbone(tmp_path / "b"), folds=4)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[np.ndarray]]:
    """The logits of everything that is held out, before they are measured."""
    found: list[np.ndarray] = []
    measure = folds.MEASURED["class"]
    monkeypatch.setitem(
        folds.MEASURED, "class", lambda leg, logits, shifts: found.append(logits) or measure(leg, logits, shifts)
    )
    return found


class Plain(ClassifierMixin, BaseEstimator):
    """A logistic regression on standardised features, of which those that hardly move are not blown up."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> Plain:
        deviation = features.std(0)
        self.mean, self.spread = features.mean(0), np.maximum(deviation, deviation.mean())
        self.head = LogisticRegression(C=solving.START, tol=1e-6).fit((features - self.mean) / self.spread, labels)
        self.classes_ = self.head.classes_
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return self.predict_proba(features).argmax(1)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        return self.head.predict_proba((features - self.mean) / self.spread)


def test_it_is_what_scikit_learn_gives_on_the_same_folds(colours: Leg, answers, monkeypatch) -> None:
    monkeypatch.setattr(solving, "WEAKER", ())
    monkeypatch.setattr(solving, "STRONGER", ())
    told = cross_validation(colours)["cross_validation"]
    pool = folds._pool(colours)
    parts = folds.dealt(pool.strata, pool.units, 4, colours.recipe.seed)
    plain = cross_val_predict(
        Plain(),
        pool.features(np.full(len(pool.of), True), 0),
        pool.labels,
        cv=PredefinedSplit(parts),
        method="predict_proba",
    )
    assert softmax(answers[0], axis=1) == pytest.approx(plain, abs=2e-3)
    assert told["metrics"]["accuracy"]["value"] == (plain.argmax(1) == pool.labels).mean()
    assert told["rows"] == colours.data.rows["train"] + colours.data.rows["validation"] == len(pool.labels)
    assert told["of"] == "linear probe" and told["folds"] == 4


def test_what_is_held_out_chooses_nothing(colours: Leg, answers, monkeypatch) -> None:
    """Other labels for the rows of a fold change nothing of how these are answered."""
    pool = folds._pool(colours)
    parts = folds.dealt(pool.strata, pool.units, 4, colours.recipe.seed)
    cross_validation(colours)
    pool.labels[parts == 2] = 1 - pool.labels[parts == 2]
    monkeypatch.setattr(folds, "_pool", lambda leg: pool)
    cross_validation(colours)
    before, after = answers
    assert np.array_equal(before[parts == 2], after[parts == 2])
    assert not np.allclose(before[parts != 2], after[parts != 2])


def test_folds_are_alike_and_copies_stay_together() -> None:
    strata = np.array([0] * 60 + [1] * 30 + [2] * 7)
    units = np.arange(len(strata))
    units[[3, 40, 59]] = 3
    parts = folds.dealt(strata, units, 5, 0)
    counts = np.stack([np.bincount(parts[strata == value], minlength=5) for value in range(3)])
    assert np.ptp(counts[1]) <= 1 and np.ptp(counts[2]) <= 1 and np.ptp(counts[0]) <= 3
    assert len(set(parts[units == 3])) == 1
    assert not np.array_equal(parts, folds.dealt(strata, units, 5, 1))


@pytest.mark.parametrize(
    ("make", "name", "least"),
    [
        pytest.param(several, "map", 0.5, marks=pytest.mark.slow),
        pytest.param(number, "r2", 0.3, marks=pytest.mark.slow),
        pytest.param(entities, "f1", 0.3, marks=pytest.mark.slow),
    ],
)
def test_every_target_has_its_own_figures(make, name: str, least: float, tmp_path: Path) -> None:
    leg = prepared(make(tmp_path), text_backbone(tmp_path / "b"), folds=3)
    told = cross_validation(leg)["cross_validation"]
    figure = told["metrics"][name]
    assert figure["low"] <= figure["value"] <= figure["high"] and figure["value"] > least
    assert told["rows"] == leg.data.rows["train"] + leg.data.rows["validation"]


def test_more_folds_than_rows_are_refused(colours: Leg) -> None:
    assert cross_validation(probing(colours.backbone, colours.data, colours.recipe.with_(folds=None))) == {}
    twice = colours.data.splits["validation"].select([0, 0])
    data = replace(colours.data, splits={**colours.data.splits, "validation": twice}, digests=dict.fromkeys(PARTS, "2"))
    rows = data.rows["train"] + 1
    with pytest.raises(RecipeError, match=f"{rows} rows that are no copies cannot be dealt out to {rows + 1} folds"):
        cross_validation(probing(colours.backbone, data, colours.recipe.with_(folds=rows + 1)))
