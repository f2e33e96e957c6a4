"""Candidates are trained one after another, each on a copy, and judged on validation; the best is kept."""

from __future__ import annotations

import copy
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..checkpoints import FINISHED, LEADER, begun, bring_adapter, figures, keep, kept, room_of
from ..errors import BackboneError, HFTransferError, RecipeError
from ..models.loading import quiet, reload_model
from ..predictor.ready import Ready
from ..predictor.scored import scored
from ..recipe import Recipe
from ..results.metrics import Evaluation
from ..strategies import Phase
from ..tasks import get_task
from ..training import Trained, run_phases, spares
from ..training.balancing import watched
from ..values import Backbone, Dataset, Event, Interval
from .run import Run

WHOLE = "whole"  # of the leader: it has learned from all rows, and needs no other phases than its own
UNFIT = (RecipeError, BackboneError, torch.OutOfMemoryError)  # one cannot be trained: what else there is stands


@dataclass(frozen=True)
class Tried:
    """What came of a candidate, as the report tells it.

    Attributes:
        metric: of validation, `value` with the bounds of its interval; None if it was not trained.
        seconds: that it took; of one that was not trained, that it would have taken.
        choices: of the recipe, where they were searched for.
        taken: whether it is the one that the run ended with.
    """

    name: str
    why: str
    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float = 0.0
    choices: dict[str, Any] = field(default_factory=dict)
    taken: bool = False

    @property
    def figure(self) -> float:
        """For comparing: less than any other where there is none."""
        return float("-inf") if self.value is None else self.value

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None and value != {}}


class Arena:
    """Any number of candidates, and the best of them so far, which lies on disk.

    Args:
        rooms: phases that were run before: each has a room of its own.
    """

    def __init__(self, run: Run, rooms: int = 0) -> None:
        self.data, self.work, self.settled = run.data, run.work, run.settled
        self.on_event, self.over = run.on_event, run.over
        self.metric = watched(get_task(run.data.task), run.recipe)  # the same for all, whatever they are trained by
        self.tried: list[Tried] = []
        self.trained: dict[str, Trained] = {}
        self.cut = False  # the last run, of the leader with all rows
        self.rooms = rooms
        # Candidates come the most promising first, and of many one does better by chance: above all one whose best
        # weights were chosen by the same rows. A search has nothing else to go by.
        self.wary = run.recipe.tune is None

    def enter(self, entry: Tried, start: Backbone, phases: Sequence[Phase], recipe: Recipe) -> None:
        """Train a copy of the start, and note what it reaches; one of an earlier attempt is not trained again.

        One that cannot be trained is passed over: the others are as good as without it.
        """
        first, self.rooms = self.rooms, self.rooms + len(phases)
        known = self._known(entry.name)
        if known is None and phases:
            self.on_event(Event("train", f"trying {entry.name}: {entry.why}"))
        try:
            known = known or self._run(entry, start, apart(phases), recipe, first)
        except UNFIT as error:
            if not self.tried:
                raise  # there is nothing to fall back on
            known = {"cause": _cause(error)}
        known = self.settled.once(f"tried {entry.name}", lambda: known)
        self._clear(phases, first)  # not before it is noted, nor where it is stopped: it goes on from there
        if "cause" in known:
            return self.pass_over(entry, known["cause"])
        done = Tried(**known["tried"])
        reached = "no figure" if done.value is None else f"{done.metric} {done.value:.3f}"
        self.on_event(Event("train", f"{done.name} reaches {reached} on validation"))
        if done.why != entry.why:
            self.on_event(Event("train", done.why))  # as it was then: another may lead by now
        self.tried.append(done)
        self.trained[done.name] = _trained(known)

    def learn_from_all(self, start: Backbone, phases: Sequence[Phase], recipe: Recipe) -> bool:
        """Train the leader once more, with the rows that have chosen it, where they are too few to be left out.

        Returns:
            Whether it has learned from them; there may be no time, and it may fail.
        """
        led = figures(self.work, LEADER)
        if not (spares(start, self.data, recipe) and any(phase.whole for phase in phases)) or led.get(WHOLE):
            return WHOLE in led
        cause = self._once_more(start, phases, recipe, led)
        if cause:
            self.cut = self.over()
            self.on_event(Event("train", f"{self.leader} does without the rows that chose it: {cause}"))
        return not cause

    def _once_more(self, start: Backbone, phases: Sequence[Phase], recipe: Recipe, led: dict[str, Any]) -> str:
        """Why the leader could not be trained with all rows; empty where it was."""
        if self.over() or self.over.left < led["tried"]["seconds"]:
            return "there is no time left for them"
        self.on_event(Event("train", f"{self.leader} once more, with the rows that chose it"))
        try:
            trained = run_phases(start, self.data, phases, recipe, self.work, self.on_event, self.over, self.rooms)
        except UNFIT as error:
            self._clear(phases, self.rooms)
            return _cause(error)
        if trained.cut:
            return "the time was over"
        self._keep(start, phases, self.rooms, {**led, "trained": asdict(trained), WHOLE: True})
        return ""

    def knows(self, name: str) -> bool:
        """Whether an earlier attempt at the run has tried it, or was at it: the rooms of what was tried are gone."""
        return self._known(name) is not None or any(map(begun, self.work.glob("phase-*")))

    def pass_over(self, entry: Tried, cause: str) -> None:
        """Note one that is not tried, and why."""
        self.on_event(Event("train", f"{entry.name} is not tried: {cause}"))
        self.tried.append(replace(entry, why=cause))

    @property
    def leader(self) -> str:
        """The best candidate's name."""
        return str(figures(self.work, LEADER)["tried"]["name"])

    def winner(self, start: Backbone) -> tuple[Backbone, Trained]:
        """The best candidate's model, and how it was trained; the seconds for features are those of all."""
        self.tried = [replace(entry, taken=entry.name == self.leader) for entry in self.tried]
        led = figures(self.work, LEADER)
        trained = _trained(led)
        runs = (*self.trained.values(), *([trained] if led.get(WHOLE) else ()))
        seconds = sum(each.features_seconds for each in runs)
        trained = replace(trained, features_seconds=seconds, cut=trained.cut or self.cut)
        folder = kept(self.work, LEADER)
        assert folder
        return replace(start, model=reload_model(start.model, folder)), trained

    def tell_of_leader(self) -> None:
        """Say which strategy leads, and how it came to."""
        name, count, best = self.leader, len(self.trained), self._led().figure >= max(self.reached)
        told = f"strategy {name}: the best of {count} on validation"
        self.on_event(Event("train", told if best else f"strategy {name}: none of {count} is better by more than luck"))

    @property
    def reached(self) -> list[float]:
        return [entry.figure for entry in self.tried]

    def _known(self, name: str) -> dict[str, Any] | None:
        """What is noted of one; of the leader beside its model, in case that a kill came before it was noted."""
        led = figures(self.work, LEADER)
        noted: dict[str, Any] | None = self.settled.known.get(f"tried {name}")
        return noted or (led if led and led["tried"]["value"] is not None and led["tried"]["name"] == name else None)

    def _run(
        self, entry: Tried, start: Backbone, phases: Sequence[Phase], recipe: Recipe, first: int
    ) -> dict[str, Any]:
        began = time.perf_counter()
        backbone = replace(start, model=copy.deepcopy(start.model))
        trained = run_phases(backbone, self.data, phases, recipe, self.work, self.on_event, self.over, first)
        known = {"tried": asdict(entry), "trained": asdict(trained)}
        if not self.tried:  # a model that can be used, before it is measured
            self._keep(backbone, phases, first, known)
        value = self._measured(entry, backbone, trained, phases)
        done = replace(entry, **value, seconds=round(time.perf_counter() - began, 1))
        leads = bool(self.tried) and self._leads(done, phases)
        if self.tried and not leads and done.figure > self._led().figure:
            done = replace(done, why=_doubted(self.leader))
        known = {**known, "tried": asdict(done)}
        if leads:
            self._keep(backbone, phases, first, known)
        return known

    def _measured(self, entry: Tried, backbone: Backbone, trained: Trained, phases: Sequence[Phase]) -> dict[str, Any]:
        """The figure in fp32, as the model will be used; of a head that is solved and that its features say is no
        better than the leader, theirs: it is not worth a pass over the rows."""
        if phases and all(phase.solver != "trainer" for phase in phases):
            seen = trained.history[-1].get(f"eval_{self.metric}", math.nan)
            if seen <= max(self.reached, default=-math.inf):
                return {"value": seen}
        self.on_event(Event("train", f"measuring {entry.name} on validation"))
        found = figure_of(backbone, self.data, self.metric)
        return asdict(found) if math.isfinite(found.value) else {}

    def _keep(self, backbone: Backbone, phases: Sequence[Phase], first: int, known: dict[str, Any]) -> None:
        last = room_of(self.work, first + len(phases) - 1, phases[-1].name) if phases else None

        def write(folder: Path) -> None:
            backbone.model.save_pretrained(folder)
            bring_adapter(last / FINISHED if last else None, folder)

        with quiet():
            keep(self.work, LEADER, write, known)

    def _leads(self, done: Tried, phases: Sequence[Phase]) -> bool:
        """Whether it is better than the leader. One that validation watched and that is no better is the start
        that it kept; one that it could not watch has moved, and was tried since it is thought to be better."""
        led = self._led()
        if any(not phase.judged for phase in phases):
            return done.figure >= led.figure
        return done.figure > led.figure + (_luck(led) if self.wary else 0.0)

    def _led(self) -> Tried:
        return next(entry for entry in self.tried if entry.name == self.leader)

    def _clear(self, phases: Sequence[Phase], first: int) -> None:
        for number, phase in enumerate(phases, first):
            shutil.rmtree(room_of(self.work, number, phase.name), ignore_errors=True)


def _trained(known: dict[str, Any]) -> Trained:
    return Trained(**{**known["trained"], "history": tuple(known["trained"]["history"])})


def _doubted(leader: str) -> str:
    return f"better than {leader} by no more than luck"


def _luck(led: Tried) -> float:
    """What one is better by for no reason: a standard error."""
    if led.value is None or led.low is None or led.high is None:
        return 0.0
    return min(led.high - led.value, led.value - led.low) / 1.96  # of R², one side is far longer


def _cause(error: Exception) -> str:
    return error.cause if isinstance(error, HFTransferError) else "there is not enough memory"


def apart(phases: Sequence[Phase]) -> tuple[Phase, ...]:
    """The phases with validation left to the comparison: what learned from it cannot be judged on it."""
    return tuple(replace(phase, whole=False) for phase in phases)


def figure_of(backbone: Backbone, data: Dataset, metric: str) -> Interval:
    """A figure of validation."""
    task = get_task(data.task)
    ready = Ready(task, data.labels, replace(backbone, model=backbone.model.eval()))
    with Evaluation(task, data.labels) as evaluation:
        for _, scores, truth in scored(ready, data.splits["validation"]):
            evaluation.add(scores, truth)
        return evaluation.report().metrics[metric]
