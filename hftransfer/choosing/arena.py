"""Candidates are trained one after another, each from the same start, and judged on validation; the best is kept."""

from __future__ import annotations

import copy
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..checkpoints import FINISHED, LEADER, bring_adapter, figures, keep, room_of
from ..models.loading import quiet, reload_model
from ..predictor.ready import Ready
from ..predictor.scored import scored
from ..recipe import Recipe
from ..results.metrics import Evaluation
from ..strategies import Phase
from ..tasks import get_task
from ..training import Over, Trained, run_phases
from ..training.balancing import watched
from ..values import Backbone, Dataset, Event, Interval, Listener
from .settled import Settled


@dataclass(frozen=True)
class Tried:
    """What came of a candidate, as the report tells it.

    Attributes:
        metric: the task's main one, of validation, `value` with the bounds of its interval; None if it was not trained.
        seconds: that it took; of one that was not trained, that it would have taken.
        choices: of the recipe, where they were searched for.
    """

    name: str
    why: str
    metric: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float = 0.0
    choices: dict[str, Any] = field(default_factory=dict)

    @property
    def figure(self) -> float:
        """For comparing: less than any other where there is none."""
        return self.value if self.value is not None and math.isfinite(self.value) else float("-inf")

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None and value != {}}


class Arena:
    """One start, any number of candidates, and the best of them so far, which lies on disk."""

    def __init__(
        self, data: Dataset, recipe: Recipe, work: Path, settled: Settled, on_event: Listener, over: Over
    ) -> None:
        self.data, self.work, self.settled, self.on_event, self.over = data, work, settled, on_event, over
        self.task = get_task(data.task)
        self.metric = watched(self.task, recipe)  # the same for all, whatever they are trained by
        self.tried: list[Tried] = []
        self.trained: dict[str, Trained] = {}
        self.rooms = 1  # phases so far: each has a room of its own

    def enter(self, entry: Tried, start: Backbone, phases: Sequence[Phase], recipe: Recipe) -> None:
        """Train a copy of the start, and note what it reaches; one of an earlier attempt is not trained again.

        Where it is no worse than the best so far, the later one wins: what is tried was thought to be better.
        """
        first, self.rooms = self.rooms, self.rooms + len(phases)
        known = self.settled.known.get(f"tried {entry.name}")
        if known is None:
            if phases:
                self.on_event(Event("train", f"trying {entry.name}: {entry.why}"))
            known = self.settled.once(f"tried {entry.name}", lambda: self._run(entry, start, phases, recipe, first))
        done = Tried(**known["tried"])
        self.on_event(Event("train", f"{done.name} reaches {done.metric} {done.figure:.3f} on validation"))
        self.tried.append(done)
        self.trained[done.name] = Trained(**{**known["trained"], "history": tuple(known["trained"]["history"])})

    def pass_over(self, entry: Tried, cause: str) -> None:
        """Note one that is not tried, and why."""
        self.on_event(Event("train", f"{entry.name} is not tried: {cause}"))
        self.tried.append(replace(entry, why=cause))

    def _run(
        self, entry: Tried, start: Backbone, phases: Sequence[Phase], recipe: Recipe, first: int
    ) -> dict[str, Any]:
        began = time.perf_counter()
        backbone = replace(start, model=copy.deepcopy(start.model))
        trained = run_phases(backbone, self.data, phases, recipe, self.work, self.on_event, self.over, first)
        value = figure_of(backbone, self.data, self.metric)  # in fp32, as it will be used
        done = replace(entry, **asdict(value), seconds=round(time.perf_counter() - began, 1))
        rooms = [room_of(self.work, number, phase.name) for number, phase in enumerate(phases, first)]

        def write(folder: Path) -> None:
            backbone.model.save_pretrained(folder)
            bring_adapter(rooms[-1] / FINISHED if rooms else None, folder)

        if done.figure >= self.best:
            with quiet():
                keep(self.work, LEADER, write, {"name": done.name})
        for room in rooms:
            shutil.rmtree(room, ignore_errors=True)
        return {"tried": asdict(done), "trained": asdict(trained)}

    @property
    def best(self) -> float:
        return max((entry.figure for entry in self.tried), default=float("-inf"))

    def winner(self, start: Backbone) -> tuple[Backbone, str]:
        """The best candidate's model, and its name."""
        name = figures(self.work, LEADER)["name"]
        return replace(start, model=reload_model(start.model, self.work / LEADER)), str(name)


def figure_of(backbone: Backbone, data: Dataset, metric: str) -> Interval:
    """A figure of validation."""
    task = get_task(data.task)
    ready = Ready(task, data.labels, replace(backbone, model=backbone.model.eval()))
    with Evaluation(task, data.labels) as evaluation:
        for _, scores, truth in scored(ready, data.splits["validation"]):
            evaluation.add(scores, truth)
        return evaluation.report().metrics[metric]
