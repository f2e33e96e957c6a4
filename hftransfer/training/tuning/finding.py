"""A peak learning rate that is found, not guessed: a range test (Smith 2015, https://arxiv.org/abs/1506.01186).

The rate rises from step to step, and where the loss blows up the rate is too large. A head
that was solved on the training rows fits them as well as it can: whatever moves, their loss
rises, even while the model gets better. So the loss is watched on a few rows of validation,
always the same ones, without dropout or augmentation. Even so it hardly falls at any rate:
its lowest or its steepest place says nothing, and what is left is a check of the usual rate,
which is left alone unless the loss blows up far from where it does for backbones that it suits.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from ...models.device import autocast
from ...output import sync
from ...strategies import Rates
from ...values import Event
from ..progress import Leg
from .rows import Rows
from .trainer import PhaseTrainer, Progress

SHARE = 0.05  # of the phase's work, at most
FEWEST, MOST = 16, 48  # steps of the test
FORWARD = 1 / 3  # of a step's work
RANGE = (0.02, 16.0)  # of the usual rate: the first step's and the last one's
HOPELESS = 3.0  # times the first loss: no use in going on
WORSE = 0.25  # how far above the best one a loss has blown up, as a part of the first
LOW = 0.4  # what a lower first loss counts as
# Where in so short a test, without a warm-up, the loss blows up while the usual rate is about the best:
# at 0.2 to 3.4 of it, in ten sweeps over three backbones. Inside, a rate that follows it is noise, and a
# worse one; outside, it is followed for what is beyond.
SUITS = (0.15, 4.0)
BOUNDS = (0.2, 5.0)  # of the usual rate
NOTE = "rate.json"

Maker = Callable[[Leg, Rows, Progress], PhaseTrainer]


@dataclass(frozen=True)
class Found:
    """What a range test came to.

    Attributes:
        factor: from the usual rate to the one to take.
        broke: the factor that the loss blew up at; None where it did not.
        steps: how many it took.
    """

    factor: float
    broke: float | None
    steps: int


def with_found_rate(leg: Leg, rows: Rows, make: Maker, steps: int) -> Leg:
    """The leg with the rate that a range test found, where its phase asks for one.

    The model and all chance are then as they were before. What was found is noted in the
    phase's room: a run that goes on takes the same.

    Args:
        make: a phase's Trainer.
        steps: of the optimizer in the phase.
    """
    if not leg.phase.finds_rate or leg.recipe.learning_rate:
        return leg
    found = _noted(leg.room) or _look(leg, rows, make, steps)
    return replace(leg, phase=replace(leg.phase, rates=_times(leg.phase.rates, found.factor))) if found else leg


def found_rows(leg: Leg) -> list[dict[str, Any]]:
    """What was found, as a row of history; none where nothing was looked for."""
    found = _noted(leg.room)
    if found is None or leg.phase.rates is None:
        return []
    rate = leg.phase.rates.backbone
    return [{"phase": leg.phase.name, "step": 0, "learning_rate_found": rate, "steps_of_finding": found.steps}]


def _look(leg: Leg, rows: Rows, make: Maker, steps: int) -> Found | None:
    assert leg.phase.rates is not None
    usual, batch = leg.phase.rates.backbone, _small(leg)
    tries = min(MOST, int(SHARE * steps * leg.recipe.batch_size / (batch + FORWARD * leg.recipe.batch_size)))
    if tries < FEWEST:
        why = "training is too short to look for a better one"
        leg.on_event(Event("train", f"peak learning rate {usual:.1e}, the usual one: {why}"))
        return None
    leg.on_event(Event("train", f"looking for the learning rate: {tries} short steps"))
    trainer = make(leg, rows, Progress(leg.phase.name, leg.on_event, leg.over))
    factors = np.geomspace(*RANGE, tries)
    with as_it_was(leg.backbone.model):
        losses = sweep(leg, rows, trainer, factors)
    trainer.optimizer = None  # its state is as large as two models, and the real one's comes next
    if losses is None:
        return None
    found = suggest(factors, losses)
    _note(leg.room, found)
    leg.on_event(Event("train", _told(found, usual)))
    return found


def sweep(leg: Leg, rows: Rows, trainer: PhaseTrainer, factors: np.ndarray) -> list[float] | None:
    """A step at each of the usual rate's multiples, on rows of its own where there are enough.

    Returns:
        The loss on validation before the first step, and after each until it is far too high;
        None where training is over.
    """
    chance, batch = np.random.default_rng(leg.recipe.seed), _small(leg)
    order = np.concatenate(
        [chance.permutation(len(rows.train)) for _ in range(1 + len(factors) * batch // len(rows.train))]
    )
    seen = _batch(
        leg, rows.validation, rows.collators[1], chance.permutation(len(rows.validation))[: leg.recipe.batch_size]
    )
    step = _Stepper(leg, trainer)
    losses = [step.loss(seen)]
    for number, factor in enumerate(factors):
        if leg.over():
            return None
        places = order[number * batch : (number + 1) * batch]
        step(_batch(leg, rows.train, rows.collators[0], places), factor)
        losses.append(step.loss(seen))
        if not losses[-1] < HOPELESS * losses[0] + 1:
            break
    return losses


def suggest(factors: np.ndarray, losses: list[float]) -> Found:
    """What rate to take, of the usual one, from a sweep's losses; those that it did not wait for are endless."""
    seen = np.full(len(factors) + 1, math.inf)
    seen[: len(losses)] = np.nan_to_num(losses, nan=math.inf)
    calm = np.median(sliding_window_view(np.pad(seen, 1, mode="reflect"), 3), axis=1)  # one bad batch says nothing
    fine = calm <= np.minimum(np.minimum.accumulate(calm), seen[0]) + WORSE * max(seen[0], LOW)
    last = int(np.flatnonzero(fine).max(initial=0))  # what recovers has not blown up
    broke = float(factors[last]) if last < len(factors) else None
    reached = broke or float(factors[-1])
    factor = min(max(reached / min(max(reached, SUITS[0]), SUITS[1]), BOUNDS[0]), BOUNDS[1])
    return Found(factor, broke, len(losses) - 1)


class _Stepper:
    """Steps of the phase's own kind at any rate, and the loss on rows that are only looked at."""

    def __init__(self, leg: Leg, trainer: PhaseTrainer) -> None:
        self.leg, self.trainer, self.model = leg, trainer, leg.backbone.model
        self.optimizer = trainer.create_optimizer()
        self.usual = [group["lr"] for group in self.optimizer.param_groups]
        device = leg.machine.device.type
        self.scaler = torch.amp.GradScaler(device, enabled=leg.machine.dtype == torch.float16)

    def __call__(self, batch: dict[str, torch.Tensor], factor: float) -> None:
        self.model.train()
        self.scaler.scale(self._forward(batch)).backward()
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.trainer.args.max_grad_norm)
        for group, usual in zip(self.optimizer.param_groups, self.usual, strict=True):
            group["lr"] = usual * factor
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()

    @torch.no_grad()
    def loss(self, batch: dict[str, torch.Tensor]) -> float:
        self.model.eval()
        return float(self._forward(batch))

    def _forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        with autocast(self.leg.machine.device, self.leg.machine.dtype):
            found: torch.Tensor = self.trainer.compute_loss(self.model, dict(batch))
        return found


@contextmanager
def as_it_was(model: torch.nn.Module) -> Iterator[None]:
    """Afterwards the model, and whatever is left to chance, is bit for bit as it was before."""
    kept = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    training, states = model.training, (random.getstate(), np.random.get_state())
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        model.load_state_dict(kept)
        model.zero_grad(set_to_none=True)
        model.train(training)


def _batch(leg: Leg, rows: Any, collate: Any, places: np.ndarray) -> dict[str, torch.Tensor]:
    made = collate([rows[int(place)] for place in places])
    return {name: tensor.to(leg.machine.device) for name, tensor in made.items()}


def _small(leg: Leg) -> int:
    """Rows of a step of the test: half of a usual one's."""
    return max(1, leg.recipe.batch_size // 2)


def _times(rates: Rates | None, factor: float) -> Rates | None:
    return rates and Rates(rates.backbone * factor, rates.head * factor, rates.decay)


def _told(found: Found, usual: float) -> str:
    why = f"the loss blew up at {usual * found.broke:.1e}" if found.broke else "the loss blew up nowhere"
    if found.factor == 1.0:
        return f"peak learning rate {usual:.1e}, the usual one, fits: in {found.steps} short steps {why}"
    return f"peak learning rate {usual * found.factor:.1e} found in {found.steps} short steps: {why}"


def _noted(room: Path) -> Found | None:
    file = room / NOTE
    return Found(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def _note(room: Path, found: Found) -> None:
    part = room / f"{NOTE}.part"
    part.write_text(json.dumps(asdict(found)), encoding="utf-8")
    sync(part)
    part.replace(room / NOTE)
