"""What takes the steps: an optimizer by a short name of ours, or by Transformers' name."""

from __future__ import annotations

from difflib import get_close_matches
from tempfile import gettempdir
from typing import Any

import torch
from transformers import Trainer, TrainingArguments
from transformers.training_args import OptimizerNames

from ...errors import RecipeError
from ...models.loading import quiet
from ...recipe import Recipe
from ...strategies.paces import optimizer_of

OURS = {"adamw": "adamw_torch"}
OPTIONS = {"sgd": "momentum=0.9"}  # without it, a step follows one batch alone
NAMES = tuple(dict.fromkeys([*OURS, *(str(name.value) for name in OptimizerNames)]))


def named(recipe: Recipe) -> dict[str, Any]:
    """The recipe's optimizer in the words of TrainingArguments.

    Raises:
        RecipeError: there is none of that name.
    """
    name = optimizer_of(recipe)
    if name not in NAMES:
        near = dict.fromkeys([*get_close_matches(name, NAMES, n=3, cutoff=0.7), "adamw", "sgd"])
        fix = f"choose one of: {', '.join(near)}"
        raise RecipeError(f"there is no optimizer '{recipe.optimizer}'", place="--optimizer", fix=fix)
    return {"optim": OURS.get(name, name), "optim_args": OPTIONS.get(name)}


def require_optimizer(recipe: Recipe, device: torch.device) -> None:
    """Make it once, over one number: whether its package is there shows in no other way.

    Raises:
        RecipeError: it cannot be made here.
    """
    words = named(recipe)
    if words["optim"] == "adamw_torch":
        return
    number = torch.nn.Parameter(torch.zeros(1, 1, device=device))
    try:
        with quiet():
            arguments = TrainingArguments(
                output_dir=gettempdir(), use_cpu=device.type == "cpu", report_to="none", **words
            )
            kind, options = Trainer.get_optimizer_cls_and_kwargs(arguments)
            kind([{"params": [number], "lr": 1e-3, "weight_decay": 0.0}], **options)
    except Exception as error:  # of a package's own kind, as often as not
        cause = f"the optimizer '{recipe.optimizer}' cannot be used here: {_short(error)}"
        fix = "install what it asks for, or choose adamw or sgd"
        raise RecipeError(cause, place="--optimizer", fix=fix) from error


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
