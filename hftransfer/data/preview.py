"""A few examples of each class, to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps

from ..tasks import get_task
from ..values import Dataset

if TYPE_CHECKING:
    import datasets

CLASSES, EACH = 10, 4
SIDE = 160  # pixels of a thumbnail, twice what it is shown at
LETTERS = 180  # of a text


def examples(data: Dataset) -> dict[str, list[Any]]:
    """For the first classes, some training rows each: thumbnails (RGB images), or the beginnings of texts."""
    column = get_task(data.task).modality.column
    rows = data.splits["train"]
    shorten = SHORT[get_task(data.task).modality.name]
    places = _places(rows, len(data.labels))
    return {
        data.labels[label]: [shorten(value) for value in rows[found][column]]
        for label, found in islice(places.items(), CLASSES)
    }


def _places(rows: datasets.Dataset, labels: int) -> Mapping[int, list[int]]:
    """Where the first rows of each label are."""
    given = np.asarray(rows["label"])
    return {label: np.flatnonzero(given == label)[:EACH].tolist() for label in range(labels)}


def _thumbnail(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((SIDE, SIDE))
    return _on_white(upright)


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency, which a JPEG cannot hold."""
    if image.mode not in ("RGBA", "LA", "P", "PA"):
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


def _beginning(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LETTERS else flat[: LETTERS - 1] + "…"


SHORT: dict[str, Callable[[Any], Any]] = {"image": _thumbnail, "text": _beginning}
