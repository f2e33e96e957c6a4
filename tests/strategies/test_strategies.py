"""Strategies answer with phases, and never touch a model."""

from __future__ import annotations

import pytest

from hftransfer.recipe import STRATEGIES as NAMES
from hftransfer.recipe import Recipe
from hftransfer.strategies import STRATEGIES, Facts, FeatureExtraction, Full
from hftransfer.strategies.full import EPOCHS, RATES, enough_epochs

FACTS = Facts("attention", rows=1000, labels=3)


def test_every_strategy_is_a_choice_of_the_recipe() -> None:
    assert {*STRATEGIES, "auto"} == set(NAMES)


def test_feature_extraction_is_one_closed_form_phase_at_the_best_depth() -> None:
    (phase,) = FeatureExtraction().phases(FACTS, Recipe())
    assert (phase.trains, phase.solver, phase.depth) == ("head", "closed-form", "best")


def test_full_starts_from_the_best_probe() -> None:
    probe, full = Full().phases(FACTS, Recipe())
    assert (probe,) == FeatureExtraction().phases(FACTS, Recipe())
    assert (full.trains, full.solver) == ("everything", "trainer")


@pytest.mark.parametrize("family", RATES)
def test_rates_follow_the_family_and_the_recipe(family: str) -> None:
    facts = Facts(family, 1000, 3)
    *_, full = Full().phases(facts, Recipe())
    assert full.rates == RATES[family]
    *_, asked = Full().phases(facts, Recipe(learning_rate=RATES[family].backbone / 10, epochs=7))
    assert asked.rates.head == pytest.approx(RATES[family].head / 10)
    assert asked.epochs == 7


def test_small_data_gets_more_passes() -> None:
    few, some, many = (enough_epochs(rows, 32) for rows in (100, 2000, 100_000))
    assert few == EPOCHS[1] and many == EPOCHS[0] and few > some > many
