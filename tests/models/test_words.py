"""Tokens of real kinds of tokenizers, and the words they belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import BertTokenizer, PreTrainedTokenizerFast

from hftransfer.errors import BackboneError
from hftransfer.models.vocabulary import unknown_share, unknown_tokens
from hftransfer.models.words import (
    NO_WORD,
    aggregation,
    require_offsets,
    tokens_at,
    tokens_of,
    without_padding,
    words_of,
)
from hftransfer.training.rows import IGNORED, token_tags
from tests.tiny import text_backbone

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "wash", "##ing", "##ton", "in", "u", "s", ".", "京", "北", ","]


@pytest.fixture(scope="module")
def wordpiece() -> BertTokenizer:
    return BertTokenizer(vocab={piece: at for at, piece in enumerate(PIECES)}, model_max_length=12)


@pytest.fixture(scope="module")
def bytepairs() -> PreTrainedTokenizerFast:
    """A tokenizer of GPT-2's kind: words begin with the space before them, and nothing marks what goes on."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(["in washington 北京"] * 3, trainers.BpeTrainer(vocab_size=30, special_tokens=["<pad>"]))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", model_max_length=32)


def words(*spans: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    start, end = np.array(spans).T
    return start, end


def test_tokens_belong_to_the_words_that_they_begin_in(wordpiece: BertTokenizer) -> None:
    text = "in washington, u.s."
    (tokens,) = tokens_of(wordpiece, [text])
    found = words_of(tokens, *words((0, 2), (3, 13), (13, 14), (15, 19)))
    assert found.tolist() == [NO_WORD, 0, 1, 1, 1, 2, 3, 3, 3, 3, NO_WORD]
    assert tokens_at(tokens, *words((0, 2), (3, 13), (13, 14), (15, 19))).tolist() == [1, 2, 5, 6]


def test_a_word_that_was_cut_off_has_no_token(wordpiece: BertTokenizer) -> None:
    (tokens,) = tokens_of(wordpiece, ["in " * 20])
    starts = np.arange(0, 60, 3)
    found = tokens_at(tokens, starts, starts + 2)
    assert found[:10].tolist() == list(range(1, 11)) and (found[10:] == NO_WORD).all()


def test_words_within_one_token_share_it(bytepairs: PreTrainedTokenizerFast) -> None:
    (tokens,) = tokens_of(bytepairs, ["北京"])
    found = tokens_at(tokens, *words((0, 1), (1, 2)))
    assert (found != NO_WORD).all() and (np.diff(found) >= 0).all()


def test_what_goes_on_a_word_goes_on_its_entity(wordpiece: BertTokenizer) -> None:
    tagged = [{"start": 0, "end": 2, "tag": 0}, {"start": 3, "end": 13, "tag": 1}, {"start": 13, "end": 14, "tag": 2}]
    (tags,) = token_tags(wordpiece, ["in washington,"], [tagged])
    assert tags == [IGNORED, 0, 1, 2, 2, 2, IGNORED]


def test_tokens_of_no_word_and_texts_of_no_words_are_ignored(wordpiece: BertTokenizer) -> None:
    rows = token_tags(wordpiece, ["in washington", "in"], [[{"start": 3, "end": 13, "tag": 0}], []])
    assert rows == [[IGNORED, IGNORED, 0, 0, 0, IGNORED], [IGNORED, IGNORED, IGNORED]]


def test_padding_on_either_side_is_left_out() -> None:
    states = torch.arange(12.0).reshape(2, 3, 2)
    left = without_padding(states, torch.tensor([[0, 1, 1], [1, 1, 1]]))
    assert [part[:, 0].tolist() for part in left] == [[2.0, 4.0], [6.0, 8.0, 10.0]]


def test_entities_go_by_words_where_the_tokenizer_knows_them(
    wordpiece: BertTokenizer, bytepairs: PreTrainedTokenizerFast
) -> None:
    assert (aggregation(wordpiece), aggregation(bytepairs)) == ("first", "simple")


def test_a_tokenizer_that_knows_no_places_is_refused() -> None:
    class Slow:
        is_fast = False
        name_or_path = "slow"

    with pytest.raises(BackboneError, match=r"does not say where"):
        require_offsets(Slow())


def test_texts_in_another_language_are_told(tmp_path: Path) -> None:
    text_backbone(tmp_path)
    tokenizer = BertTokenizer.from_pretrained(tmp_path)
    assert unknown_tokens(tokenizer, "b", ["the day was lovely"]) is None
    problem = unknown_tokens(tokenizer, "b", ["今天天气很好", "the day"])
    assert problem and problem.code == "unknown-tokens" and "75%" in problem.message
    assert unknown_share(tokenizer, [["the day", "天"], ["a", "sad"]]) == pytest.approx(0.2)
    assert unknown_share(tokenizer, []) == 0.0
