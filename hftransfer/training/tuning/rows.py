"""Rows as the Trainer wants them: pixels made once, texts tokenised once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import DataCollatorForTokenClassification, DataCollatorWithPadding

from ...data import labels_of
from ...models.features import batches, whole_array
from ...models.inputs import columns
from ...values import Backbone
from ..progress import Leg
from ..rows import is_tagged, token_tags

if TYPE_CHECKING:
    import datasets

Collator = Callable[[list[Any]], dict[str, torch.Tensor]]
LENGTH, PLACE = "length", "place"  # columns of tokenised rows that no model reads


@dataclass(frozen=True)
class Rows:
    """What the Trainer reads: rows, and what makes a batch of training's and of validation's.

    Attributes:
        place: of a row, its number in its split, whatever batch it comes in.
    """

    train: Any
    validation: Any
    collators: tuple[Collator, Collator]
    place: Callable[[Any], int] = int


def rows_of(leg: Leg) -> Rows:
    """The data's rows, made ready on disk."""
    return READERS[leg.task.modality.name](leg)


def _images(leg: Leg) -> Rows:
    column = leg.task.modality.column
    train, validation = (
        Pixels(leg.backbone, leg.data.splits[name], column, leg.room / f"{name}.npy", leg.recipe.batch_size)
        for name in ("train", "validation")
    )
    return Rows(train, validation, (train.collate, validation.collate))


def _texts(leg: Leg) -> Rows:
    column = leg.task.modality.column
    train, validation = (
        tokenised(leg.backbone, leg.data.splits[name], column, leg.room / f"{name}.arrow")
        for name in ("train", "validation")
    )
    pad = padding(leg.backbone, is_tagged(leg.data.splits["train"]))
    return Rows(train, validation, (pad, pad), itemgetter(PLACE))


def lengths_of(rows: Any) -> np.ndarray | None:
    """The rows' tokens, by place; None where all rows are of one size."""
    return np.array(rows[LENGTH]) if LENGTH in getattr(rows, "column_names", ()) else None


READERS: dict[str, Callable[[Leg], Rows]] = {"image": _images, "text": _texts}


class Pixels(torch.utils.data.Dataset):
    """Images as the processor makes them, kept on disk in half precision.

    Decoding and resizing thus happen once, not once an epoch.
    """

    def __init__(self, backbone: Backbone, rows: datasets.Dataset, column: str, path: Path, batch_size: int) -> None:
        self.labels = labels_of(rows)
        self.pixels: np.ndarray | None = None
        for places, batch in batches(backbone, rows.select_columns([column]), batch_size):
            made = batch["pixel_values"].to(torch.float16).numpy()
            if self.pixels is None:
                self.pixels = whole_array(path, np.float16, (len(rows), *made.shape[1:]))
            self.pixels[places] = made

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int) -> int:
        return place

    def collate(self, places: list[int]) -> dict[str, torch.Tensor]:
        """A batch, from places."""
        assert self.pixels is not None
        pixels = torch.from_numpy(self.pixels[places]).float().contiguous(memory_format=torch.channels_last)
        return {"pixel_values": pixels, "labels": torch.from_numpy(self.labels[places])}


def tokenised(backbone: Backbone, rows: datasets.Dataset, column: str, path: Path) -> datasets.Dataset:
    """Rows with the tokenizer's columns, `labels`, `length` and `place`, on disk."""
    tokenizer = backbone.processor
    tagged = is_tagged(rows)

    def encode(batch: dict[str, list[Any]], places: list[int]) -> dict[str, Any]:
        encoded = dict(tokenizer(*columns(batch[column]), truncation=True))
        labels = token_tags(tokenizer, batch[column], batch["label"]) if tagged else batch["label"]
        lengths = [len(ids) for ids in encoded["input_ids"]]
        return {**encoded, LENGTH: lengths, PLACE: places, "labels": labels}

    return rows.map(
        encode,
        batched=True,
        with_indices=True,
        remove_columns=rows.column_names,
        cache_file_name=str(path),
        new_fingerprint=path.stem,
    )


def padding(backbone: Backbone, tagged: bool) -> Collator:
    """Batches padded to the longest of their rows."""
    kind = DataCollatorForTokenClassification if tagged else DataCollatorWithPadding
    pad = kind(backbone.processor)

    def collate(rows: list[Any]) -> dict[str, torch.Tensor]:
        return dict(pad([{name: value for name, value in row.items() if name not in (LENGTH, PLACE)} for row in rows]))

    return collate
