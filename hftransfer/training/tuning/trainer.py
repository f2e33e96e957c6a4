"""The one Trainer subclass: our parameter groups and schedules, what holds still, progress as events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from transformers import (
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.trainer_utils import EvalLoopOutput, IntervalStrategy, rotate_checkpoints

from ...output import durable, sync
from ...values import Event, Listener
from ..progress import Over
from .adapters import Weights
from .batches import Step
from .merits import MERIT, Merit
from .penalties import Penalty
from .rows import Collator
from .schedules import Schedule

KEPT = 1  # checkpoint, beside the best
NORMS = (nn.modules.batchnorm._BatchNorm,)


class PhaseTrainer(Trainer):
    """Trains by parameter groups, with batch norms and all that is frozen in eval mode.

    Batch norm's running statistics come from millions of images; a few small batches
    only spoil them, so they hold still while everything around them trains. What is frozen
    makes of an input what it made of it before: its dropout would be noise that nothing learns from.
    """

    def __init__(
        self,
        *args: Any,
        groups: list[dict[str, Any]],
        collators: tuple[Collator, Collator],
        weights: Weights,
        change: Step | None = None,
        penalty: Penalty | None = None,
        sampler: torch.utils.data.Sampler[int] | None = None,
        schedule: Schedule | None = None,
        merit: Merit | None = None,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.change, self.penalty, self.schedule = change, penalty, schedule
        self.weights, self.sampler, self.merit = weights, sampler, merit
        self.unwrapped: PreTrainedModel = kwargs["model"]
        self.groups = groups
        self.train_collator, self.eval_collator = collators
        self.still = list(still_modules(kwargs["model"]))
        for callback in (PrinterCallback, ProgressCallback):
            self.remove_callback(callback)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW, or what `optim` names, over the phase's groups."""
        if self.optimizer is None:
            kind, options = self.get_optimizer_cls_and_kwargs(self.args)
            self.optimizer = kind(self.groups, **options)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> LRScheduler:
        """The phase's own schedule, where it has one, else what `lr_scheduler_type` names."""
        if self.schedule is None or self.lr_scheduler is not None:
            return super().create_scheduler(num_training_steps, optimizer)
        factor = self.schedule(num_training_steps, self.args.get_warmup_steps(num_training_steps))
        self.lr_scheduler = LambdaLR(optimizer or self.create_optimizer(), factor)
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        for module in self.still:
            module.eval()
        if not model.training:
            return super().compute_loss(model, inputs, *args, **kwargs)
        loss: Any = super().compute_loss(model, self.change(inputs) if self.change else inputs, *args, **kwargs)
        return loss + self.penalty() if self.penalty else loss

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> EvalLoopOutput:
        output = super().evaluation_loop(*args, **kwargs)
        if self.merit and output.metrics:
            output.metrics[MERIT] = self.merit(output.metrics)
        return output

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Trainer's own passes over weights that the file names otherwise than the model."""
        self.weights.read(Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        self.weights.read(Path(str(self.state.best_model_checkpoint)))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        self.weights.write(Path(str(output_dir)))

    def _save_rng_state(self, output_dir: str) -> None:
        """The last before the state, by which a checkpoint is known as whole: the rest is on the disk by then."""
        super()._save_rng_state(output_dir)
        durable(Path(output_dir))

    def get_train_dataloader(self) -> Any:
        self.data_collator = self.train_collator
        return super().get_train_dataloader()

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return super()._get_train_sampler(train_dataset) if self.sampler is None else self.sampler

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        self.data_collator = self.eval_collator
        return super().get_eval_dataloader(eval_dataset)


def still_modules(model: nn.Module) -> Iterator[nn.Module]:
    """Batch norms, and the outermost modules that have parameters of which none trains."""
    parameters = list(model.parameters())
    if isinstance(model, NORMS) or (parameters and not any(parameter.requires_grad for parameter in parameters)):
        yield model
        return
    for child in model.children():
        yield from still_modules(child)


class Progress(TrainerCallback):
    """Trainer's logs as events and as rows of history; ends training when it is over."""

    def __init__(self, phase: str, on_event: Listener, over: Over) -> None:
        self.phase = phase
        self.on_event = on_event
        self.over = over
        self.cut = False
        self.history: list[dict[str, Any]] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """A run that goes on finds what it logged before."""
        for logs in state.log_history:
            self._note(logs, int(logs["step"]), logs.get("epoch"))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.over():
            self.cut = state.global_step < state.max_steps
            control.should_evaluate = args.eval_strategy != IntervalStrategy.NO
            control.should_save = control.should_training_stop = True
        self.on_event(Event("train", self.phase, state.global_step, state.max_steps))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Older checkpoints go once the new one, its state included, is on the disk itself."""
        if not state.is_world_process_zero:
            return
        newest = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        durable(newest)
        sync(newest.parent)
        rotate_checkpoints(str(args.output_dir), KEPT, state.best_model_checkpoint, use_mtime=False)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        figures = self._note(kwargs["logs"], state.global_step, state.epoch)
        if figures:
            self.on_event(Event("train", self.phase, state.global_step, state.max_steps, figures))

    def _note(self, logs: dict[str, Any], step: int, epoch: float | None) -> dict[str, Any]:
        figures = {name: value for name, value in logs.items() if _shown(name)}
        if figures:
            self.history.append({"phase": self.phase, "step": step, "epoch": epoch, **figures})
        return figures


_HIDDEN = ("runtime", "per_second", "preparation_time", MERIT)  # what the Trainer times itself, and compares by


def _shown(name: str) -> bool:
    return name in ("loss", "learning_rate") or (name.startswith("eval_") and not name.endswith(_HIDDEN))
