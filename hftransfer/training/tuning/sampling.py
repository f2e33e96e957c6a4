"""Which rows an epoch draws, where classes are to be met equally often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from transformers.trainer_pt_utils import get_length_grouped_indices

from ...data import labels_of
from ..balancing import DRAWN, drawn, drawn_count, groups_of
from ..progress import Leg
from .rows import Rows, lengths_of


class BalancedSampler(torch.utils.data.Sampler[int]):
    """Each epoch's rows by the seed and the epoch's number alone, so that a run that goes on meets the same ones.

    Args:
        groups: the group of each row.
        how: `over` or `under`.
        lengths: of each row, where rows of like length shall make a batch.
    """

    def __init__(
        self,
        groups: np.ndarray,
        how: str,
        seed: int,
        batch_size: int,
        lengths: Sequence[int] | np.ndarray | None = None,
    ) -> None:
        self.groups, self.how, self.seed, self.batch_size = groups, how, seed, batch_size
        self.lengths = None if lengths is None else np.asarray(lengths)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return drawn_count(self.groups, self.how)

    def __iter__(self) -> Iterator[int]:
        chance = np.random.default_rng([self.seed, self.epoch])
        places = chance.permutation(drawn(self.groups, self.how, chance))
        if self.lengths is not None:
            generator = torch.Generator().manual_seed(int(chance.integers(2**62)))
            lengths = self.lengths[places].tolist()
            places = places[get_length_grouped_indices(lengths, self.batch_size, generator=generator)]
        return iter(places.tolist())


def sampler_of(leg: Leg, rows: Rows) -> BalancedSampler | None:
    """What draws the rows that the recipe asks for; None for the Trainer's own."""
    if leg.recipe.balance not in ("over", "under") or leg.task.target.shape not in DRAWN:
        return None
    groups = groups_of(labels_of(leg.data.splits["train"]))
    return BalancedSampler(groups, leg.recipe.balance, leg.recipe.seed, leg.recipe.batch_size, lengths_of(rows.train))
