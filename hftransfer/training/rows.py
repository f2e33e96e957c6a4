"""Rows as the Trainer wants them: pixels made once, texts tokenised once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import List
from transformers import DataCollatorForTokenClassification, DataCollatorWithPadding

from ..data import labels_of
from ..models.features import batches, whole_array
from ..models.inputs import columns
from ..models.words import NO_WORD, Places, tokens_of, words_of
from ..values import Backbone

if TYPE_CHECKING:
    import datasets

IGNORED = -100  # by the loss, and by what is measured
Collator = Callable[[list[Any]], dict[str, torch.Tensor]]


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
    """Rows with the tokenizer's columns, `labels` and `length`, on disk."""
    tokenizer = backbone.processor
    tagged = is_tagged(rows)

    def encode(batch: dict[str, list[Any]]) -> dict[str, Any]:
        encoded = dict(tokenizer(*columns(batch[column]), truncation=True))
        labels = token_tags(tokenizer, batch[column], batch["label"]) if tagged else batch["label"]
        return {**encoded, "length": [len(ids) for ids in encoded["input_ids"]], "labels": labels}

    return rows.map(
        encode, batched=True, remove_columns=rows.column_names, cache_file_name=str(path), new_fingerprint=path.stem
    )


def is_tagged(rows: datasets.Dataset) -> bool:
    """Whether words have labels, not rows."""
    return isinstance(rows.features["label"], List) and isinstance(rows.features["label"].feature, dict)


def token_tags(tokenizer: Any, texts: Sequence[str], words: Sequence[Sequence[dict[str, int]]]) -> list[list[int]]:
    """A tag number for each token, of the word that it begins in; IGNORED for special ones.

    What goes on a word that begins an entity is inside it: tag 2n - 1 begins what 2n is inside.
    """
    return [
        _tags(places, *(np.array([word[name] for word in row], dtype=np.int64) for name in ("start", "end", "tag")))
        for places, row in zip(tokens_of(tokenizer, texts), words, strict=True)
    ]


def _tags(tokens: Places, start: np.ndarray, end: np.ndarray, tag: np.ndarray) -> list[int]:
    if not len(start):
        return [IGNORED] * len(tokens.start)
    numbers = words_of(tokens, start, end)
    goes_on = np.append(False, numbers[1:] == numbers[:-1])
    given = tag[numbers]
    inside = np.where(goes_on & (given % 2 == 1), given + 1, given)
    found: list[int] = np.where(numbers == NO_WORD, IGNORED, inside).tolist()
    return found


def padding(backbone: Backbone, tagged: bool) -> Collator:
    """Batches padded to the longest of their rows."""
    kind = DataCollatorForTokenClassification if tagged else DataCollatorWithPadding
    pad = kind(backbone.processor)

    def collate(rows: list[Any]) -> dict[str, torch.Tensor]:
        return dict(pad([{name: value for name, value in row.items() if name != "length"} for row in rows]))

    return collate
