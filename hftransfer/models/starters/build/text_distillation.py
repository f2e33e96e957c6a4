"""Teaching the student to say what the teacher says: word by word, and of whole texts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import BertModel

from ...device import autocast
from .saving import Checkpoint, Tell
from .text_teacher import Shard, batches, slot_means

WORD_WEIGHT = 1.0  # of words against means
POOLER_WEIGHT = 0.1
MAP_HASTE = 2.0  # how much faster the maps learn
FEWEST = 4  # texts in a batch
EPSILON = 1e-3
RIDGE = 1e-2


@dataclass(frozen=True)
class Course:
    """How long and how hard: each of `shards` is gone through `passes` times."""

    shards: int = 80
    passes: int = 2
    tokens: int = 1024  # in a batch
    rate: float = 4e-4
    warm_up: float = 0.03  # of the whole
    decay: float = 0.01
    minutes: float | None = None  # stop after these; the rate falls to zero by then


class Pupil(nn.Module):
    """The student, with linear maps to the teacher's states; the maps are thrown away in the end."""

    word_centre: torch.Tensor
    word_spread: torch.Tensor
    mean_centre: torch.Tensor
    mean_spread: torch.Tensor

    def __init__(self, student: BertModel, sample: Shard, dtype: torch.dtype) -> None:
        """`sample` tells the teacher's depths, width and the spread of its states.

        The student computes in `dtype`, the maps in fp32: what they tell apart is small
        beside what all states have in common.
        """
        super().__init__()
        self.student, self.dtype = student, dtype
        width, theirs = student.config.hidden_size, sample.words.shape[-1]
        self.word_maps = nn.ModuleList(nn.Linear(width, theirs) for _ in student.encoder.layer)
        self.mean_maps = nn.ModuleList(nn.Linear(width, theirs) for _ in sample.means[0])
        self.pooler_map = nn.Linear(width, theirs)
        for name, array in (("word", sample.words), ("mean", sample.means)):
            states = torch.from_numpy(array).float()
            self.register_buffer(f"{name}_centre", states.mean(0))
            self.register_buffer(f"{name}_spread", states.std(0) + EPSILON)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The loss: squared error in units of the teacher's spread, so that quiet directions count too."""
        words, means, pooled = self.read(batch)
        told, wanted = self.wanted(batch)
        loss = likeness_loss(means, wanted.flatten(1))
        loss = loss + _error(self.mean_maps, means.unsqueeze(1).expand(-1, wanted.shape[1], -1), wanted)
        loss = loss + POOLER_WEIGHT * functional.mse_loss(self.pooler_map(pooled), wanted[:, -1])
        return loss + WORD_WEIGHT * _error(self.word_maps, words, told)

    def read(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The student's words [S, layers, D], means of the last state [N, D] and pooler output [N, D]."""
        mask = batch["attention_mask"]
        with autocast(torch.device("cpu"), self.dtype):
            output = self.student(input_ids=batch["input_ids"], attention_mask=mask, output_hidden_states=True)
        layers = torch.stack(output.hidden_states[1:], 2).float()
        words = slot_means(layers[mask.bool()], batch["places"], len(batch["words"]))
        weights = mask.unsqueeze(-1).float()
        means = (layers[:, :, -1] * weights).sum(1) / weights.sum(1)
        pooler: Any = self.student.pooler
        return words, means, pooler(layers[:, :, -1].detach())  # the pooler learns, and disturbs nothing

    def wanted(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """The teacher's words [S, depths, E] and means [N, depths, E], standardised."""
        words = (batch["words"] - self.word_centre) / self.word_spread
        return words, (batch["means"] - self.mean_centre) / self.mean_spread

    @torch.no_grad()
    def settle(self, sample: Iterator[dict[str, torch.Tensor]]) -> None:
        """Give the maps their least-squares values: noise in them would shake what the student was born with."""
        ours, theirs = zip(*((self.read(batch), self.wanted(batch)) for batch in sample), strict=True)
        words, means, _ = (torch.cat(parts) for parts in zip(*ours, strict=True))
        told, wanted = (torch.cat(parts) for parts in zip(*theirs, strict=True))
        for place, fit in enumerate(self.word_maps):
            _solve(fit, words[:, place], told[:, place])
        for place, fit in enumerate(self.mean_maps):
            _solve(fit, means, wanted[:, place])


def _error(maps: nn.ModuleList, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """The mean over the maps, of [N, maps, D] and [N, at least as many, E]."""
    errors = [functional.mse_loss(fit(ours[:, place]), theirs[:, place]) for place, fit in enumerate(maps)]
    return torch.stack(errors).mean()


def _solve(fit: Any, ours: torch.Tensor, theirs: torch.Tensor) -> None:
    centre, aim = ours.mean(0), theirs.mean(0)
    rows = ours - centre
    scatter = rows.T @ rows
    ridge = RIDGE * scatter.diagonal().mean() * torch.eye(len(scatter))
    weight = torch.linalg.solve(scatter + ridge, rows.T @ (theirs - aim)).T
    fit.weight.copy_(weight)
    fit.bias.copy_(aim - weight @ centre)


def likeness_loss(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Whether texts are alike to the student as they are to the teacher, from [N, D] and [N, E].

    The maps tell that something can be read off the states, this one that it stands out,
    which is what counts for a head trained on few texts. 0 is perfect, 1 is no better
    than a constant. Features are standardised over the batch, as a head would do.
    """
    spread = (ours - ours.mean(0)) / (ours.std(0, correction=0) + EPSILON)
    others = ~torch.eye(len(ours), dtype=torch.bool)
    wanted = _cosines(theirs - theirs.mean(0))[others]
    error = functional.mse_loss(_cosines(spread)[others], wanted)
    return error / (wanted.var(correction=0) + EPSILON)


def _cosines(rows: torch.Tensor) -> torch.Tensor:
    rows = functional.normalize(rows, dim=1)
    return rows @ rows.T


def shard_batches(shard: Shard, tokens: int, seed: int) -> Iterator[dict[str, torch.Tensor]]:
    """A shard's texts in batches of like lengths, shuffled."""
    chance = random.Random(seed)
    noisy = np.argsort(shard.tokens * np.random.default_rng(seed).uniform(0.85, 1.15, len(shard.tokens)))
    places = batches(shard.tokens[noisy], tokens)
    chance.shuffle(places)
    token_ends, slot_ends = np.cumsum(shard.tokens), np.cumsum(shard.counts)
    for rows in places:
        if len(rows) < FEWEST:
            continue  # a likeness takes several
        yield _batch(shard, noisy[rows], token_ends, slot_ends)


def _batch(shard: Shard, rows: np.ndarray, token_ends: np.ndarray, slot_ends: np.ndarray) -> dict[str, torch.Tensor]:
    lengths = shard.tokens[rows]
    ids = np.zeros((len(rows), lengths.max()), np.int64)
    mask = np.arange(lengths.max()) < lengths[:, None]
    spans = [slice(token_ends[row] - shard.tokens[row], token_ends[row]) for row in rows]
    ids[mask] = np.concatenate([shard.ids[span] for span in spans])
    first = np.cumsum(shard.counts[rows]) - shard.counts[rows]
    places = np.concatenate([shard.slots[span] + start for span, start in zip(spans, first, strict=True)])
    words = [shard.words[slot_ends[row] - shard.counts[row] : slot_ends[row]] for row in rows]
    arrays = {"input_ids": ids, "attention_mask": mask.astype(np.int64), "places": places.astype(np.int64)}
    arrays |= {"words": np.concatenate(words).astype(np.float32), "means": shard.means[rows].astype(np.float32)}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


class Lesson:
    """A run that can stop after any shard and go on from its checkpoint."""

    def __init__(self, pupil: Pupil, course: Course, checkpoint: Checkpoint, seed: int) -> None:
        self.pupil, self.course, self.checkpoint, self.seed = pupil, course, checkpoint, seed
        self.optimizer = torch.optim.AdamW(_groups(pupil, course.decay), lr=course.rate, betas=(0.9, 0.98), fused=True)
        self.done = 0  # shards gone through, over all passes
        self.seconds = 0.0  # spent, in earlier runs too

    @property
    def progress(self) -> float:
        """From 0 to 1, of the shards or of the time, whichever is further."""
        by_time = self.seconds / 60 / self.course.minutes if self.course.minutes else 0.0
        return min(1.0, max(self.done / (self.course.shards * self.course.passes), by_time))

    def go_on(self, read: Callable[[int], Shard], tell: Tell) -> None:
        """Until the end of the course; `read` gives the shard of a number."""
        self._restore(tell)
        while self.progress < 1:
            began = time.monotonic()
            loss = self._learn(read(self.done % self.course.shards))
            self.done += 1
            self.seconds += time.monotonic() - began
            self._keep()
            tell(f"text: {self.progress:.1%} of the course, loss {loss:.4f}, {self.seconds / 60:.1f} minutes")

    def _learn(self, shard: Shard) -> float:
        """One shard; returns the mean loss."""
        losses = []
        rows = list(shard_batches(shard, self.course.tokens, self.seed + self.done))
        for step, batch in enumerate(rows):
            self._set_rate(self.progress + step / len(rows) / (self.course.shards * self.course.passes))
            loss = self.pupil(batch)
            loss.backward()
            nn.utils.clip_grad_norm_(self.pupil.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad()
            losses.append(loss.item())
        return float(np.mean(losses))

    def _set_rate(self, progress: float) -> None:
        """Warm up, then fall to nothing in a straight line."""
        course = self.course
        factor = (
            min(progress / course.warm_up, (1 - progress) / (1 - course.warm_up)) if course.warm_up else 1 - progress
        )
        for group in self.optimizer.param_groups:
            group["lr"] = course.rate * group["haste"] * max(factor, 0.001)

    def _parts(self) -> dict[str, Any]:
        return {"pupil": self.pupil, "optimizer": self.optimizer}

    def _keep(self) -> None:
        self.checkpoint.save(self._parts(), done=self.done, seconds=self.seconds)

    def _restore(self, tell: Tell) -> None:
        kept = self.checkpoint.load(self._parts())
        if kept:
            self.done, self.seconds = int(kept["done"]), kept["seconds"]
            tell(f"text: going on after {self.seconds / 60:.1f} minutes")


def _groups(pupil: nn.Module, decay: float) -> Sequence[dict[str, Any]]:
    """The maps start from nothing and learn faster; matrices decay, biases and norms do not."""
    kinds: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, tensor in pupil.named_parameters():
        kinds.setdefault(("_map" in name, tensor.dim() > 1), []).append(tensor)
    return [
        {"params": tensors, "haste": MAP_HASTE if is_map else 1.0, "weight_decay": decay if deep else 0.0}
        for (is_map, deep), tensors in kinds.items()
    ]
