"""The dense head on cached features: mini-batches of AdamW, until validation gains no more."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ...models.anatomy import Anatomy
from ...models.dense import DenseHead
from ...values import Event
from ..progress import Leg
from .solvers import REFINED
from .solving import HeadProblem, Lens, Solved, install

RATE = 1e-3
BATCH = 64
PASSES = 200  # over the training rows, at most
PATIENCE = 10  # passes without a gain

LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "multinomial": functional.cross_entropy,
    "binary": functional.binary_cross_entropy_with_logits,
    "ridge": functional.mse_loss,
}


def train_dense(leg: Leg, anatomy: Anatomy, problem: HeadProblem) -> Solved:
    """Train the model's dense head from scratch, and write it into the model.

    Returns:
        The hidden layer, and what the head reaches on validation.
    """
    leg.on_event(Event("train", "training the dense head"))
    model = leg.backbone.model
    lens = Lens.fit(problem.train.features, problem.activation)
    with torch.random.fork_rng():
        torch.manual_seed(leg.recipe.seed)
        head: Any = copy.deepcopy(model.get_submodule(anatomy.head.rpartition(".")[0]))
        rows = _Rows.of(problem, lens, leg.machine.device)
        figures = _descend(head, rows, leg)
    weight, bias = (tensor.detach().double().cpu().numpy() for tensor in head.hidden.parameters())
    solved = Solved(lens, weight, bias, 0.0, figures)
    install(model, anatomy, solved)
    model.get_submodule(anatomy.logits).load_state_dict(rows.in_units(head).state_dict())
    return solved


@dataclass(frozen=True)
class _Rows:
    """What the head is given and what it should say, of train and of validation, and what each row counts.

    Numbers are measured from their mean, by their spread.
    """

    kind: str
    seen: torch.Tensor
    labels: torch.Tensor
    unseen: torch.Tensor
    truth: np.ndarray
    mean: torch.Tensor
    unit: torch.Tensor
    counts: torch.Tensor
    fair: np.ndarray | None

    @classmethod
    def of(cls, problem: HeadProblem, lens: Lens, device: torch.device) -> _Rows:
        labels, outputs = problem.train.labels, problem.outputs
        mean, unit = np.zeros(outputs), np.ones(outputs)
        if problem.solver == "ridge":
            mean, unit = labels.mean(0), np.maximum(labels.std(0), 1e-12)
            labels = (labels - mean) / unit
        known = torch.from_numpy(np.asarray(labels)).to(device)
        seen, unseen = (
            torch.from_numpy(lens(split.features)).float().to(device) for split in (problem.train, problem.validation)
        )
        middle, spread = (torch.from_numpy(np.asarray(part)).float().to(device) for part in (mean, unit))
        return cls(
            problem.solver,
            seen,
            known.long() if known.dim() == 1 else known.float(),
            unseen,
            problem.validation.labels,
            middle,
            spread,
            _counts(problem.train.weights, known),
            problem.validation.weights,
        )

    def figures(self, head: DenseHead) -> dict[str, float]:
        """What the head reaches on validation."""
        with torch.inference_mode():
            logits = head.eval()(self.unseen) * self.unit + self.mean
        return REFINED[self.kind][1](logits.cpu().numpy(), self.truth, self.fair)

    def in_units(self, head: DenseHead) -> torch.nn.Linear:
        """The head's last layer as it gives numbers in the data's own units."""
        with torch.no_grad():
            head.output.weight.mul_(self.unit[:, None])
            head.output.bias.mul_(self.unit).add_(self.mean)
        return head.output


def _counts(weights: np.ndarray | None, labels: torch.Tensor) -> torch.Tensor:
    """What each row counts, or each label of it: on average 1, so that a step is as long as without weights."""
    counts = torch.ones_like(labels, dtype=torch.float32)
    if weights is None:
        return counts
    found = torch.from_numpy(weights / weights.mean()).to(counts)
    return counts * found.reshape(len(labels), -1) if labels.dim() > 1 else found


def _descend(head: DenseHead, rows: _Rows, leg: Leg) -> dict[str, float]:
    """Pass after pass, and back to the best one."""
    for layer in (head.hidden, head.output):
        layer.reset_parameters()
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=leg.recipe.weight_decay)
    best, kept, waited = rows.figures(head), copy.deepcopy(head.state_dict()), 0
    for _ in range(PASSES):
        _pass(head.train(), rows, optimizer)
        figures = rows.figures(head)
        waited += 1
        if figures["loss"] < best["loss"]:
            best, kept, waited = figures, copy.deepcopy(head.state_dict()), 0
        if waited == PATIENCE or leg.over():
            break
    head.load_state_dict(kept)
    return best


def _pass(head: DenseHead, rows: _Rows, optimizer: torch.optim.Optimizer) -> None:
    for places in torch.randperm(len(rows.labels)).to(rows.seen.device).split(BATCH):
        losses = LOSSES[rows.kind](head(rows.seen[places]), rows.labels[places], reduction="none")
        loss = (losses * rows.counts[places]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
