"""What a run could not do, or would not follow, is refused before anything is computed; of `auto` it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hftransfer import Recipe, fine_tune
from hftransfer.choosing import facts, require
from hftransfer.choosing.heeding import HEEDS, PACE, heeds, unheeded
from hftransfer.errors import RecipeError
from hftransfer.strategies import STRATEGIES, Facts
from hftransfer.values import Event
from tests.tiny import table, text_backbone
from tests.training.test_phases import station

FACTS = Facts("attention", 100, 2, layers=4)


@pytest.mark.parametrize(
    ("place", "choices"),
    [
        ("--l1", {"strategy": "feature-extraction", "l1": 1e-5}),
        ("--soup", {"strategy": "contrastive", "soup": "greedy"}),
        ("--start", {"strategy": "contrastive", "start": "random"}),
        ("--generate", {"strategy": "full", "start": "random", "generate": 9}),
        ("--tune", {"strategy": "feature-extraction", "balance": "weights", "tune": 3}),
        ("--backbone", {"strategy": "label-mapping"}),
        ("--backbone", {"start": "label-mapping"}),
        ("--head", {"strategy": "label-mapping", "head": "dense"}),
        ("--optimizer", {"optimizer": "galore_adamw"}),
    ],
)
def test_what_cannot_be_followed_is_refused(place: str, choices: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as refused:
        require(*station("text", tmp_path, **choices))
    assert refused.value.place == place


def test_a_dense_head_drops_by_itself(tmp_path: Path) -> None:
    require(*station("convolution", tmp_path, head="dense", dropout=0.3, strategy="full"))


def test_it_is_refused_before_the_features_are_read(tmp_path: Path) -> None:
    heard: list[Event] = []
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), strategy="feature-extraction", soup="greedy", folds=3)
    with pytest.raises(RecipeError, match="makes no use of --soup") as refused:
        fine_tune(table(tmp_path / "t.csv"), recipe, output=tmp_path / "m", on_event=heard.append)
    assert "--strategy full" in refused.value.fix
    assert not {event.stage for event in heard} & {"features", "train"}


def test_how_steps_are_made_is_told_where_there_are_none(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, strategy="feature-extraction", epochs=3, optimizer="sgd")
    require(backbone, data, recipe)
    assert unheeded("feature-extraction", facts(backbone, data), recipe) == ["optimizer", "epochs"]


def test_each_choice_is_followed_by_some_strategy_and_the_defaults_by_all() -> None:
    for choice in HEEDS:
        assert any(heeds(name, choice, FACTS, Recipe()) for name in STRATEGIES), choice
    assert not any(unheeded(name, FACTS, Recipe()) for name in STRATEGIES) and set(PACE) <= set(HEEDS)
