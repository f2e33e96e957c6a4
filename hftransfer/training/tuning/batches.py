"""What is done to a training batch before the model sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from ...errors import RecipeError
from ...recipe import Recipe
from ...tasks import Task
from ...values import Event
from ..progress import Leg
from .augment import PRESETS, augmented
from .colours import Light
from .looks import Choice, preset_for
from .mixing import Batch, Step, mixer_of, softener_of

# By what goes in and what comes out: a size or a place is another once the image is moved.
AUGMENTED = {("image", "class"), ("image", "flags")}


def refuse_augmentation(task: Task, recipe: Recipe) -> None:
    """Raises RecipeError where a preset is asked for, and the task has no images that it could be for."""
    if recipe.augmentation in PRESETS and (task.modality.name, task.target.shape) not in AUGMENTED:
        cause = f"augmentation is for images with classes or labels, not for {task.name}"
        raise RecipeError(cause, place="--augmentation", fix="leave it out")


@dataclass(frozen=True)
class Change:
    """What is done to every training batch, step by step.

    It is made where the batch is trained on, not where it is made: batches are made ahead,
    and chance would go on elsewhere after a resumption.

    Attributes:
        moves: whether a model is given other inputs each time, and not other labels alone.
        preset: of augmentation, and why it is this one.
    """

    steps: tuple[Step, ...]
    moves: bool
    preset: Choice = Choice("none")

    def __call__(self, batch: Batch) -> Batch:
        return reduce(lambda given, step: step(given), self.steps, batch)


def change_of(leg: Leg) -> Change:
    """The change that the recipe asks for."""
    preset = preset_of(leg)
    augmenter, softener, mixer = _augmenter(leg, preset.name), softener_of(leg), mixer_of(leg)
    steps = tuple(step for step in (augmenter, softener, mixer) if step)
    return Change(steps, bool(augmenter or mixer), preset)


def tell_of(change: Change, leg: Leg) -> None:
    """Say why images are changed as they are, where nobody asked for it."""
    if change.preset.why:
        leg.on_event(Event("train", f"augmentation {change.preset.name}: {change.preset.why}"))


def _augmenter(leg: Leg, name: str) -> Step | None:
    if name not in PRESETS:
        return None
    preset, light = PRESETS[name], Light.of(leg.backbone.processor)
    return lambda batch: {**batch, "pixel_values": augmented(batch["pixel_values"], preset, light)}


def preset_of(leg: Leg) -> Choice:
    """The preset that is asked for, or that the images ask for."""
    if (leg.task.modality.name, leg.task.target.shape) not in AUGMENTED:
        return Choice("none")
    if leg.recipe.augmentation != "auto":
        return Choice(leg.recipe.augmentation)
    return preset_for(leg.data.splits["train"], leg.task.modality.column)
