"""A strategy by name, or `auto`: the probe first, then whatever may pay, and the best of them on validation."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..recipe import Recipe
from ..strategies import STRATEGIES, Phase
from ..training import Trained, as_it_is, require_heeded, run_phases, spares
from ..values import Backbone, Event
from .arena import Arena, Tried, apart
from .candidates import candidates, promising
from .picking import facts
from .run import Run
from .search import search

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


def decide(run: Run) -> Decision:
    """Train by the recipe's strategy; for `auto`, by the one that validation likes best, and so for a search."""
    recipe = run.recipe
    if recipe.tune:
        return _search(run)
    if recipe.strategy == "auto":
        return _contest(run)
    phases = STRATEGIES[recipe.strategy].phases(facts(run.backbone, run.data), recipe)
    require_heeded(phases, recipe)
    trained = run_phases(run.backbone, run.data, phases, recipe, run.work, run.on_event, run.over)
    return Decision(run.backbone, recipe.strategy, trained, recipe)


def _search(run: Run) -> Decision:
    arena, recipes = search(run)
    found = recipes[arena.leader]
    run.on_event(Event("train", f"{arena.leader} is the best of {len(arena.tried)} on validation"))
    best, trained = arena.winner(run.backbone)
    return Decision(best, found.strategy, trained, found, tuple(arena.tried))


def _contest(run: Run) -> Decision:
    backbone, data, planned = run.backbone, run.data, run.recipe.with_(start="probe")
    known = facts(backbone, data)
    asked = {name: STRATEGIES[name].phases(known, planned) for name in (PROBE, *promising(known)[0])}
    ways = {name: apart(phases) for name, phases in asked.items()}
    probe = ways.pop(PROBE)
    few = spares(backbone, data, planned)
    untouched = few or any(phases[: len(probe)] != probe for phases in ways.values())
    whole = replace(backbone, model=copy.deepcopy(backbone.model)) if untouched else backbone
    trained = run_phases(backbone, data, probe, planned, run.work, run.on_event, run.over)
    probed, arena = as_it_is(backbone), Arena(run, rooms=len(probe))
    arena.enter(Tried(PROBE, "a usable model within one pass over the rows", arena.metric), probed, (), planned)

    def listed() -> list[dict[str, Any]]:
        return [asdict(one) for one in candidates(probed, data, planned, ways)]

    for found in run.settled.once("candidates", listed):
        entry = Tried(found["name"], found["why"], arena.metric, seconds=round(found["seconds"], 1))
        if not found["fits"]:
            arena.pass_over(entry, f"it would take about {found['seconds']:.0f} s, more than there is")
        elif run.over() and not arena.knows(entry.name):
            arena.pass_over(entry, "the time was over")
        else:
            start, phases = _from(probe, ways[entry.name], probed, whole)
            arena.enter(entry, start, phases, planned)
    name = arena.leader
    run.on_event(Event("train", f"strategy {name}: the best of {len(arena.trained)} on validation"))
    alone = few and any(phase.whole for phase in asked[name]) and arena.learn_from_all(whole, asked[name], planned)
    shared = not alone and (name == PROBE or ways[name][: len(probe)] == probe)
    begun = trained if shared else Trained((), trained.features_seconds)
    best, then = arena.winner(probed)
    return Decision(best, name, begun + then, run.recipe, tuple(arena.tried))


def _from(
    probe: tuple[Phase, ...], phases: tuple[Phase, ...], probed: Backbone, whole: Backbone
) -> tuple[Backbone, tuple[Phase, ...]]:
    """Where a strategy begins, and what is left to do: after the probe, or, where it begins otherwise, at the start."""
    shared = phases[: len(probe)] == probe
    return (probed, phases[len(probe) :]) if shared else (whole, phases)
