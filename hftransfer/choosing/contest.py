"""A strategy by name, or `auto`: the probe first, then whatever may pay, and the best of them on validation."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..recipe import Recipe
from ..strategies import STRATEGIES, Phase
from ..training import Over, Trained, as_it_is, require_heeded, run_phases
from ..values import Backbone, Dataset, Event, Listener
from .arena import Arena, Tried
from .candidates import candidates, promising
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
    known, planned = facts(backbone, data), recipe.with_(start="probe")
    probe = STRATEGIES[PROBE].phases(known, planned)
    ways = {name: STRATEGIES[name].phases(known, planned) for name in promising(known)[0]}
    apart = any(phases[: len(probe)] != probe for phases in ways.values())
    whole = replace(backbone, model=copy.deepcopy(backbone.model)) if apart else backbone
    trained = run_phases(backbone, data, probe, planned, work, on_event, over)
    probed, arena = as_it_is(backbone), Arena(data, planned, work, settled, on_event, over, len(probe))
    arena.enter(Tried(PROBE, "a usable model within one pass over the rows", arena.metric), probed, (), planned)
    for found in settled.once("candidates", lambda: [asdict(one) for one in candidates(probed, data, planned, ways)]):
        entry = Tried(found["name"], found["why"], arena.metric, seconds=round(found["seconds"], 1))
        if not found["fits"]:
            arena.pass_over(entry, f"it would take about {found['seconds']:.0f} s, more than there is")
        elif over() and not arena.knows(entry.name):
            arena.pass_over(entry, "the time was over")
        else:
            start, phases = _from(probe, ways[entry.name], probed, whole)
            arena.enter(entry, start, phases, planned)
    best, name = arena.winner(probed)
    on_event(Event("train", f"strategy {name}: the best of {len(arena.trained)} on validation"))
    begun = trained if name == PROBE or ways[name][: len(probe)] == probe else Trained((), trained.features_seconds)
    return Decision(best, name, begun + arena.trained[name], recipe, tuple(arena.tried))


def _from(
    probe: tuple[Phase, ...], phases: tuple[Phase, ...], probed: Backbone, whole: Backbone
) -> tuple[Backbone, tuple[Phase, ...]]:
    """Where a strategy begins, and what is left to do: after the probe, or, where it begins otherwise, at the start."""
    shared = phases[: len(probe)] == probe
    return (probed, phases[len(probe) :]) if shared else (whole, phases)
