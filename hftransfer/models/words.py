"""Where a tokenizer's tokens stand in a text, and which of a text's words each belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..errors import BackboneError

NO_WORD = -1


@dataclass(frozen=True)
class Places:
    """A text's tokens, special ones included, cut at the backbone's limit, without padding.

    Attributes:
        start, end: of each token in the text, in characters, [T].
        inner: whether it is of the text, not a special one, [T].
    """

    start: np.ndarray
    end: np.ndarray
    inner: np.ndarray


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> list[Places]:
    """Where the tokens of each text stand.

    Raises:
        BackboneError: the tokenizer cannot say.
    """
    require_offsets(tokenizer)
    made = tokenizer(list(texts), truncation=True, return_offsets_mapping=True, return_special_tokens_mask=True)
    found = zip(made["offset_mapping"], made["special_tokens_mask"], strict=True)
    return [_places(np.array(offsets, dtype=np.int64).reshape(-1, 2), np.array(special)) for offsets, special in found]


def _places(offsets: np.ndarray, special: np.ndarray) -> Places:
    return Places(offsets[:, 0], offsets[:, 1], special == 0)


def without_padding(states: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
    """Each row's own part [T of it, …] of a padded batch [B, T, …]; the mask [B, T] is 1 for tokens."""
    return [row[there.bool()] for row, there in zip(states, mask, strict=True)]


def require_offsets(tokenizer: Any) -> None:
    """Raises BackboneError where the tokenizer cannot say where its tokens stand."""
    if not getattr(tokenizer, "is_fast", False):
        raise BackboneError(
            "the backbone's tokenizer does not say where in a text its tokens stand",
            place=str(tokenizer.name_or_path),
            fix="choose a backbone with a tokenizer.json: entities cannot be placed without",
        )


def words_of(tokens: Places, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The number of the word that each token begins in, [T]; NO_WORD for special ones and those in none.

    Args:
        start, end: the words' places, in order, in characters, [W].
    """
    found = np.searchsorted(end, tokens.start, side="right")
    there = (found < len(end)) & tokens.inner & (tokens.end > tokens.start)
    there[there] = start[found[there]] < tokens.end[there]
    return np.where(there, found, NO_WORD)


def tokens_at(tokens: Places, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The token that each word's first character is in, [W]; NO_WORD for words that were cut off.

    Args:
        start, end: the words' places, in order, in characters, [W].
    """
    own = np.flatnonzero(tokens.inner & (tokens.end > tokens.start))
    found = np.searchsorted(tokens.end[own], start, side="right")
    there = found < len(own)
    there[there] = tokens.start[own[found[there]]] < end[there]
    places = np.full(len(start), NO_WORD)
    places[there] = own[found[there]]
    return places


def aggregation(tokenizer: Any) -> str:
    """How Transformers' pipeline makes entities of tokens: by words where the tokenizer marks what goes on a word,
    as WordPiece does, token by token elsewhere."""
    inner = getattr(tokenizer, "backend_tokenizer", None)
    return "first" if inner and getattr(inner.model, "continuing_subword_prefix", None) else "simple"
