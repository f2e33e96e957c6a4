"""A strategy by name, or `auto`: the probe first, then whatever may pay, and the best of them on validation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..recipe import Recipe
from ..strategies import STRATEGIES
from ..training import Over, Trained, as_it_is, require_heeded, run_phases
from ..values import Backbone, Dataset, Event, Listener
from .arena import Arena, Tried
from .candidates import candidates
from .picking import facts
from .search import search
from .settled import Settled

PROBE = "feature-extraction"


@dataclass(frozen=True)
class Decision:
    """A trained backbone, and how it came to be.

    Attributes:
        recipe: the one that was asked for, with what was found for it.
        tried: every candidate with what it reached on validation; empty where the strategy was asked for by name.
    """

    backbone: Backbone
    strategy: str
    trained: Trained
    recipe: Recipe
    tried: tuple[Tried, ...] = ()


def decide(
    backbone: Backbone,
    data: Dataset,
    recipe: Recipe,
    work: Path,
    settled: Settled,
    on_event: Listener,
    over: Over,
) -> Decision:
    """Train by the recipe's strategy; for `auto`, by the one that validation likes best, and so for a search."""
    if recipe.tune:
        return _search(backbone, data, recipe, work, settled, on_event, over)
    if recipe.strategy == "auto":
        return _contest(backbone, data, recipe, work, settled, on_event, over)
    phases = STRATEGIES[recipe.strategy].phases(facts(backbone, data), recipe)
    require_heeded(phases, recipe)
    trained = run_phases(backbone, data, phases, recipe, work, on_event, over)
    return Decision(backbone, recipe.strategy, trained, recipe)


def _search(
    backbone: Backbone,
    data: Dataset,
    recipe: Recipe,
    work: Path,
    settled: Settled,
    on_event: Listener,
    over: Over,
) -> Decision:
    arena, recipes = search(backbone, data, recipe, work, settled, on_event, over)
    best, name = arena.winner(backbone)
    found = recipes[name]
    on_event(Event("train", f"{name} is the best of {len(arena.tried)} on validation"))
    return Decision(best, found.strategy, arena.trained[name], found, tuple(arena.tried))


def _contest(
    backbone: Backbone,
    data: Dataset,
    recipe: Recipe,
    work: Path,
    settled: Settled,
    on_event: Listener,
    over: Over,
) -> Decision:
    known, recipe = facts(backbone, data), recipe.with_(start="probe")
    probe = STRATEGIES[PROBE].phases(known, recipe)
    trained = run_phases(backbone, data, probe, recipe, work, on_event, over)
    start, arena = as_it_is(backbone), Arena(data, recipe, work, settled, on_event, over)
    metric = arena.metric
    arena.enter(Tried(PROBE, "a usable model within one pass over the rows", metric), start, (), recipe)
    listed = settled.once(
        "candidates", lambda: [asdict(replace(found, phases=())) for found in candidates(backbone, data, recipe)]
    )
    for found in listed:
        entry = Tried(found["name"], found["why"], metric, seconds=round(found["seconds"], 1))
        if not found["fits"]:
            arena.pass_over(entry, f"it would take about {found['seconds']:.0f} s, more than there is")
        elif over():
            arena.pass_over(entry, "the time was over")
        else:
            phases = STRATEGIES[entry.name].phases(known, recipe)[len(probe) :]
            arena.enter(entry, start, phases, recipe)
    best, name = arena.winner(start)
    on_event(Event("train", f"strategy {name}: the best of {len(arena.trained)} on validation"))
    return Decision(best, name, trained + arena.trained[name], recipe, tuple(arena.tried))
