"""A few examples of each class, to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..pixels import upright
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
    """Of its pixels alone: what else the file says stays out of the one that is written of it."""
    seen = upright(image)
    small = Image.frombytes(seen.mode, seen.size, seen.tobytes())
    small.thumbnail((SIDE, SIDE))
    return small


def _beginning(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LETTERS else flat[: LETTERS - 1] + "…"


SHORT: dict[str, Callable[[Any], Any]] = {"image": _thumbnail, "text": _beginning}
