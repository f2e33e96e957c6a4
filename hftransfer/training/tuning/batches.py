"""What is done to a training batch before the model sees it."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from ...values import Event
from ..progress import Leg
from .augment import PRESETS, augmented
from .colours import Light
from .looks import Choice, preset_for
from .mixing import mixer_of, softener_of

Batch = dict[str, Any]
Change = Callable[[Batch], Batch]

# By what goes in and what comes out: a size or a place is another once the image is moved.
AUGMENTED = {("image", "class"), ("image", "flags")}


def change_of(leg: Leg) -> Change | None:
    """The change to every training batch that the recipe asks for; None for none.

    It is made where the batch is trained on, not where it is made: batches are made ahead,
    and chance would go on elsewhere after a resumption.
    """
    changes = [change for make in (_augmenter, softener_of, mixer_of) if (change := make(leg))]
    if not changes:
        return None
    return lambda batch: reduce(lambda given, change: change(given), changes, batch)


def _augmenter(leg: Leg) -> Change | None:
    found = preset_of(leg)
    if found.why:
        leg.on_event(Event("train", f"augmentation {found.name}: {found.why}"))
    if found.name not in PRESETS:
        return None
    preset, light = PRESETS[found.name], Light.of(leg.backbone.processor)
    return lambda batch: {**batch, "pixel_values": augmented(batch["pixel_values"], preset, light)}


def preset_of(leg: Leg) -> Choice:
    """The preset that is asked for, or that the images ask for."""
    if (leg.task.modality.name, leg.task.target.shape) not in AUGMENTED:
        return Choice("none")
    if leg.recipe.augmentation != "auto":
        return Choice(leg.recipe.augmentation)
    return preset_for(leg.data.splits["train"], leg.task.modality.column)
