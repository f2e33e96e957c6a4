"""Features that are drawn for small classes: they follow what is known of the classes, and stay in train."""

from __future__ import annotations

import numpy as np
import pytest

from hftransfer.training.heads.generating import calibrated, lacking, with_drawn
from hftransfer.training.heads.solving import Split

WIDTH, LEAST = 6, 5000


def classes(*counts: int, seed: int = 0) -> Split:
    """Normal classes with spreads of their own around means of their own; the last two means are far away."""
    generator = np.random.default_rng(seed)
    features, labels = [], []
    for label, count in enumerate(counts):
        mean = np.random.default_rng(label).normal(size=WIDTH) + 50 * (label > 2)
        mix = np.random.default_rng(100 + label).normal(size=(WIDTH, WIDTH)) * (1 + label)
        features.append(mean + generator.normal(size=(count, WIDTH)) @ mix)
        labels += [label] * count
    return Split(np.concatenate(features).astype(np.float32), np.array(labels))


def of(split: Split, label: int) -> np.ndarray:
    return split.features[split.labels == label].astype(np.float64)


def test_drawn_rows_follow_the_class_and_its_nearest() -> None:
    """Class 0 has three rows; 1 and 2 lie near and are well filled, 3 and 4 are far away."""
    train = classes(3, LEAST, LEAST, LEAST, LEAST)
    whole = with_drawn(train, LEAST, seed=1)
    assert np.array_equal(whole.features[: len(train.labels)], train.features)
    drawn = of(whole, 0)[3:]
    assert len(drawn) == LEAST - 3 and len(whole.labels) == 5 * LEAST
    means = [of(train, label).mean(0) for label in range(3)]
    mean = (3 * means[0] + means[1] + means[2]) / 5
    near = (np.cov(of(train, 1).T) + np.cov(of(train, 2).T)) / 2
    off = (drawn.mean(0) - mean) / np.sqrt(np.diag(near) / LEAST)
    assert np.abs(off).max() < 5
    assert np.abs(np.cov(drawn.T) - near).max() < 0.15 * np.diag(near).max()
    assert np.abs(np.cov(of(train, 4).T) - near).max() > 0.5 * np.diag(near).max()  # another would not do


def test_without_well_filled_classes_the_spread_is_that_within_all() -> None:
    train = classes(8, 8, 8, 8)
    (gaussian,) = calibrated(train.features, train.labels, [2], 50)
    assert np.allclose(gaussian.mean, of(train, 2).mean(0), atol=1e-4)
    within = sum(np.cov(of(train, label).T) for label in range(4)) / 4
    drawn = gaussian.draw(20000, np.random.default_rng(0))
    assert np.abs(np.cov(drawn.T) - within).max() < 0.1 * np.diag(within).max()


def test_features_that_are_never_negative_stay_so() -> None:
    train = classes(3, 200, 200)
    lifted = Split(np.maximum(train.features, 0), train.labels)
    assert with_drawn(lifted, 100, seed=0).features.min() >= 0


def test_only_what_lacks_is_drawn_the_same_for_the_same_seed() -> None:
    train = classes(3, 40, 200)
    assert lacking(train.labels, 50) == {0: 47, 1: 10}
    one, two, three = (with_drawn(train, 50, seed=seed).features for seed in (0, 0, 1))
    assert np.array_equal(one, two) and not np.array_equal(one, three)


@pytest.mark.parametrize("counts", [(1, 1, 1), (60, 70)])
def test_where_nothing_can_be_told_or_nothing_lacks_nothing_is_drawn(counts: tuple[int, ...]) -> None:
    train = classes(*counts)
    assert with_drawn(train, 50, seed=0) is train
