"""A learning rate that is found: where the loss blows up decides, and nothing else has changed afterwards."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hftransfer.checkpoints import FINISHED, figures, room_of
from hftransfer.strategies import Rates
from hftransfer.training import Machine, Trained, run_phases
from hftransfer.training.progress import Leg
from hftransfer.training.tuning import finding, tune
from hftransfer.training.tuning.finding import BOUNDS, NOTE, SHARE, found_rows, suggest, with_found_rate
from hftransfer.training.tuning.rows import rows_of
from hftransfer.values import Event
from tests.training.test_phases import PROBE, copied, phase, station

CPU = Machine(torch.device("cpu"), torch.float32)
FACTORS = np.geomspace(*finding.RANGE, 24)


def losses_of(breaks: float, falls: float = 0.0, jitter: float = 0.02) -> list[float]:
    """Of a sweep that falls a little, jitters, and blows up at a factor."""
    chance = np.random.default_rng(0)
    calm = 1.0 - falls * np.linspace(0, 1, len(FACTORS)) + jitter * chance.standard_normal(len(FACTORS))
    return [1.0, *np.where(breaks <= FACTORS, 3.0, calm)]


@pytest.mark.parametrize("falls", [0.0, 0.5])
@pytest.mark.parametrize(
    ("breaks", "low", "high"),
    [(0.01, 0.2, 0.2), (0.1, 0.5, 0.8), (0.3, 1, 1), (3.0, 1, 1), (7.0, 1.3, 2.4), (99, 4, 5)],
)
def test_the_usual_rate_is_left_where_the_loss_blows_up_far_from_it(
    breaks: float, low: float, high: float, falls: float
) -> None:
    found = suggest(FACTORS, losses_of(breaks, falls))
    assert low <= found.factor <= high and BOUNDS[0] <= found.factor <= BOUNDS[1]
    assert (found.broke is None) == (breaks > FACTORS[-1])


def test_a_bad_batch_and_a_lucky_one_decide_nothing() -> None:
    losses = losses_of(1.0)
    blown = int(np.argmax(np.array(losses) == 3.0))
    assert suggest(FACTORS, [*losses[:blown], float("nan")]).broke == suggest(FACTORS, losses).broke
    losses[4], losses[-1] = 1.5, 1.0
    assert suggest(FACTORS, losses) == suggest(FACTORS, losses_of(1.0))
    losses[2:5] = [1.5, 1.5, 1.5]  # it recovers: the head had to find itself
    assert suggest(FACTORS, losses).factor == 1.0


def leg_of(kind: str, folder: Path, events: list[Event], epochs: float = 100.0, rate: float = 1e-3) -> Leg:
    backbone, data, recipe = station(kind, folder)
    asked = phase(finds_rate=True, epochs=epochs, rates=Rates(rate, 2 * rate, 0.5))
    room = folder / "room"
    room.mkdir()
    return Leg(backbone, data, asked, recipe, CPU, room, events.append)


def looked(leg: Leg) -> Leg:
    rows = rows_of(leg)
    return with_found_rate(leg, rows, tune.trainer_for, tune.steps_of(leg.phase, len(rows.train), leg.recipe))


@pytest.mark.parametrize("kind", ["text", "convolution"])
def test_looking_leaves_no_trace_but_the_rate(kind: str, tmp_path: Path) -> None:
    heard: list[Event] = []
    leg = leg_of(kind, tmp_path, heard, rate=30.0)
    model = leg.backbone.model
    before, rows = copied(model), rows_of(leg)
    with tune.tamed_dropout(model):
        steps = tune.steps_of(leg.phase, len(rows.train), leg.recipe)
        chances: tuple[Callable[[], object], ...] = (random.random, np.random.rand, lambda: torch.rand(1).item())
        torch.manual_seed(1), random.seed(1), np.random.seed(1)
        expected = [draw() for draw in chances]
        torch.manual_seed(1), random.seed(1), np.random.seed(1)
        made: list[object] = []

        def make(*args: object) -> object:
            made.append(tune.trainer_for(*args))  # type: ignore[arg-type]
            torch.manual_seed(1), random.seed(1), np.random.seed(1)  # which a Trainer sets as it is made
            return made[-1]

        after = with_found_rate(leg, rows, make, steps)  # type: ignore[arg-type]
    assert [draw() for draw in chances] == expected and made[0].optimizer is None  # type: ignore[attr-defined]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not model.training and all(parameter.grad is None for parameter in model.parameters())
    assert after.phase.rates == Rates(30.0 * BOUNDS[0], 60.0 * BOUNDS[0], 0.5)  # far too fast: as slow as may be
    assert after.phase.rates is not None and f"{after.phase.rates.backbone:.1e} found" in heard[-1].message
    (row,) = found_rows(after)
    assert row["learning_rate_found"] == after.phase.rates.backbone
    assert row["steps_of_finding"] * (leg.recipe.batch_size // 2) <= SHARE * steps * leg.recipe.batch_size
    assert looked(replace(leg, backbone=leg.backbone)).phase == after.phase and len(made) == 1  # it is noted


def test_a_rate_that_was_given_and_a_phase_that_is_short_look_for_none(tmp_path: Path) -> None:
    heard: list[Event] = []
    leg = leg_of("text", tmp_path, heard, epochs=2.0)
    assert looked(leg).phase == leg.phase and "too short" in heard[-1].message
    heard.clear()
    given = replace(leg, recipe=leg.recipe.with_(learning_rate=1e-3), phase=replace(leg.phase, epochs=100.0))
    assert looked(given).phase == given.phase and not heard
    assert not (leg.room / NOTE).exists() and not found_rows(leg)


def test_a_run_that_goes_on_keeps_the_rate_and_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended after a while by its budget's word and gone on from its checkpoint: the sweep is made once."""
    sweeps: list[int] = []
    sweep = finding.sweep
    monkeypatch.setattr(finding, "sweep", lambda *args: sweeps.append(1) or sweep(*args))
    asked = phase(finds_rate=True, epochs=100.0, rates=Rates(3e-2, 3e-2))
    monkeypatch.setattr(finding, "suggest", lambda *_: finding.Found(0.25, 0.1875, 20))

    class Killed(Exception):
        pass

    def run(deadly: bool) -> Trained:
        backbone, data, recipe = station("text", tmp_path, patience=1)

        def listen(event: Event) -> None:
            if deadly and event.stage == "train" and event.step > 5:
                raise Killed

        return run_phases(backbone, data, [PROBE, asked], recipe, tmp_path / "work", listen)

    with pytest.raises(Killed):
        run(deadly=True)
    room = room_of(tmp_path / "work", 1, "full")
    assert (room / NOTE).is_file() and len(sweeps) == 1
    trained = run(deadly=False)
    assert len(sweeps) == 1 and not (room / NOTE).exists()
    (told,) = [row for row in trained.history if "learning_rate_found" in row]
    assert told == {"phase": "full", "step": 0, "learning_rate_found": 7.5e-3, "steps_of_finding": 20}
    assert max(row.get("learning_rate", 0.0) for row in trained.history) <= 7.5e-3
    assert list(trained.history)[1:] == figures(room, FINISHED)["history"]
