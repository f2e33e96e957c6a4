"""Strategies answer with phases, and never touch a model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hftransfer.recipe import STRATEGIES as NAMES
from hftransfer.recipe import Recipe
from hftransfer.strategies import STRATEGIES, Facts, FeatureExtraction, Full, LpFt, Rates
from hftransfer.strategies.feature_extraction import PROBE
from hftransfer.strategies.full import EPOCHS, PACES, RATES, enough_epochs
from hftransfer.strategies.label_mapping import MAPPING

FACTS = Facts("attention", rows=1000, labels=3)


def test_every_strategy_is_a_choice_of_the_recipe() -> None:
    assert {*STRATEGIES, "auto"} == set(NAMES)


def test_feature_extraction_is_one_closed_form_phase_at_the_best_depth() -> None:
    (phase,) = FeatureExtraction().phases(FACTS, Recipe())
    assert (phase.trains, phase.solver, phase.depth) == ("head", "closed-form", "best")


def test_full_starts_from_the_best_probe() -> None:
    probe, full = Full().phases(FACTS, Recipe())
    assert (replace(probe, whole=True),) == FeatureExtraction().phases(FACTS, Recipe())  # alone it may learn from all
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


@pytest.mark.parametrize("name", ["full", "lp-ft", "l2-sp", "lora", "gradual-unfreezing"])
def test_a_tuned_model_starts_from_what_the_recipe_says(name: str) -> None:
    probed, mapped, fresh = (
        STRATEGIES[name].phases(FACTS, Recipe(start=start)) for start in ("probe", "label-mapping", "random")
    )
    assert (replace(probed[0], depth="best"), mapped[0]) == (PROBE, MAPPING)
    assert probed[0].depth == ("last" if name == "lp-ft" else "best")
    assert (
        [phase.name for phase in probed[1:]] == [phase.name for phase in mapped[1:]] == [phase.name for phase in fresh]
    )
    for phase in fresh:
        assert phase.rates is not None and phase.solver == "trainer"


def test_a_fresh_head_learns_ten_times_as_fast() -> None:
    *_, solved = Full().phases(FACTS, Recipe())
    (fresh,) = Full().phases(FACTS, Recipe(start="random"))
    assert fresh.rates.head == pytest.approx(10 * solved.rates.head) and fresh.rates.backbone == solved.rates.backbone


def test_probes_alone_begin_as_ever() -> None:
    assert FeatureExtraction().phases(FACTS, Recipe(start="random")) == (replace(PROBE, whole=True),)


def test_lp_ft_is_one_small_rate() -> None:
    probe, tuned = LpFt().phases(FACTS, Recipe())
    *_, full = Full().phases(FACTS, Recipe())
    assert tuned.rates.backbone == tuned.rates.head < full.rates.backbone and tuned.rates.decay == 1.0
    assert tuned.trains == "everything" and probe.depth == "last" and full.rates.decay < 1.0
    *_, asked = LpFt().phases(FACTS, Recipe(learning_rate=3e-5))
    assert asked.rates == Rates(3e-5, 3e-5)


def test_full_looks_for_its_rate_unless_one_is_given() -> None:
    assert Full().phases(FACTS, Recipe())[-1].finds_rate
    assert not Full().phases(FACTS, Recipe(learning_rate=1e-4))[-1].finds_rate


def test_an_optimizer_has_its_own_pace() -> None:
    sgd, adamw = (Full().phases(FACTS, Recipe(optimizer=name))[-1].rates for name in ("sgd", "adamw"))
    assert sgd.backbone == pytest.approx(PACES["sgd"] * adamw.backbone) and sgd.decay == adamw.decay
