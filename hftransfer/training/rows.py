"""The labels of rows as training wants them: of words, a tag for each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import List

from ..models.words import NO_WORD, Places, tokens_of, words_of

if TYPE_CHECKING:
    import datasets

IGNORED = -100  # by the loss, and by what is measured


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
