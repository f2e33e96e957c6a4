"""A model's scores of labelled rows, beside their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data import Words, labels_of
from ..models.features import batches
from ..models.words import NO_WORD, Places, tokens_at, tokens_of, without_padding
from ..tasks.tokens import OUTSIDE
from .ready import Ready

if TYPE_CHECKING:
    import datasets

BATCH = 32
Scored = Iterator[tuple[np.ndarray, Any, Any]]


def scored(model: Ready, rows: datasets.Dataset) -> Scored:
    """Places, scores and labels of rows of the data station, as `Evaluation.add` takes them, a batch at a time."""
    return SCORED[model.task.target.unit](model, rows)


def _row_scores(model: Ready, rows: datasets.Dataset) -> Scored:
    labels = labels_of(rows)
    inputs = rows.select_columns([model.task.modality.column])
    for places, batch in batches(model.backbone, inputs, BATCH):
        yield places, model.scores(batch), labels[places]


def _word_scores(model: Ready, rows: datasets.Dataset) -> Scored:
    """Of each word the scores of its first token; words beyond the limit are surely outside."""
    words, column = labels_of(rows), model.task.modality.column
    inputs = rows.select_columns([column])
    outside = np.array([label == OUTSIDE for label in model.labels], dtype=np.float32)
    for places, batch in batches(model.backbone, inputs, BATCH):
        states = without_padding(torch.from_numpy(model.scores(batch)), batch["attention_mask"])
        tokens = tokens_of(model.backbone.processor, inputs[places][column])
        rows_of = zip(states, tokens, places, strict=True)
        scores = [_of_words(states, there, words, int(row), outside) for states, there, row in rows_of]
        yield places, scores, [words.tag[words.of(int(row))] for row in places]


def _of_words(scores: torch.Tensor, tokens: Places, words: Words, row: int, outside: np.ndarray) -> np.ndarray:
    own = words.of(row)
    found = tokens_at(tokens, words.start[own], words.end[own])
    read: np.ndarray = np.where((found == NO_WORD)[:, None], outside, scores.numpy()[found])
    return read


SCORED: dict[str, Callable[[Ready, Any], Scored]] = {"row": _row_scores, "word": _word_scores}
