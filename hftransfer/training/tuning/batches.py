"""What is done to a training batch before the model sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..progress import Leg
from .augment import shift_and_zoom

Batch = dict[str, Any]
Change = Callable[[Batch], Batch]

# By what goes in and what comes out: a size or a place is another once the image is moved.
AUGMENTED = {("image", "class"), ("image", "flags")}


def change_of(leg: Leg) -> Change | None:
    """The change to every training batch that the recipe asks for; None for none.

    It is made where the batch is trained on, not where it is made: batches are made ahead,
    and chance would go on elsewhere after a resumption.
    """
    if (leg.task.modality.name, leg.task.target.shape) not in AUGMENTED:
        return None
    return lambda batch: {**batch, "pixel_values": shift_and_zoom(batch["pixel_values"])}
