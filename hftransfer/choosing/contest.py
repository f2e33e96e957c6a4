"""A strategy by name, or `auto`: the probe first, then whatever may pay, and the best of them on validation."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from ..recipe import Recipe
from ..strategies import STRATEGIES, Facts, Phase
from ..training import Machine, Pace, Trained, Trial, as_it_is, machine_for, run_phases, spares
from ..values import Backbone, Event
from .arena import UNFIT, Arena, Tried, apart
from .candidates import PROBE, Candidate, candidates, time_left, ways
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
    # After the probe, or, where a strategy begins otherwise, at the start.
    after = {name: _begins(phases, probe) for name, phases in asked.items()}
    starts = {name: probed if after[name] else whole for name in asked if name != PROBE}
    for found in run.settled.once("candidates", lambda: _listed(run, known, starts, probed, arena.tried[0])):
        name = found["name"]
        _try(run, arena, found, starts[name], asked[name][len(probe) :] if after[name] else asked[name])
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


def _listed(
    run: Run, known: Facts, starts: Mapping[str, Backbone], probed: Backbone, reached: Tried
) -> list[dict[str, Any]]:
    """The candidates, timed, of which there may be none.

    Args:
        known: of the backbone before the probe.
        starts: what each trains from.
    """
    if not starts:
        return []
    machine, run_left = machine_for(run.recipe), time_left(run.recipe, run.over.left, reached.value)
    pace = Trial.of(probed, run.data, run.recipe, machine).pace(machine)
    began = time.monotonic()

    def listed(pace: Pace) -> tuple[Candidate, ...]:
        return candidates(pace, run.data, known, run.recipe, run_left - (time.monotonic() - began))

    # By what a pass takes, steps seem quicker than they are: whichever may fit is timed.
    likely = [found.name for found in listed(pace) if found.seconds <= run_left]
    if likely:
        run.on_event(Event("train", "timing a few steps"))
    steps: dict[Phase, float] = {}
    with suppress(*UNFIT), torch.random.fork_rng():
        for name in likely:
            steps |= _steps(run, starts[name], STRATEGIES[name].phases(known, run.recipe), machine)
    return [asdict(found) for found in listed(replace(pace, steps=steps))]


def _steps(run: Run, start: Backbone, phases: Sequence[Phase], machine: Machine) -> dict[Phase, float]:
    """Seconds of a row in a training step of each phase, made on a copy; none where it cannot be made."""
    trial = Trial.of(replace(start, model=copy.deepcopy(start.model)), run.data, run.recipe, machine)
    return trial.steps([phase for phase in phases if phase.solver == "trainer"], machine, passing=UNFIT)


def _try(run: Run, arena: Arena, found: dict[str, Any], start: Backbone, phases: Sequence[Phase]) -> None:
    entry = Tried(found["name"], found["why"], arena.metric, seconds=round(found["seconds"], 1))
    if not found["fits"]:
        arena.pass_over(entry, f"it would take about {found['seconds']:.0f} s, more than there is")
    elif run.over() and not arena.knows(entry.name):
        arena.pass_over(entry, "the time was over")
    else:
        arena.enter(entry, start, phases, run.recipe)
