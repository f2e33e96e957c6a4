"""A narrower MobileNetV2 that starts from a wider one's weights.

Every block widens its input `expand_ratio` times, filters each of those channels alone,
and sums them up again. Those inner channels are independent of each other, so some can go
while the stream between the blocks keeps its meaning. The sums are then solved anew, block
after block, so that what is left comes as near as it can to what the wider block gave
(channel pruning with reconstruction, He et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import MobileNetV2Config, MobileNetV2Model

RIDGE = 1e-3
SEEN = 2_000  # places of a batch's maps that a block's sums are solved on


def empty(teacher: MobileNetV2Model, expand_ratio: float) -> MobileNetV2Model:
    """A model of that ratio, its weights still to come."""
    kept = {key: value for key, value in teacher.config.to_dict().items() if key not in ("id2label", "label2id")}
    config = MobileNetV2Config.from_dict(kept | {"expand_ratio": expand_ratio})
    return MobileNetV2Model(config).eval()


@torch.no_grad()
def narrowed(teacher: MobileNetV2Model, expand_ratio: float, pictures: Sequence[torch.Tensor]) -> MobileNetV2Model:
    """A model of that ratio which does nearly the same on the pictures: batches of [B, 3, S, S]."""
    student = empty(teacher, expand_ratio)
    student.conv_stem.load_state_dict(teacher.conv_stem.state_dict())
    student.conv_1x1.load_state_dict(teacher.conv_1x1.state_dict())
    theirs = [teacher.conv_stem(batch) for batch in pictures]
    ours = theirs
    for wide, narrow in zip(teacher.layer, student.layer, strict=True):
        _select(wide, narrow, theirs[0])
        theirs = [wide(stream) for stream in theirs]
        _solve(narrow, ours, theirs)
        ours = [narrow(stream) for stream in ours]
    return student


def _select(wide: Any, narrow: Any, given: torch.Tensor) -> None:
    """Keep the inner channels that add most to what the block gives."""
    inner = wide.conv_3x3(wide.expand_1x1(given))
    added = inner.std((0, 2, 3)) * wide.reduce_1x1.convolution.weight.flatten(1).norm(dim=0)
    kept = added.topk(narrow.conv_3x3.convolution.out_channels).indices.sort().values
    for name in ("expand_1x1", "conv_3x3"):
        states = getattr(wide, name).state_dict().items()
        getattr(narrow, name).load_state_dict({key: value[kept] if value.dim() else value for key, value in states})


def _solve(narrow: Any, given: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> None:
    """The sums that bring the block nearest to the wanted output, by ridge regression."""
    moments = sum((_moments(narrow, *pair) for pair in zip(given, wanted, strict=True)), start=torch.zeros(()))
    inner = narrow.conv_3x3.convolution.out_channels
    mean, square = moments[-1, :-1] / moments[-1, -1], moments[:-1, :-1] / moments[-1, -1]
    covariance = square - mean[:, None] * mean
    seen, both = covariance[:inner, :inner], covariance[:inner, inner:]
    seen = seen + RIDGE * seen.diagonal().mean() * torch.eye(inner, dtype=seen.dtype)
    weights = torch.linalg.solve(seen, both)
    variance = ((covariance[:inner, :inner] @ weights) * weights).sum(0)
    _install(narrow.reduce_1x1, weights, mean[:inner] @ weights, mean[inner:], variance)


def _moments(narrow: Any, given: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Sums of products of inner channels, wanted channels and one: [I + W + 1, I + W + 1]."""
    inner = narrow.conv_3x3(narrow.expand_1x1(given))
    aims = wanted - given if narrow.use_residual else wanted
    rows = torch.cat([maps.movedim(1, -1).flatten(0, -2) for maps in (inner, aims, torch.ones_like(aims[:, :1]))], 1)
    rows = rows[:: max(1, len(rows) // SEEN)].double()
    return rows.T @ rows


def _install(layer: Any, weights: torch.Tensor, mean: torch.Tensor, goal: torch.Tensor, variance: torch.Tensor) -> None:
    """The sums and their norm, whose statistics are those of what passes it."""
    layer.convolution.weight.copy_(weights.T[:, :, None, None])
    norm = layer.normalization
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((norm.running_var + norm.eps).sqrt())
    norm.bias.copy_(goal)


class Settled:
    """Measures what passes every batch norm, then moves its statistics there without changing what it does.

    Frozen norms are right in evaluation alone; fine-tuning switches them to the statistics
    of its batches, which must not be far from what they hold.
    """

    def __init__(self, model: nn.Module) -> None:
        self.norms: list[Any] = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
        self.sums: dict[Any, list[torch.Tensor]] = {norm: [] for norm in self.norms}
        self.handles = [norm.register_forward_pre_hook(self._hear) for norm in self.norms]

    def _hear(self, norm: Any, given: tuple[torch.Tensor, ...]) -> None:
        self.sums[norm].append(torch.stack([given[0].mean((0, 2, 3)), given[0].square().mean((0, 2, 3))]))

    @torch.no_grad()
    def settle(self) -> None:
        for handle, norm in zip(self.handles, self.norms, strict=True):
            handle.remove()
            mean, square = torch.stack(self.sums[norm]).mean(0)
            variance = (square - mean**2).clamp(min=0)
            before, after = (norm.running_var + norm.eps).sqrt(), (variance + norm.eps).sqrt()
            norm.bias += (mean - norm.running_mean) / before * norm.weight
            norm.weight *= after / before
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
