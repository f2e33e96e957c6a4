"""Rows as the Trainer wants them: pixels made once, texts tokenised once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import DataCollatorWithPadding

from ..models.features import batches, whole_array
from ..values import Backbone

if TYPE_CHECKING:
    import datasets

Collator = Callable[[list[Any]], dict[str, torch.Tensor]]


class Pixels(torch.utils.data.Dataset):
    """Images as the processor makes them, kept on disk in half precision.

    Decoding and resizing thus happen once, not once an epoch.
    """

    def __init__(self, backbone: Backbone, rows: datasets.Dataset, column: str, path: Path, batch_size: int) -> None:
        self.labels = np.asarray(rows["label"])
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
    """Rows with the tokenizer's columns, `labels` and `length`, on disk."""
    tokenizer = backbone.processor

    def encode(batch: dict[str, Sequence[Any]]) -> dict[str, Any]:
        encoded = dict(tokenizer(batch[column], truncation=True))
        lengths = [len(ids) for ids in encoded["input_ids"]]
        return {**encoded, "length": lengths, "labels": batch["label"]}

    return rows.map(
        encode, batched=True, remove_columns=rows.column_names, cache_file_name=str(path), new_fingerprint=path.stem
    )


def padding(backbone: Backbone) -> Collator:
    pad = DataCollatorWithPadding(backbone.processor)

    def collate(rows: list[Any]) -> dict[str, torch.Tensor]:
        return dict(pad([{name: value for name, value in row.items() if name != "length"} for row in rows]))

    return collate
