"""A search: the usual values first, then others for the knobs that are left open; the best on validation is kept."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest

from hftransfer import Recipe
from hftransfer.choosing import Run, Settled, decide, facts
from hftransfer.choosing.arena import figure_of
from hftransfer.choosing.knobs import FARTHEST, suggested
from hftransfer.choosing.search import USUAL
from hftransfer.strategies import STRATEGIES
from hftransfer.tasks import get_task
from hftransfer.training import never, within_budget
from hftransfer.values import Event

from .test_contest import Killed, decided, station


def test_a_search_keeps_the_best_trial_and_the_recipe_that_gave_it(tmp_path: Path) -> None:
    heard: list[Event] = []
    decision, _ = decided(tmp_path, heard, strategy="full", epochs=2, tune=2)
    assert [entry.name for entry in decision.tried] == [USUAL, "trial 1", "trial 2"]
    (winner,) = [entry for entry in decision.tried if entry.taken]
    assert winner.figure == max(entry.figure for entry in decision.tried)
    assert all(getattr(decision.recipe, name) == value for name, value in winner.choices.items())
    assert decision.recipe.tune is None and decision.recipe.epochs == 2  # it was asked for, and isn't searched
    assert any(event.message == f"{winner.name} is the best of 3 on validation" for event in heard)
    again, _ = decided(tmp_path, [], strategy="full", epochs=2, tune=2)
    assert again.tried == decision.tried and again.recipe == decision.recipe


@pytest.mark.slow
def test_a_trial_that_a_kill_stopped_is_not_given_up_where_the_time_is_over(tmp_path: Path) -> None:
    heard = Killed(lambda event: event.step == 5 and any("trial 1" in earlier.message for earlier in heard))
    with pytest.raises(KeyboardInterrupt):
        decided(tmp_path, heard, strategy="full", epochs=2, tune=2)
    decided(tmp_path, [], over=lambda: True, strategy="full", epochs=2, tune=2)
    known = json.loads((tmp_path / "work" / "settled.json").read_text())
    assert [row["phase"] for row in known["tried trial 1"]["trained"]["history"]][-1] == "full"
    assert "tried trial 2" not in known


def test_only_knobs_that_matter_and_are_left_open_are_searched(tmp_path: Path) -> None:
    backbone, data, recipe = station(tmp_path, weight_decay=0.5)
    known, task = facts(backbone, data), get_task(data.task)
    probe = suggested(optuna.create_study().ask(), ["feature-extraction"], recipe, known, task)
    assert set(probe) == {"strategy", "balance"}
    usual = STRATEGIES["full"].phases(known, recipe)[-1].rates.backbone
    rates, study = [], optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        full = suggested(study.ask(), ["full"], recipe, known, task)
        assert set(full) == {"strategy", "balance", "learning_rate", "epochs", "label_smoothing"}
        rates.append(full["learning_rate"] / usual)
        assert isinstance(Recipe(**full), Recipe)
    assert 1 / FARTHEST * 0.95 <= min(rates) < 0.7 and 1.4 < max(rates) <= FARTHEST * 1.05
    plain = recipe.with_(weight_decay=0.01)
    dead = {"l2-sp": "weight_decay", "contrastive": "label_smoothing"}
    assert all(
        knob not in suggested(optuna.create_study().ask(), [name], plain, known, task) for name, knob in dead.items()
    )


def test_nothing_is_tried_twice_and_a_search_ends_where_all_was_tried(tmp_path: Path, monkeypatch) -> None:
    measured: list[object] = []

    def noted(*args: object) -> object:
        measured.append(args)
        return figure_of(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("hftransfer.choosing.arena.figure_of", noted)
    heard: list[Event] = []
    decision, _ = decided(tmp_path, heard, strategy="feature-extraction", tune=20)
    assert [entry.choices.get("balance", "none") for entry in decision.tried] == ["none", "weights"]
    assert any(event.message == "after 1 of 20 trials there is nothing left to try" for event in heard)
    # A head that its features say is no better needs no other pass over the rows.
    assert decision.tried[1].value == decision.tried[0].value and len(measured) == 1


def test_a_search_ends_with_its_time(tmp_path: Path) -> None:
    heard: list[Event] = []
    backbone, data, recipe = station(tmp_path, tune=50, strategy="feature-extraction", budget="0.000001s")
    (tmp_path / "work").mkdir()
    settled = Settled(tmp_path / "work" / "settled.json", recipe)
    over = within_budget(recipe, never)
    decision = decide(Run(backbone, data, recipe, tmp_path / "work", settled, heard.append, over))
    assert [entry.name for entry in decision.tried] == [USUAL]
    assert any(event.message == "the time was over after 0 of 50 trials" for event in heard)
    assert [row["phase"] for row in decision.trained.history] == ["probe"]  # the first model is trained all the same
