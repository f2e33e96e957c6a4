"""What a run could not do, or would not follow, is refused before anything is computed; of `auto` it is told."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from hftransfer import Recipe, fine_tune
from hftransfer.choosing import facts, require
from hftransfer.choosing.heeding import BESIDE, HEEDS, PACE, heeds, unheeded
from hftransfer.choosing.knobs import knobs_of
from hftransfer.data import load_data
from hftransfer.errors import RecipeError
from hftransfer.models import load_backbone
from hftransfer.strategies import STRATEGIES, Facts
from hftransfer.tasks import get_task
from hftransfer.training import refuse
from hftransfer.values import Backbone, Dataset, Event
from tests.tiny import table, text_backbone
from tests.training.test_phases import station

FACTS = Facts("attention", 100, 2, layers=4)
STEPPED = {"full", "gradual-unfreezing", "lora", "lp-ft", "l2-sp"}


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


@pytest.mark.parametrize(
    ("choices", "ways"),
    [
        ({"strategy": "feature-extraction", "l1": 1e-5}, {*STEPPED, "contrastive"}),
        ({"strategy": "feature-extraction", "l1": 1e-5, "soup": "greedy"}, STEPPED),
        ({"strategy": "full", "start": "random", "generate": 9}, set()),
        ({"strategy": "feature-extraction", "balance": "weights", "tune": 3}, {*STEPPED, "contrastive"}),
    ],
)
def test_what_is_proposed_is_not_refused_again(choices: dict[str, object], ways: set[str], tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, **choices)
    assert proposed(backbone, data, recipe) == ways
    for name in ways:
        require(backbone, data, recipe.with_(strategy=name))


def test_what_is_proposed_suits_the_task(tmp_path: Path) -> None:
    rows = "\n".join(f"the day was {n},{n / 7}" for n in range(40))
    (tmp_path / "n.csv").write_text(f"text,score\n{rows}\n")
    recipe = Recipe(
        backbone=str(text_backbone(tmp_path / "b")), task="text-regression", strategy="feature-extraction", tune=3
    )
    data = load_data(tmp_path / "n.csv", recipe)
    assert proposed(load_backbone(get_task(data.task), data.labels, recipe), data, recipe) == STEPPED


def proposed(backbone: Backbone, data: Dataset, recipe: Recipe) -> set[str]:
    """The strategies that a refusal names."""
    with pytest.raises(RecipeError) as refused:
        require(backbone, data, recipe)
    first, _, others = refused.value.fix.partition(", or choose another strategy: ")
    assert first == "leave it out"
    return set(others.split(", ")) - {""}


def test_a_search_turns_only_what_the_strategy_itself_follows() -> None:
    """A probe beside it is no part of a trial's figure."""
    task, beside = get_task("text-classification"), Recipe(tune=3, folds=3)
    assert not knobs_of("label-mapping", beside, FACTS, task)
    assert [knob.name for knob in knobs_of("feature-extraction", beside, FACTS, task)] == ["balance"]
    assert unheeded("label-mapping", FACTS, Recipe(balance="weights", folds=3)) == []
    assert unheeded("label-mapping", FACTS, Recipe(balance="weights")) == ["balance"]


def test_a_dense_head_drops_by_itself(tmp_path: Path) -> None:
    backbone, data, recipe = station("convolution", tmp_path, head="dense", dropout=0.3, strategy="full")
    require(backbone, data, recipe)
    require(backbone, data, recipe.with_(strategy="auto"))


def test_auto_refuses_what_no_candidate_could_follow(tmp_path: Path) -> None:
    """The probe drops nothing, and what would be tried after it cannot, on this backbone."""
    backbone, data, recipe = station("convolution", tmp_path, dropout=0.3)
    with pytest.raises(RecipeError, match="no dropout"):
        require(backbone, data, recipe)
    require(backbone, data, recipe.with_(dropout=None))


@pytest.mark.parametrize(
    ("task", "place", "choices"),
    [
        ("text-classification", "--augmentation", {"augmentation": "mild"}),
        ("image-regression", "--augmentation", {"augmentation": "photo"}),
        ("image-classification", "", {"augmentation": "photo"}),
        ("text-classification", "", {"augmentation": "none"}),
        ("text-classification", "--confidence", {"confidence": 0.8}),
        ("text-classification", "", {"confidence": 0.8, "pseudo_label": __file__}),
    ],
)
def test_what_the_data_has_no_use_for_is_refused(task: str, place: str, choices: dict[str, object]) -> None:
    with pytest.raises(RecipeError) if place else nullcontext() as refused:
        refuse(get_task(task), Recipe(**choices))
    assert refused is None or refused.value.place == place


def test_it_is_refused_before_the_features_are_read(tmp_path: Path) -> None:
    heard: list[Event] = []
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), strategy="feature-extraction", soup="greedy", folds=3)
    with pytest.raises(RecipeError, match="makes no use of --soup") as refused:
        fine_tune(table(tmp_path / "t.csv"), recipe, output=tmp_path / "m", on_event=heard.append)
    assert "full, " in refused.value.fix
    assert not {event.stage for event in heard} & {"features", "train"}


def test_how_steps_are_made_is_told_where_there_are_none(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, strategy="feature-extraction", epochs=3, optimizer="sgd")
    require(backbone, data, recipe)
    assert unheeded("feature-extraction", facts(backbone, data), recipe) == ["optimizer", "epochs"]


def test_each_strategy_follows_what_it_makes_use_of() -> None:
    solved = {"generate", "balance"}
    judged = {"soup", "mixup", "cutmix", "label_smoothing", "patience"}  # by the task's own labels
    stepped = {"l1", "optimizer", "epochs", "learning_rate", "warmup", "augmentation", "dropout", "weight_decay"}
    every = {"start", *solved, *judged, *stepped}
    apart = {
        "feature-extraction": solved,
        "contrastive": solved | stepped,
        "l2-sp": every - {"weight_decay"},
        "label-mapping": set(),
    }
    asked = Recipe(start="label-mapping")
    assert every == {"start", *HEEDS} and set(PACE) | set(BESIDE) <= every
    for name in STRATEGIES:
        followed = {choice for choice in HEEDS if heeds(name, choice, FACTS, Recipe())}
        followed |= {"start"} if heeds(name, "start", FACTS, asked) else set()
        assert followed == apart.get(name, every), name
