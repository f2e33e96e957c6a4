"""Whether a tokenizer knows the language of some texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..values import Problem
from .inputs import columns

MOST = 0.2  # of the tokens may be unknown; an emoji here and there is no other language
LOOKED_AT = 500  # texts


def unknown_share(tokenizer: Any, texts: Sequence[Any]) -> float:
    """The share of unknown tokens in texts or pairs of texts, special ones left out; 0 where there is no such token."""
    if tokenizer.unk_token_id is None or not len(texts):
        return 0.0
    made = tokenizer(*columns(texts), truncation=True, return_special_tokens_mask=True)
    pairs = zip(made["input_ids"], made["special_tokens_mask"], strict=True)
    own = [token for ids, special in pairs for token, mark in zip(ids, special, strict=True) if not mark]
    return own.count(tokenizer.unk_token_id) / max(1, len(own))


def unknown_tokens(tokenizer: Any, name: str, texts: Sequence[Any]) -> Problem | None:
    """A warning where many tokens of texts are unknown to a backbone's tokenizer."""
    share = unknown_share(tokenizer, texts)
    if share <= MOST:
        return None
    return Problem(
        "unknown-tokens",
        "warning",
        name,
        f"{share:.0%} of the tokens are unknown to the backbone's tokenizer: it was made for another language",
        "choose a backbone for the texts' language with --backbone",
    )
