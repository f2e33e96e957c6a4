"""The one Trainer subclass: our parameter groups, statistics that hold still, progress as events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from ..values import Event, Listener
from .rows import Collator

NORMS = (nn.modules.batchnorm._BatchNorm,)


class PhaseTrainer(Trainer):
    """Trains by parameter groups, with batch norms in eval mode.

    Batch norm's running statistics come from millions of images; a few small batches
    only spoil them, so they hold still while everything around them trains.
    """

    def __init__(self, *args: Any, groups: list[dict[str, Any]], collators: tuple[Collator, Collator], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.groups = groups
        self.train_collator, self.eval_collator = collators
        self.still = [module for module in kwargs["model"].modules() if isinstance(module, NORMS)]
        for callback in (PrinterCallback, ProgressCallback):
            self.remove_callback(callback)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """AdamW, or what `optim` names, over the phase's groups."""
        if self.optimizer is None:
            kind, options = self.get_optimizer_cls_and_kwargs(self.args)
            self.optimizer = kind(self.groups, **options)
        return self.optimizer

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        for module in self.still:
            module.eval()
        return super().compute_loss(model, inputs, *args, **kwargs)

    def get_train_dataloader(self) -> Any:
        self.data_collator = self.train_collator
        return super().get_train_dataloader()

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        self.data_collator = self.eval_collator
        return super().get_eval_dataloader(eval_dataset)


class Progress(TrainerCallback):
    """Trainer's logs as events and as rows of history; a time limit if there is one."""

    def __init__(self, phase: str, on_event: Listener, *, deadline: float | None = None) -> None:
        self.phase = phase
        self.on_event = on_event
        self.history: list[dict[str, Any]] = []
        self.deadline = deadline

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if self.deadline and time.monotonic() > self.deadline:
            control.should_evaluate = control.should_save = control.should_training_stop = True
        self.on_event(Event("train", self.phase, state.global_step, state.max_steps))

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        figures = {name: value for name, value in kwargs["logs"].items() if name in SHOWN}
        if figures:
            self.history.append({"phase": self.phase, "step": state.global_step, "epoch": state.epoch, **figures})
            self.on_event(Event("train", self.phase, state.global_step, state.max_steps, figures))


SHOWN: Sequence[str] = ("loss", "learning_rate", "eval_loss", "eval_accuracy", "eval_f1_macro")
