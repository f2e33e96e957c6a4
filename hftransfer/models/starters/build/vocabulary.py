"""A WordPiece vocabulary cut down to what texts use most, and to what splits everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from transformers import BertTokenizer

LETTERS = 0x250  # single characters below are always kept: Latin with its accents
LIFT = 60_000  # how much a low id counts: WordPiece vocabularies are sorted by frequency
FLAT = 400
CHUNK = 1000


def pick_pieces(tokenizer: Any, texts: Sequence[str], size: int) -> np.ndarray:
    """The teacher's ids of the `size` pieces to keep, ascending, so that special tokens keep their order."""
    pieces = {place: piece for piece, place in tokenizer.get_vocab().items()}
    kept = set(tokenizer.all_special_ids) | {place for place, piece in pieces.items() if _is_letter(piece)}
    counts = count_pieces(tokenizer, texts)
    useful = (place for place, piece in pieces.items() if place not in kept and not piece.startswith("[unused"))
    ranked = sorted(useful, key=lambda place: (-counts[place] - _expected(place, pieces[place]), place))
    return np.array(sorted([*kept, *ranked[: max(0, size - len(kept))]]))


def _is_letter(piece: str) -> bool:
    bare = piece.removeprefix("##")
    return len(bare) == 1 and ord(bare) < LETTERS


def _expected(place: int, piece: str) -> float:
    """What English at large adds to the count in the texts; scripts beyond Latin are left to the count."""
    return LIFT / (place + FLAT) if all(ord(letter) < LETTERS for letter in piece) else 0.0


def count_pieces(tokenizer: Any, texts: Sequence[str]) -> Counter[int]:
    """How often each of the tokenizer's ids occurs."""
    counts: Counter[int] = Counter()
    for ids in _encoded(tokenizer, texts):
        counts.update(ids)
    return counts


def _encoded(tokenizer: Any, texts: Sequence[str]) -> Iterator[list[int]]:
    for start in range(0, len(texts), CHUNK):
        yield from tokenizer(list(texts[start : start + CHUNK]), add_special_tokens=False)["input_ids"]


def cut_tokenizer(tokenizer: Any, kept: np.ndarray, positions: int) -> BertTokenizer:
    """A tokenizer that knows the kept pieces alone; texts are cut at `positions` tokens."""
    pieces = {place: piece for piece, place in tokenizer.get_vocab().items()}
    vocab = {pieces[place]: number for number, place in enumerate(kept.tolist())}
    return BertTokenizer(vocab=vocab, do_lower_case=True, model_max_length=positions)


def whole_words(tokenizer: Any) -> list[str]:
    """The vocabulary's words of letters, frequent ones first."""
    ordered = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return [piece for piece, _ in ordered if piece.isascii() and piece.isalpha() and len(piece) > 1]
