"""The loss that draws examples of one class together, and the batches that it needs.

Supervised contrastive learning, Khosla et al. 2020, https://arxiv.org/abs/2004.11362, on the
pooled states of a batch: what the head, or the dense layer before it, is given. Every row is
compared with every other of its batch, so that no pairs are ever listed: the cost is linear
in the steps, whatever the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import TrainingArguments
from transformers.trainer_utils import IntervalStrategy, SaveStrategy

from ...data import labels_of
from ...errors import RecipeError
from ...models.anatomy import dissect
from ...models.inputs import example
from ...models.views import END, pooled, reading
from ...strategies import Phase
from ...tasks import Task
from ..balancing import groups_of
from ..progress import Leg

TEMPERATURE = 0.1
BATCH = 16  # rows, or two of every class: as good as twice as many in half the steps, or better
SAVED = 50  # steps between two checkpoints: a phase of few shots is over before, and is begun anew after a kill
APART = -1e9  # a row's likeness to itself: it is none of the others

Overlap = Callable[[torch.Tensor], torch.Tensor]


def contrastive_loss(states: torch.Tensor, alike: torch.Tensor, temperature: float = TEMPERATURE) -> torch.Tensor:
    """The mean over rows of the cross-entropy between whom a row is near to and whom it is like.

    Args:
        states: [rows, width], of any length.
        alike: how much of each row's labels each other row shares, 0 to 1, [rows, rows].
    """
    directions = functional.normalize(states.float(), dim=1)
    oneself = torch.eye(len(states), dtype=torch.bool, device=states.device)
    near = (directions @ directions.T / temperature).masked_fill(oneself, APART)
    logs = near - torch.logsumexp(near, 1, keepdim=True)
    shared = alike.to(states.device).float().masked_fill(oneself, 0.0)
    counts = shared.sum(1)
    rows = -(shared * logs).sum(1) / counts.clamp(min=1e-12)
    # A row that is like no other has nobody to be drawn to: it only pushes.
    return rows[counts > 0].mean() if bool((counts > 0).any()) else 0.0 * directions.sum()


def same_class(labels: torch.Tensor) -> torch.Tensor:
    """1 where two rows have one class, [rows, rows]; of shares of classes, as blended rows have them, their overlap."""
    if labels.dim() > 1:
        return shared_labels(labels)
    return (labels.unsqueeze(0) == labels.unsqueeze(1)).float()


def shared_labels(flags: torch.Tensor) -> torch.Tensor:
    """The Jaccard index of two rows' labels, [rows, rows]: Lin et al. 2023, https://arxiv.org/abs/2212.00552."""
    one, other = flags.float().unsqueeze(0), flags.float().unsqueeze(1)
    either = torch.maximum(one, other).sum(-1)
    return torch.minimum(one, other).sum(-1) / either.clamp(min=1e-12)


OVERLAPS: dict[str, Overlap] = {"class": same_class, "flags": shared_labels}  # by the shape of a task's labels


def refuse_contrastive(task: Task, phase: Phase) -> None:
    """Raises RecipeError where the phase compares rows by their labels, and the task's cannot be shared by two rows."""
    if phase.loss == "contrastive" and task.target.shape not in OVERLAPS:
        raise RecipeError(
            f"contrastive learning needs classes that rows share, which {task.name} has not",
            place="--strategy",
            fix="choose full, lora or feature-extraction",
        )


class Rounds(torch.utils.data.Sampler[int]):
    """The rows of every step, by the seed alone: a run that goes on meets the same ones.

    Each batch holds at least two rows of each class that it draws, of all classes where it has
    room for two of each, else of those whose turn it is. Classes come equally often, whatever their
    sizes, and the rows of a class take turns; a class of one row is two of a kind by itself.

    Args:
        groups: the class of each row.
    """

    def __init__(self, groups: np.ndarray, batch: int, steps: int, seed: int) -> None:
        self.batch, self.steps = batch, steps
        self.chance = np.random.default_rng([seed, steps, batch])
        self.turns = {int(group): self._turns(np.flatnonzero(groups == group)) for group in np.unique(groups)}
        self.order = [row for drawn in self._batches() for row in drawn]

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order)

    def _turns(self, rows: np.ndarray) -> Iterator[int]:
        while True:
            yield from self.chance.permutation(rows).tolist()

    def _batches(self) -> Iterator[list[int]]:
        groups = self._turns(np.array(list(self.turns)))
        at_once = max(1, min(len(self.turns), self.batch // 2))
        for _ in range(self.steps):
            drawn: list[int] = []
            while len(drawn) < at_once:  # where one round ends and the next begins, a class may come twice
                group = next(groups)
                drawn += [group] if group not in drawn else []
            sizes = [len(part) for part in np.array_split(np.arange(self.batch), at_once)]
            yield [next(self.turns[group]) for group, size in zip(drawn, sizes, strict=True) for _ in range(size)]


@dataclass(frozen=True)
class Contrast:
    """A phase's own objective: what `Trainer` takes as `compute_loss_func`, over states that hooks leave behind."""

    model: nn.Module
    anatomy: Any
    overlap: Overlap
    rounds: Rounds
    states: dict[int, torch.Tensor]
    given: dict[str, Any] = field(default_factory=dict)

    def __call__(self, outputs: Any, labels: torch.Tensor, **_: Any) -> torch.Tensor:
        state = pooled(self.model, self.anatomy, self.states[0], END, self.given.get("attention_mask"))
        return contrastive_loss(state, self.overlap(labels))

    def note(self, module: nn.Module, args: tuple[Any, ...], inputs: dict[str, Any]) -> None:
        """A hook, before the model runs: which tokens are none."""
        self.given.update(attention_mask=inputs.get("attention_mask"))

    def unjudged(self, args: TrainingArguments) -> TrainingArguments:
        """The phase in Trainer's words, but that no head can say how far it came: its last weights are its best."""
        args.eval_strategy, args.load_best_model_at_end = IntervalStrategy.NO, False
        args.save_strategy, args.save_steps = SaveStrategy.STEPS, SAVED
        args.metric_for_best_model = args.greater_is_better = None
        args.per_device_train_batch_size, args.max_steps = self.rounds.batch, self.rounds.steps
        return args


@contextmanager
def contrasting(leg: Leg, steps: int) -> Iterator[Contrast | None]:
    """While inside, the objective of a phase that compares rows; None for one with the task's own loss."""
    if leg.phase.loss != "contrastive":
        yield None
        return
    model, groups = leg.backbone.model, groups_of(labels_of(leg.data.splits["train"]))
    batch = {name: tensor.to(leg.machine.device) for name, tensor in example(leg.backbone).items()}
    anatomy = dissect(model, batch, leg.backbone.name)
    rows = min(leg.recipe.batch_size, max(BATCH, 2 * len(np.unique(groups))))
    rounds = Rounds(groups, max(2, min(rows, len(groups))), steps, leg.recipe.seed)
    with reading(model, anatomy, (END,)) as states:
        contrast = Contrast(model, anatomy, OVERLAPS[leg.task.target.shape], rounds, states)
        handle = model.register_forward_pre_hook(contrast.note, with_kwargs=True)
        try:
            yield contrast
        finally:
            handle.remove()
