"""A phase by gradient descent: the Trainer, the best checkpoint, an early stop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, TrainingArguments

from ..checkpoints import FINISHED, START, figures, keep, last_checkpoint, tidy
from ..models.anatomy import dissect
from ..models.device import keep_memory
from ..models.inputs import example
from ..models.loading import quiet, reload_weights
from ..recipe import Recipe
from ..results.metrics import running
from ..strategies import Phase
from ..tasks import Task, get_task
from ..values import Backbone, Dataset, Event, Listener
from .augment import shift_and_zoom
from .losses import exact_head, head_scale, loss_of
from .progress import Machine, Over, Trained, never
from .rates import family, parameter_groups
from .rows import Collator, Pixels, is_tagged, padding, tokenised
from .trainer import PhaseTrainer, Progress

MOST_DROPPED = 0.2
LOGS = 50  # a run's training losses, at most about


def run_tune(
    backbone: Backbone,
    data: Dataset,
    phase: Phase,
    recipe: Recipe,
    machine: Machine,
    on_event: Listener,
    room: Path,
    over: Over = never,
) -> Trained:
    """Train with the Trainer; the model ends as the best that validation saw, its start included.

    Args:
        room: the phase's folder. What is found there is gone on from, to the same weights.
        over: asked after every step; once it says yes, training ends with the best so far.

    Returns:
        History: phase, step, epoch, and what was measured there.
    """
    finished = figures(room, FINISHED)
    if finished is None:
        room.mkdir(parents=True, exist_ok=True)
        progress = _trained(backbone, data, phase, recipe, machine, on_event, room, over)
        finished = {"history": progress.history, "cut": progress.cut}
        with quiet():
            keep(room, FINISHED, backbone.model.save_pretrained, finished)
    else:
        reload_weights(backbone.model, room / FINISHED)
        backbone.model.eval()
    tidy(room)
    return Trained(tuple(finished["history"]), cut=finished["cut"])


def _trained(
    backbone: Backbone,
    data: Dataset,
    phase: Phase,
    recipe: Recipe,
    machine: Machine,
    on_event: Listener,
    room: Path,
    over: Over,
) -> Progress:
    keep_memory()
    machine = replace(machine, dtype=tuning_precision(backbone, recipe, machine))
    tame_dropout(backbone.model)
    task = get_task(data.task)
    on_event(Event("train", "preparing the rows"))
    with quiet():
        train, validation, collators = ROWS[task.modality.name](backbone, data, recipe, room)
    progress = Progress(phase.name, on_event, over)
    trainer = PhaseTrainer(
        model=backbone.model,
        args=arguments(phase, recipe, machine, task, room, len(train)),
        groups=trainable(backbone, phase, recipe, machine, scale=head_scale(task, data)),
        collators=collators,
        augment=AUGMENT.get((task.modality.name, task.target.shape)),
        train_dataset=train,
        eval_dataset=validation,
        compute_loss_func=loss_of(task, data),
        compute_metrics=running(task, data.labels),
        callbacks=[progress, EarlyStoppingCallback(recipe.patience)],
    )
    with quiet(), exact_head(backbone, task, machine):
        start = trainer.evaluate()[f"eval_{task.target.best}"]
        if figures(room, START) is None:
            keep(room, START, backbone.model.save_pretrained, start)
        last = last_checkpoint(room)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    if (trainer.state.best_metric or 0.0) < start:
        on_event(Event("train", "training gained nothing on validation: its start is kept"))
        reload_weights(backbone.model, room / START)
    backbone.model.requires_grad_(True).eval()
    return progress


def arguments(phase: Phase, recipe: Recipe, machine: Machine, task: Task, room: Path, rows: int) -> TrainingArguments:
    """The phase in Trainer's words."""
    assert phase.rates is not None
    epochs, steps = phase.epochs, steps_of(phase, rows, recipe)
    evaluations = max(1, round(steps / max(1.0, epochs)))
    return TrainingArguments(
        output_dir=str(room),
        restore_callback_states_from_checkpoint=True,
        num_train_epochs=epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=2 * recipe.batch_size,
        learning_rate=phase.rates.backbone,
        weight_decay=recipe.weight_decay,
        warmup_steps=round(recipe.warmup * steps),
        lr_scheduler_type="cosine",
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=evaluations,
        save_steps=evaluations,
        logging_steps=max(1, steps // LOGS),
        load_best_model_at_end=True,
        metric_for_best_model=task.target.best,
        greater_is_better=True,
        save_total_limit=None,  # `Progress` drops the older ones
        batch_eval_metrics=True,
        use_cpu=machine.device.type == "cpu",
        bf16=machine.dtype == torch.bfloat16,
        fp16=machine.dtype == torch.float16,
        train_sampling_strategy="group_by_length" if task.modality.name == "text" else "random",
        remove_unused_columns=False,
        dataloader_pin_memory=machine.device.type == "cuda",
        seed=recipe.seed,
        report_to="none",
        disable_tqdm=True,
    )


def steps_of(phase: Phase, rows: int, recipe: Recipe) -> int:
    """The optimizer's steps in a phase."""
    return max(1, round(phase.epochs * -(-rows // recipe.batch_size)))


def tuning_precision(backbone: Backbone, recipe: Recipe, machine: Machine) -> torch.dtype:
    """The machine's, but fp32 for convolutions unless asked otherwise.

    Tuned in bf16 they learn its rounding too, and lose it again in fp32, where they are
    used: four points of accuracy on one real set, for no gain in time on a CPU.
    """
    if recipe.precision == "auto" and family(backbone.model) == "convolution":
        return torch.float32
    return machine.dtype


def tame_dropout(model: torch.nn.Module) -> None:
    """Bound what dropout drops: some configs ask for 80 % before the head, meant for a million images."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = min(module.p, MOST_DROPPED)


def trainable(
    backbone: Backbone, phase: Phase, recipe: Recipe, machine: Machine, *, scale: float = 1.0
) -> list[dict[str, Any]]:
    """The optimizer's groups; what the phase does not train asks for no gradients.

    Args:
        scale: of what the head gives, by which it learns the faster.
    """
    assert phase.rates is not None
    model = backbone.model
    batch = {name: tensor.to(machine.device) for name, tensor in example(backbone).items()}
    anatomy = dissect(model, batch, backbone.name)
    head = frozenset(name for name in (anatomy.head, anatomy.dense) if name)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = phase.trains == "everything" or name.rsplit(".", 1)[0] in head
    rates = replace(phase.rates, head=phase.rates.head * scale)
    return parameter_groups(model, head, rates, recipe.weight_decay)


def _image_rows(
    backbone: Backbone, data: Dataset, recipe: Recipe, room: Path
) -> tuple[Any, Any, tuple[Collator, Collator]]:
    column = get_task(data.task).modality.column
    train, validation = (
        Pixels(backbone, data.splits[name], column, room / f"{name}.npy", recipe.batch_size)
        for name in ("train", "validation")
    )
    return train, validation, (train.collate, validation.collate)


def _text_rows(
    backbone: Backbone, data: Dataset, recipe: Recipe, room: Path
) -> tuple[Any, Any, tuple[Collator, Collator]]:
    column = get_task(data.task).modality.column
    train, validation = (
        tokenised(backbone, data.splits[name], column, room / f"{name}.arrow") for name in ("train", "validation")
    )
    pad = padding(backbone, is_tagged(data.splits["train"]))
    return train, validation, (pad, pad)


# By what goes in and what comes out: a size or a place is another once the image is moved.
AUGMENT = {("image", "class"): shift_and_zoom, ("image", "flags"): shift_and_zoom}
ROWS = {"image": _image_rows, "text": _text_rows}
