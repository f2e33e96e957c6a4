"""A strategy by name, or `auto`: the probe first, then whatever may pay, and the best of them on validation."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from ..recipe import Recipe
from ..strategies import STRATEGIES, Phase
from ..training import Pace, Trained, Trial, as_it_is, machine_for, run_phases, spares
from ..values import Backbone, Event
from .arena import UNFIT, Arena, Tried, apart
from .candidates import PROBE, Candidate, Ways, candidates, patience, ways
from .heeding import ignored, unheeded
from .picking import facts
from .run import Run


@dataclass(frozen=True)
class Decision:
    """A trained backbone, and how it came to be.

    Attributes:
        recipe: the one that was asked for, with what was found for it.
        tried: every candidate with what it reached on validation; empty where the strategy was asked for by name.
        notes: what was asked for and made no difference.
    """

    backbone: Backbone
    strategy: str
    trained: Trained
    recipe: Recipe
    tried: tuple[Tried, ...] = ()
    notes: tuple[str, ...] = ()


def decide(run: Run) -> Decision:
    """Train by the recipe's strategy; for `auto`, by the one that validation likes best, and so for a search."""
    known, recipe = facts(run.backbone, run.data), run.recipe
    found = _search(run) if recipe.tune else _contest(run) if recipe.strategy == "auto" else _named(run)
    left = unheeded(found.strategy, known, recipe)
    for choice in left:
        run.on_event(Event("train", ignored(found.strategy, choice)))
    return replace(found, notes=tuple(ignored(found.strategy, choice) for choice in left))


def _named(run: Run) -> Decision:
    phases = STRATEGIES[run.recipe.strategy].phases(facts(run.backbone, run.data), run.recipe)
    trained = run_phases(run.backbone, run.data, phases, run.recipe, run.work, run.on_event, run.over)
    return Decision(run.backbone, run.recipe.strategy, trained, run.recipe)


def _search(run: Run) -> Decision:
    from .search import search  # brings Optuna along

    arena, recipes = search(run)
    found = recipes[arena.leader]
    run.on_event(Event("train", f"{arena.leader} is the best of {len(arena.tried)} on validation"))
    phases = STRATEGIES[found.strategy].phases(facts(run.backbone, run.data), found)
    arena.learn_from_all(run.backbone, phases, found)
    best, trained = arena.winner(run.backbone)
    return Decision(best, found.strategy, trained, found, tuple(arena.tried))


def _contest(run: Run) -> Decision:
    backbone, data, recipe = run.backbone, run.data, run.recipe
    known, few = facts(backbone, data), spares(backbone, data, recipe)
    asked = {PROBE: STRATEGIES[PROBE].phases(known, recipe), **ways(known, recipe)}
    probe = apart(asked[PROBE])
    untouched = few or not all(_begins(phases, probe) for phases in asked.values())
    whole = replace(backbone, model=copy.deepcopy(backbone.model)) if untouched else backbone
    trained = run_phases(backbone, data, probe, recipe, run.work, run.on_event, run.over)
    probed, arena = as_it_is(backbone), Arena(run, rooms=len(probe))
    arena.enter(Tried(PROBE, "a usable model within one pass over the rows", arena.metric), probed, (), recipe)
    for found in run.settled.once("candidates", lambda: _listed(run, asked, probed, arena.tried[0])):
        # After the probe, or, where a strategy begins otherwise, at the start.
        phases = asked[found["name"]]
        shared = _begins(phases, probe)
        _try(run, arena, found, probed if shared else whole, phases[len(probe) :] if shared else phases)
    name = arena.leader
    arena.tell_of_leader()
    alone = arena.learn_from_all(whole, asked[name], recipe)
    shared = not alone and _begins(asked[name], probe)
    best, then = arena.winner(probed)
    return Decision(
        best, name, (trained if shared else replace(trained, history=())) + then, recipe, tuple(arena.tried)
    )


def _begins(phases: Sequence[Phase], probe: Sequence[Phase]) -> bool:
    return apart(phases)[: len(probe)] == probe


def _listed(run: Run, asked: Ways, probed: Backbone, reached: Tried) -> list[dict[str, Any]]:
    """The candidates, timed, of which there may be none."""
    known = facts(run.backbone, run.data)
    if not ways(known, run.recipe):
        return []
    machine = machine_for(run.recipe)
    trial = Trial.of(replace(probed, model=copy.deepcopy(probed.model)), run.data, run.recipe, machine)
    pace = trial.pace(machine)
    left = run.over.left if run.recipe.budget else min(run.over.left, patience(reached.value))

    def listed(pace: Pace) -> tuple[Candidate, ...]:
        return candidates(pace, run.data, known, run.recipe, left)

    # By what a pass takes, steps seem quicker than they are: those that may fit are timed.
    likely = [phase for found in listed(pace) if found.fits for phase in asked[found.name] if phase.solver == "trainer"]
    with torch.random.fork_rng():
        steps = trial.steps(likely, machine, passing=UNFIT)
    return [asdict(found) for found in listed(replace(pace, steps=steps))]


def _try(run: Run, arena: Arena, found: dict[str, Any], start: Backbone, phases: Sequence[Phase]) -> None:
    entry = Tried(found["name"], found["why"], arena.metric, seconds=round(found["seconds"], 1))
    if not found["fits"]:
        arena.pass_over(entry, f"it would take about {found['seconds']:.0f} s, more than there is")
    elif run.over() and not arena.knows(entry.name):
        arena.pass_over(entry, "the time was over")
    else:
        arena.enter(entry, start, phases, run.recipe)
