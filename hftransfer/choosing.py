"""Which strategy: asked for by name, or picked by what the data and the time allow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .data import counted
from .errors import OutputError
from .models.backbones import Choice, choose
from .models.vocabulary import LOOKED_AT, unknown_tokens
from .output import sync
from .recipe import Recipe, chosen_of, seconds
from .strategies import STRATEGIES, Facts, Strategy
from .tasks import get_task
from .training import Trial, family, layer_count, machine_for, steps_of
from .values import Backbone, Dataset, Event, Listener, silent

PATIENCE = 40.0  # seconds that `auto` spends on training where no budget is given: all in all, a minute
ROWS_A_CLASS = 50  # below, tuning everything learns the examples by heart: at 12 and at 35 real rows a class it lost
BACKWARD = 3.0  # a training step in forward passes


def facts(backbone: Backbone, data: Dataset) -> Facts:
    """What a strategy plans by."""
    classes = get_task(data.task).target.shape == "class"
    return Facts(
        family(backbone.model),
        data.rows["train"],
        len(data.labels),
        layers=layer_count(backbone.model),
        smallest=min(counted(data, "train").values()) if classes else 0,
    )


class Settled:
    """What a run chose for itself. It holds when the run goes on: measured again it might come out otherwise."""

    def __init__(self, file: Path, recipe: Recipe) -> None:
        """From an earlier attempt's file, where there is one.

        Raises:
            OutputError: the file is of a run with another recipe.
        """
        self.file = file
        self.known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        begun = chosen_of(self.once("recipe", recipe.to_json))
        if begun != json.loads(json.dumps(chosen_of(recipe.to_json()))):
            fix = "choose another folder, or the recipe that it was begun with"
            raise OutputError("the work there was begun with another recipe", place=str(file.parent), fix=fix)

    def require(self, name: str, value: Any, cause: str) -> None:
        """Note a value, or refuse to go on with another than the one noted.

        Raises:
            OutputError: it is another.
        """
        if self.once(name, lambda: value) != json.loads(json.dumps(value)):
            raise OutputError(cause, place=str(self.file.parent), fix="begin a new run: this one cannot go on")

    def once(self, name: str, choose: Callable[[], Any]) -> Any:
        """What was chosen before, else what is chosen now."""
        if name not in self.known:
            self.known[name] = choose()
            part = self.file.with_suffix(".part")
            part.write_text(json.dumps(self.known), encoding="utf-8")
            sync(part)
            part.replace(self.file)
        return self.known[name]


def pick_backbone(modality: str, recipe: Recipe, on_event: Listener = silent) -> Choice:
    """The recipe's backbone; where it names none, the default or the starter, and why."""
    if recipe.backbone:
        return Choice(recipe.backbone, "")
    choice = choose(modality, accelerated=machine_for(recipe).device.type != "cpu")
    on_event(Event("load", f"backbone {choice.name}: {choice.why}"))
    return choice


def with_language(data: Dataset, backbone: Backbone, on_event: Listener = silent) -> Dataset:
    """The data, with a warning where the backbone does not know its language."""
    column = get_task(data.task).modality.column
    if backbone.modality != "text":
        return data
    problem = unknown_tokens(backbone.processor, backbone.name, data.splits["train"][:LOOKED_AT][column])
    if problem is None:
        return data
    on_event(Event("load", f"{problem.message}; {problem.fix}"))
    return replace(data, problems=(*data.problems, problem))


def pick(backbone: Backbone, data: Dataset, recipe: Recipe, on_event: Listener = silent) -> Strategy:
    """The recipe's strategy; for `auto`, `full` where enough rows and time allow it, else `feature-extraction`."""
    if recipe.strategy != "auto":
        return STRATEGIES[recipe.strategy]
    name, why = _weigh(backbone, data, recipe)
    on_event(Event("train", f"strategy {name}: {why}"))
    return STRATEGIES[name]


def _weigh(backbone: Backbone, data: Dataset, recipe: Recipe) -> tuple[str, str]:
    known = facts(backbone, data)
    each = known.rows // known.labels
    if each < ROWS_A_CLASS:
        return "feature-extraction", f"{each} training rows a class are few"
    needed = estimate(backbone, data, recipe)
    budget = seconds(recipe.budget) if recipe.budget else PATIENCE
    if needed > budget:
        return "feature-extraction", f"training everything would take about {needed:.0f} s, more than {budget:.0f} s"
    return "full", f"training everything takes about {needed:.0f} s"


def estimate(backbone: Backbone, data: Dataset, recipe: Recipe) -> float:
    """Seconds that `full` would take, from the forward passes of a few batches."""
    machine = machine_for(recipe)
    row = Trial.of(backbone, data, recipe, machine).forward(machine)
    phases = STRATEGIES["full"].phases(facts(backbone, data), recipe)
    steps = sum(steps_of(phase, data.rows["train"], recipe) for phase in phases if phase.solver == "trainer")
    return row * recipe.batch_size * BACKWARD * steps
