"""What the teacher makes of texts: a state for each word at some depths, and their means. Kept on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import BertModel

from ...device import autocast
from .teaching import pretrained

TOKENS = 4096  # in a batch, padding included
DEPTHS = {"words": (1, 2, 3), "means": (0, 3, 6)}  # words' are those of the student's layers, from the first
TOO_LONG = 250  # tokens; such texts are left out, so that both tokenizers see the same words


@dataclass(frozen=True)
class Teacher:
    """A BERT-like sentence encoder in eval mode, and its tokenizer.

    It computes in `dtype`; `key` is a hash of its weights and its tokenizer.
    """

    model: BertModel
    tokenizer: Any
    dtype: torch.dtype
    key: str = ""


@dataclass(frozen=True)
class Shard:
    """N texts as the student's tokens, and what the teacher makes of them.

    A slot is [CLS], a word or [SEP]: both tokenizers agree on these, not on the pieces.
    `ids` and `slots` are [T] (slots count from 0 within a text), `words` is
    [S, depths, width], `means` is [N, depths, width]; `tokens` and `counts` are [N], the
    tokens and slots of each text.
    """

    ids: np.ndarray
    slots: np.ndarray
    tokens: np.ndarray
    counts: np.ndarray
    words: np.ndarray
    means: np.ndarray


def load_teacher(place: str | Path, dtype: torch.dtype) -> Teacher:
    model, backbone = pretrained(place, "text", BertModel)
    return Teacher(model, backbone.processor, dtype, backbone.key)


def depths(teacher: Teacher, kind: str) -> list[int]:
    """Which of the teacher's depths are matched: no more than it has."""
    return [min(depth, teacher.model.config.num_hidden_layers) for depth in DEPTHS[kind]]


def read_shard(file: Path) -> Shard:
    with np.load(file) as arrays:
        return Shard(**arrays)


def write_shard(shard: Shard, file: Path) -> None:
    """Whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez(part, **vars(shard))
    os.replace(part, file)


def make_shard(teacher: Teacher, student_tokenizer: Any, texts: Sequence[str]) -> Shard:
    """Both tokenizers' view of the texts, ordered by length; the longest are left out."""
    ours = student_tokenizer(list(texts))
    theirs = teacher.tokenizer(list(texts))
    fits = [
        place
        for place in range(len(texts))
        if max(len(ours["input_ids"][place]), len(theirs["input_ids"][place])) <= TOO_LONG
    ]
    order = sorted(fits, key=lambda place: len(theirs["input_ids"][place]))
    words, means = _answers(teacher, theirs, order)
    slots = [_slots(ours.word_ids(place)) for place in order]
    return Shard(
        ids=np.concatenate([ours["input_ids"][place] for place in order]).astype(np.int32),
        slots=np.concatenate(slots).astype(np.int16),
        tokens=np.array([len(row) for row in slots]),
        counts=np.array([row[-1] + 1 for row in slots]),
        words=words,
        means=means,
    )


def _slots(word_ids: Sequence[int | None]) -> list[int]:
    """The slot of each token of one text: [CLS] is 0, the word n is n + 1, [SEP] comes last."""
    inner = [word + 1 for word in word_ids if word is not None]
    return [0, *inner, (inner[-1] if inner else 0) + 1]


@torch.inference_mode()
def _answers(teacher: Teacher, encoded: Any, order: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    words, means = [], []
    for batch in batches([len(encoded["input_ids"][place]) for place in order], TOKENS):
        places = [order[row] for row in batch]
        states, mask = _forward(teacher, encoded, places)
        slots = [_slots(encoded.word_ids(place)) for place in places]
        chosen = torch.stack([states[depth] for depth in depths(teacher, "words")], 2)
        words.append(_by_slot(chosen, slots).half().numpy())
        chosen = torch.stack([states[depth] for depth in depths(teacher, "means")], 2)
        weights = mask[:, :, None, None].float()
        means.append(((chosen * weights).sum(1) / weights.sum(1)).half().numpy())
    return np.concatenate(words), np.concatenate(means)


def _forward(teacher: Teacher, encoded: Any, places: Sequence[int]) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The states [B, T, width] at every depth in fp32, and the mask [B, T]."""
    rows = {"input_ids": [encoded["input_ids"][place] for place in places]}
    batch = teacher.tokenizer.pad(rows, return_tensors="pt")
    with autocast(torch.device("cpu"), teacher.dtype):
        output = teacher.model(**batch, output_hidden_states=True)
    return [state.float() for state in output.hidden_states], batch["attention_mask"]


def _by_slot(states: torch.Tensor, slots: Sequence[Sequence[int]]) -> torch.Tensor:
    """[B, T, …] averaged over the tokens of each slot: [slots of all texts, …]."""
    flat = torch.cat([state[: len(row)] for state, row in zip(states, slots, strict=True)])
    starts = np.cumsum([0, *(row[-1] + 1 for row in slots)])
    place = torch.cat([torch.tensor(row) + int(start) for row, start in zip(slots, starts, strict=False)])
    return slot_means(flat, place, int(starts[-1]))


def slot_means(flat: torch.Tensor, place: torch.Tensor, total: int) -> torch.Tensor:
    """Rows of [T, …] averaged by the slot that `place` [T] names: [total, …]."""
    sums = torch.zeros(total, *flat.shape[1:]).index_add(0, place, flat)
    counts = torch.bincount(place, minlength=total).clamp(min=1)
    return sums / counts.view(-1, *[1] * (flat.dim() - 1))


def batches(lengths: Sequence[int] | np.ndarray, tokens: int) -> list[list[int]]:
    """Neighbouring places in batches of at most `tokens`, padding included."""
    made: list[list[int]] = [[]]
    longest = 0
    for place, length in enumerate(lengths):
        longest = max(longest, int(length))
        if made[-1] and longest * (len(made[-1]) + 1) > tokens:
            made.append([])
            longest = int(length)
        made[-1].append(place)
    return made
