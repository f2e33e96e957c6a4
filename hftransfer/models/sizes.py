"""Images no larger than they need to be: small originals gain nothing from 224 pixels."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..errors import RecipeError
from ..recipe import Recipe
from ..values import Backbone
from .inputs import example

if TYPE_CHECKING:
    import datasets

SMALLEST = 128  # below, pretrained convolutions see shapes that they never learnt
ENLARGED = 4  # times the originals' short side; beyond, an image only costs more
STEP = 32  # what most networks shrink an image by
LOOKED_AT = 64  # images whose size is asked


def fit_image_size(backbone: Backbone, rows: datasets.Dataset, recipe: Recipe) -> Backbone:
    """The backbone with its processor set to a size that fits the data.

    Only convolutional backbones take other sizes than they were trained at; the
    others keep theirs. `recipe.image_size` overrides.

    Raises:
        RecipeError: the size asked for is none that the backbone takes.
    """
    native = side(backbone.processor)
    if native is None and recipe.image_size:
        raise RecipeError(
            f"the size of '{backbone.name}' cannot be set",
            place="--image-size",
            fix="leave it out, or choose another backbone",
        )
    if native is None or (recipe.image_size is None and not _is_convolutional(backbone.model)):
        return backbone
    wanted = recipe.image_size or _enough(rows, native)
    if wanted == native:
        return backbone
    resized = replace(backbone, processor=_resized(backbone.processor, wanted))
    if _takes(resized):
        return resized
    if recipe.image_size:
        raise RecipeError(
            f"'{backbone.name}' takes no images of {wanted} pixels", place="--image-size", fix=f"leave it at {native}"
        )
    return backbone


def side(processor: Any) -> int | None:
    """The side in pixels of what a processor makes; None for one that cannot be set."""
    size = getattr(processor, "size", None)
    if not size:
        return None
    if getattr(processor, "do_center_crop", False):
        return int(processor.crop_size["height"])
    values = [size[name] for name in ("height", "shortest_edge") if name in size and size[name]]
    return int(values[0]) if values else None


def _enough(rows: datasets.Dataset, native: int) -> int:
    places = range(0, len(rows), max(1, len(rows) // LOOKED_AT))
    short = median(min(image.size) for image in rows.select(places)[rows.column_names[0]])
    return int(min(native, max(SMALLEST, -(-ENLARGED * short // STEP) * STEP)))


def _is_convolutional(model: nn.Module) -> bool:
    modules = list(model.modules())
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d) and max(m.kernel_size) > 1]
    attends = any("attention" in type(m).__name__.lower() for m in modules)
    return len(convolutions) > 3 and not attends


def _resized(processor: Any, wanted: int) -> Any:
    """The same steps at another size, without the margin that a centre crop would cut off."""
    kind = type(processor)
    values = processor.to_dict() | {"crop_size": {"height": wanted, "width": wanted}}
    shape = {name: wanted for name in ("height", "width", "shortest_edge") if (values["size"] or {}).get(name)}
    return kind(**{**values, "size": shape})


def _takes(backbone: Backbone) -> bool:
    try:
        with torch.inference_mode():
            backbone.model(**example(backbone))
    except (RuntimeError, ValueError, AssertionError):
        return False
    return True
