"""Soups: they are means of checkpoints, and never below the best one alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from hftransfer.strategies import Phase, Rates
from hftransfer.training import run_phases
from hftransfer.training.tuning.soups import MOST, SHELF, Pot, Shelf
from hftransfer.training.tuning.trainer import PhaseTrainer
from hftransfer.values import Event
from tests.training.test_phases import PROBE, copied, station

TUNED = Phase("full", "everything", "trainer", rates=Rates(1e-3, 1e-3), epochs=4.0)


def shelf_of(folder: Path, weights: list[float], scores: list[float]) -> Shelf:
    """A model of one weight that moves and one that doesn't, evaluated with these values and scores."""
    model = nn.Linear(1, 1)
    model.bias.requires_grad = False
    nn.init.zeros_(model.weight)
    shelf = Shelf(model, folder, "accuracy")
    for step, (weight, score) in enumerate(zip(weights, scores, strict=True), 1):
        nn.init.constant_(model.weight, weight)
        _evaluated(shelf, step, score)
    return shelf


def _evaluated(shelf: Shelf, step: int, score: float) -> None:
    told: Any = SimpleNamespace(global_step=step)
    shelf.on_evaluate(None, told, None, metrics={"eval_accuracy": score})  # type: ignore[arg-type]


def near(shelf: Shelf, aim: float) -> Any:
    """A validation that likes weights near an aim."""
    return lambda: {"eval_accuracy": 1 - abs(float(shelf.model.weight.detach()) - aim)}


def test_a_uniform_soup_is_the_mean_of_the_better_half(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, [1.0, 2.0, 4.0, 8.0], [0.6, 0.7, 0.9, 0.8])
    soup = Pot(shelf, near(shelf, 6.0), best=0.9).cook("uniform")
    assert soup is not None and soup.steps == (3, 4) and soup.figures["eval_accuracy"] == 1.0
    assert float(shelf.model.weight.detach()) == 6.0


def test_a_soup_that_is_worse_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, [4.0, 8.0], [0.9, 0.8])
    nn.init.constant_(shelf.model.weight, 5.0)
    for kind in ("uniform", "greedy"):
        assert Pot(shelf, near(shelf, 5.5), best=0.9).cook(kind) is None
        assert float(shelf.model.weight.detach()) == 5.0


def test_a_greedy_soup_takes_only_what_does_no_harm(tmp_path: Path) -> None:
    shelf = shelf_of(tmp_path, [0.9, 0.7, 1.1], [0.9, 0.8, 0.7])
    soup = Pot(shelf, near(shelf, 1.0), best=0.9).cook("greedy")
    assert soup is not None and soup.steps == (1, 3)
    assert float(shelf.model.weight.detach()) == pytest.approx(1.0, abs=1e-3)


def test_the_shelf_keeps_few_the_best_of_them_and_finds_them_again(tmp_path: Path) -> None:
    scores = [number / 100 for number in range(MOST + 4)]
    shelf = shelf_of(tmp_path, scores, scores)
    assert [one.step for one in shelf.ingredients()] == list(range(MOST + 4, 4, -1))
    assert [one.score for one in Shelf(shelf.model, tmp_path, "accuracy").ingredients()] == scores[: -MOST - 1 : -1]


def test_a_run_that_was_killed_ends_with_the_mean_of_what_the_trainer_saved(tmp_path: Path, monkeypatch: Any) -> None:
    """Every checkpoint is perfect here, so that the uniform soup is of the earlier half: from before the kill too."""
    saved: dict[int, dict[str, torch.Tensor]] = {}
    save = PhaseTrainer._save_checkpoint

    def noted(self: PhaseTrainer, model: nn.Module, trial: object) -> None:
        save(self, model, trial)
        saved[self.state.global_step] = copied(self.unwrapped)

    monkeypatch.setattr(PhaseTrainer, "_save_checkpoint", noted)
    backbone, data, recipe = station("text", tmp_path, soup="uniform", patience=100)
    with pytest.raises(KeyboardInterrupt):
        run_phases(backbone, data, [PROBE, TUNED], recipe, tmp_path, _killing(at=6))
    backbone, data, recipe = station("text", tmp_path, soup="uniform", patience=100)
    heard: list[Event] = []
    trained = run_phases(backbone, data, [PROBE, TUNED], recipe, tmp_path, heard.append)
    row = trained.history[-1]
    assert row["eval_soup"] == 2 and row["eval_accuracy"] == 1.0
    assert "a soup of 2 checkpoints: 1.0000, the best alone 1.0000" in [event.message for event in heard]
    first, second = (saved[step] for step in sorted(saved)[:2])
    after = backbone.model.state_dict()
    assert all(torch.allclose((first[name] + second[name]) / 2, after[name], atol=1e-5) for name in after)
    assert not all(torch.allclose(first[name], after[name], atol=1e-4) for name in after)
    assert not (tmp_path / "phase-001-full" / SHELF).exists()  # a phase that is over needs nothing but its end


def _killing(at: int) -> Any:
    def listen(event: Event) -> None:
        if event.step == at and event.total and not event.metrics and event.stage == "train":
            raise KeyboardInterrupt

    return listen
