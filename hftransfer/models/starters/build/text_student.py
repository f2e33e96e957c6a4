"""A smaller BERT that starts from the teacher: the same network, seen through its principal directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertModel

from ....errors import BackboneError
from .text_teacher import Teacher, batches


@dataclass(frozen=True)
class Size:
    """Of the student; heads are as wide as the teacher's, so that they can be taken over."""

    vocabulary: int = 8800
    width: int = 256
    layers: int = 3
    intermediate: int = 512
    positions: int = 256


def grow(teacher: Teacher, kept: np.ndarray, texts: Sequence[str], size: Size) -> BertModel:
    """A student whose states are close to the teacher's, turned onto `size.width` principal directions.

    Its layers are the teacher's first, with their strongest heads and neurons: layers that
    follow one another still fit together, layers picked here and there do not.

    Raises:
        BackboneError: the teacher is narrower than that.
    """
    wide = teacher.model.config.hidden_size
    if wide < size.width:
        raise BackboneError(f"the teacher is {wide} wide", place="--teacher", fix=f"give one of at least {size.width}")
    student = BertModel(_config(teacher.model.config, len(kept), size))
    turn(student, teacher.model, kept, principal(teacher, texts, size.width))
    return student.eval()  # without dropout: the texts never come to an end, so there is nothing to overfit


def _config(theirs: BertConfig, vocabulary: int, size: Size) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.width * theirs.num_attention_heads // theirs.hidden_size,
        intermediate_size=size.intermediate,
        max_position_embeddings=size.positions,
        pad_token_id=0,
    )


@torch.no_grad()
def turn(student: BertModel, teacher: BertModel, kept: np.ndarray, basis: torch.Tensor) -> None:
    """Write the teacher's weights for the pieces `kept` into the student, through `basis` [teacher's width, width]."""
    _embed(student, teacher, kept, basis)
    for layer, source in zip(student.encoder.layer, teacher.encoder.layer, strict=False):
        _take_layer(layer, source, basis)


@torch.inference_mode()
def principal(teacher: Teacher, texts: Sequence[str], width: int) -> torch.Tensor:
    """[teacher's width, width], orthonormal: where its states at all depths spread most.

    Mixed by a random rotation, so that every direction spreads alike: layer norms and
    whoever standardises the features later would else blow up the smallest ones.
    """
    total = torch.zeros(teacher.model.config.hidden_size, teacher.model.config.hidden_size)
    ordered = sorted(texts, key=len)
    for batch in batches([len(text) // 3 + 2 for text in ordered], 4096):
        tokens: Any = teacher.tokenizer([ordered[place] for place in batch], padding=True, return_tensors="pt")
        mask = tokens["attention_mask"].bool()
        for state in teacher.model(**tokens, output_hidden_states=True).hidden_states:
            rows = state[mask]
            total += rows.T @ rows / rows.square().sum()  # later states are larger, not more important
    mixed = torch.linalg.qr(torch.randn(width, width)).Q
    return torch.linalg.eigh(total).eigenvectors[:, -width:] @ mixed


def _embed(student: BertModel, teacher: BertModel, kept: np.ndarray, basis: torch.Tensor) -> None:
    """The layer norm's gain goes into the embeddings: turned, it is no longer one number a direction.

    They stay as small as the teacher's, so that the optimizer's steps are large enough for them.
    """
    theirs, ours = teacher.embeddings, student.embeddings
    gain = theirs.LayerNorm.weight
    offset = theirs.token_type_embeddings.weight[0]
    words = theirs.word_embeddings.weight[torch.as_tensor(kept)]
    spread = (words + offset).std(1).mean()
    ours.word_embeddings.weight.copy_((words * gain) @ basis)
    positions = theirs.position_embeddings.weight
    few = min(len(positions), len(ours.position_embeddings.weight))
    ours.position_embeddings.weight[:few] = (positions[:few] * gain) @ basis
    shift = (offset * gain + theirs.LayerNorm.bias * spread) @ basis
    ours.token_type_embeddings.weight.copy_(shift.expand(2, -1))
    ours.LayerNorm.weight.fill_((ours.word_embeddings.weight + shift).std(1).mean() / spread)


def _take_layer(ours: Any, theirs: Any, basis: torch.Tensor) -> None:
    _take_attention(ours.attention, theirs.attention, basis)
    up, down = theirs.intermediate.dense, theirs.output.dense
    neurons = _strongest(up.weight, down.weight.T, 1, ours.intermediate.dense)
    _take(ours.intermediate.dense, up.weight[neurons] @ basis, up.bias[neurons])
    _take(ours.output.dense, basis.T @ down.weight[:, neurons], basis.T @ down.bias)
    _take_norm(ours.output.LayerNorm, theirs.output.LayerNorm, basis)


def _take_attention(ours: Any, theirs: Any, basis: torch.Tensor) -> None:
    source, output = theirs.self, theirs.output
    rows = _strongest(source.value.weight, output.dense.weight.T, source.attention_head_size, ours.self.value)
    for name in ("query", "key", "value"):
        dense = getattr(source, name)
        _take(getattr(ours.self, name), dense.weight[rows] @ basis, dense.bias[rows])
    _take(ours.output.dense, basis.T @ output.dense.weight[:, rows], basis.T @ output.dense.bias)
    _take_norm(ours.output.LayerNorm, output.LayerNorm, basis)


def _strongest(incoming: torch.Tensor, outgoing: torch.Tensor, group: int, room: nn.Linear) -> torch.Tensor:
    """The rows of the groups (heads, or single neurons) whose weights are largest, as many as there is room for."""
    strength = (incoming.norm(dim=1) * outgoing.norm(dim=1)).view(-1, group).sum(1)
    best = strength.topk(room.out_features // group).indices.sort().values
    return (best[:, None] * group + torch.arange(group)).flatten()


def _take(dense: nn.Linear, weight: torch.Tensor, bias: torch.Tensor) -> None:
    dense.weight.copy_(weight)
    dense.bias.copy_(bias)


def _take_norm(ours: nn.LayerNorm, theirs: nn.LayerNorm, basis: torch.Tensor) -> None:
    """A gain that is diagonal before the turn is nearly so after it."""
    ours.weight.copy_(basis.square().T @ theirs.weight)
    ours.bias.copy_(basis.T @ theirs.bias)
