"""Which backbone fits: several are tried on the user's own data, each by a probe on features that are kept.

Each candidate's features are read once, and heads are solved on them in a cross-validation:
of five parts of the rows three are learned from, one chooses depth and penalty, one is
scored, in turn. Where the data is no larger than the sample, the features are those that
`train` would read, so that training afterwards finds them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..data import load_data
from ..recipe import Recipe
from ..tasks import get_task
from ..training import machine_for
from ..values import Listener, silent
from .offered import at_hand
from .rows import fold_rows, repeats, sample
from .trying import Trial, attempt
from .verdict import Candidate, Recommendation, concluded

__all__ = ["Candidate", "Recommendation", "recommend"]


def recommend(
    source: Any,
    recipe: Recipe | None = None,
    backbones: Sequence[str] = (),
    *,
    beside: Sequence[str] = (),
    on_event: Listener | None = None,
) -> Recommendation:
    """Try backbones on a sample of the data, and say which fits.

    Args:
        backbones: the candidates; by default those of the table that are at hand, or that
            the Hub has, as far as the data's language and this machine allow.
        beside: others to try, before those.

    Raises:
        HFTransferError: the source or a choice is at fault; or no candidate could be tried.
    """
    recipe, tell = recipe or Recipe(), on_event or silent
    data = load_data(source, recipe, on_event=tell)
    machine = machine_for(recipe)
    named = tuple(dict.fromkeys(backbones)) or ((recipe.backbone,) if recipe.backbone else ())
    names, note = (named, "") if named else at_hand(data, machine, tell)
    drawn = sample(data, recipe.seed)
    folds = [fold_rows(drawn, recipe.seed + repeat) for repeat in range(repeats(drawn))]
    trial = Trial(data, drawn, folds, recipe, machine, tell)
    tried = [attempt(trial, name) for name in dict.fromkeys((*beside, *names))]
    return replace(concluded(tried, get_task(data.task).target.best, len(folds[0])), note=note)
