"""Soft labels: smoothed ones, and those of images that are blended (mixup) or cut together (CutMix)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from ...errors import RecipeError
from ...recipe import Recipe
from ...tasks import Task
from ..progress import Leg
from ..rows import IGNORED

Batch = dict[str, Any]
Step = Callable[[Batch], Batch]

MIXED = {("image", "class"), ("image", "flags")}
SMOOTHED = ("class", "tags", "flags")
ONE_OF_SEVERAL = ("class", "tags")  # shapes whose labels are numbers of classes


def require_fitting(task: Task, recipe: Recipe) -> None:
    """Refuse soft labels where there are none.

    Raises:
        RecipeError: the task's inputs cannot be mixed, or its labels not be smoothed.
    """
    mixed = next((name for name in ("mixup", "cutmix") if getattr(recipe, name)), None)
    if mixed and (task.modality.name, task.target.shape) not in MIXED:
        cause = f"{mixed} is for images with classes or labels, not for {task.name}"
        raise RecipeError(cause, place=f"--{mixed}", fix="leave it out")
    if recipe.label_smoothing and task.target.shape not in SMOOTHED:
        cause = f"label smoothing is for classes and labels, not for {task.name}"
        raise RecipeError(cause, place="--label-smoothing", fix="leave it out")


def is_soft(leg: Leg) -> bool:
    """Whether training's labels are shares of classes, [B, L], and not their numbers."""
    recipe = leg.recipe
    asked = recipe.mixup or recipe.cutmix or recipe.label_smoothing
    return bool(asked) and leg.phase.loss == "task" and leg.task.target.shape in ONE_OF_SEVERAL


def softener_of(leg: Leg) -> Step | None:
    """Class numbers become shares; flags are smoothed here, since their loss takes shares as it is."""
    smoothing, classes = leg.recipe.label_smoothing, len(leg.data.labels)
    if is_soft(leg):
        return lambda batch: {**batch, "labels": shares(batch["labels"], classes)}
    if smoothing and leg.phase.loss == "task" and leg.task.target.shape == "flags":
        return lambda batch: {**batch, "labels": batch["labels"] * (1 - smoothing) + smoothing / 2}
    return None


def shares(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Of class numbers [...] float shares [..., classes]; what is to be ignored has none at all."""
    known = labels != IGNORED
    return functional.one_hot(labels.where(known, 0), classes).float() * known[..., None]


def mixer_of(leg: Leg) -> Step | None:
    """mixup (Zhang et al. 2018, https://arxiv.org/abs/1710.09412), CutMix (Yun et al. 2019,
    https://arxiv.org/abs/1905.04899), or for each batch one of both."""
    recipe = leg.recipe
    ways = [(mixed, recipe.mixup)] * bool(recipe.mixup) + [(cut, recipe.cutmix)] * bool(recipe.cutmix)
    if not ways or leg.phase.loss != "task":
        return None

    def change(batch: Batch) -> Batch:
        way, alpha = ways[int(torch.randint(len(ways), ()))]
        pixels, labels = way(batch["pixel_values"], batch["labels"], alpha)
        return {**batch, "pixel_values": pixels, "labels": labels}

    return change


def mixed(pixels: torch.Tensor, labels: torch.Tensor, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Each image blended with another of the batch, and their labels as much."""
    others, part = _partners(pixels, alpha)
    share = part.to(pixels.device)
    wide = share[:, None, None, None]
    return wide * pixels + (1 - wide) * pixels[others], _blended(labels, others, share)


def cut(pixels: torch.Tensor, labels: torch.Tensor, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A rectangle of each image taken from another of the batch; labels by what is left of each."""
    others, part = _partners(pixels, alpha)
    side = (1 - part).sqrt()
    within = [_span(size, side, torch.rand(len(part))) for size in pixels.shape[-2:]]
    inside = (within[0][:, :, None] & within[1][:, None, :]).to(pixels.device)
    share = 1 - inside.float().mean((1, 2))
    return pixels[others].where(inside[:, None], pixels), _blended(labels, others, share)


def _partners(pixels: torch.Tensor, alpha: float) -> tuple[torch.Tensor, torch.Tensor]:
    """For each image another one's place, and how much of itself is kept, by torch's chance on the CPU."""
    others = torch.randperm(len(pixels)).to(pixels.device)
    return others, torch.distributions.Beta(alpha, alpha).sample((len(pixels),))


def _span(size: int, side: torch.Tensor, middle: torch.Tensor) -> torch.Tensor:
    """Which of `size` places lie within `side` about a middle, both shares, [B, size]."""
    places = (torch.arange(size) + 0.5) / size
    return (places - middle[:, None]).abs() < side[:, None] / 2


def _blended(labels: torch.Tensor, others: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    wide = share[:, None]
    return wide * labels + (1 - wide) * labels[others]
