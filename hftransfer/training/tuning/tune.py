"""A phase by gradient descent: the Trainer, the best checkpoint, an early stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch.nn.modules.dropout import _DropoutNd
from transformers import EarlyStoppingCallback, TrainingArguments

from ...checkpoints import FINISHED, STALE, START, figures, keep, last_checkpoint, tidy
from ...errors import RecipeError
from ...models.anatomy import dissect
from ...models.dense import DenseHead
from ...models.device import keep_memory
from ...models.inputs import example
from ...models.loading import quiet, reload_weights
from ...recipe import Recipe
from ...results.metrics import running
from ...strategies import Phase
from ...values import Backbone, Event
from ..balancing import watched
from ..few import with_all_rows
from ..progress import Leg, Machine, Trained
from .adapters import adapt, weights_of
from .batches import Change, change_of, tell_of
from .border import at_border
from .contrastive import Contrast, contrasting
from .finding import found_rows, with_found_rate
from .losses import exact_head, head_scale, loss_of
from .optimizers import named
from .penalties import penalty_of
from .rates import family, parameter_groups, trained_parameters
from .rows import Rows, rows_of
from .sampling import sampler_of
from .schedules import OWN
from .soups import cook, shelf_for
from .trainer import PhaseTrainer, Progress

MOST_DROPPED = 0.2
LOGS = 50  # a run's training losses, at most about
SCHEDULES = {"cosine": "cosine", "slanted": "linear"}  # of the names that Trainer knows, the nearest


def run_tune(leg: Leg) -> Trained:
    """Train with the Trainer; the model ends as the best that validation saw, its start included.

    Returns:
        History: phase, step, epoch, and what was measured there.
    """
    judged = leg.phase.judged
    finished = figures(leg.room, FINISHED)
    if finished is None:
        leg.room.mkdir(parents=True, exist_ok=True)
        weights = weights_of(leg)
        progress = _trained(leg)
        finished = {"history": progress.history, "cut": progress.cut} | ({} if judged else {STALE: True})
        with quiet():
            keep(leg.room, FINISHED, weights.write, finished)
        weights.settle()
    else:
        reload_weights(leg.backbone.model, leg.room / FINISHED)
        leg.backbone.model.eval()
    tidy(leg.room, (FINISHED,) if judged else (FINISHED, START))
    return Trained(tuple(finished["history"]), cut=finished["cut"])


def _trained(leg: Leg) -> Progress:
    keep_memory()
    machine = replace(leg.machine, dtype=tuning_precision(leg.backbone, leg.recipe, leg.machine))
    leg = replace(leg, machine=machine)
    steps = steps_of(leg.phase, leg.data.rows["train"], leg.recipe)  # as many, whatever else is learned from
    leg = with_all_rows(leg)
    leg.on_event(Event("train", "preparing the rows"))
    with quiet():
        rows = rows_of(leg)
    progress = Progress(leg.phase.name, leg.on_event, leg.over)
    with quiet(), exact_head(leg.backbone, leg.task, machine), tamed_dropout(leg.backbone.model, leg.recipe.dropout):
        change = change_of(leg)
        tell_of(change, leg)
        leg = with_found_rate(leg, rows, partial(trainer_for, change=change), steps)
        progress.history += found_rows(leg)
        with contrasting(leg, steps) as contrast:
            trainer = trainer_for(leg, rows, progress, contrast, change)
            with at_border(leg, rows, change.moves) as collators:
                trainer.train_collator, trainer.eval_collator = collators
                descend(leg, trainer)
    plain_again(leg.backbone.model)
    leg.backbone.model.requires_grad_(True).eval()
    return progress


def trainer_for(
    leg: Leg, rows: Rows, progress: Progress, contrast: Contrast | None = None, change: Change | None = None
) -> PhaseTrainer:
    """The Trainer of a phase, with all that the recipe and the phase ask for."""
    sampler = contrast.rounds if contrast else sampler_of(leg, rows)
    args = arguments(leg, len(rows.train), drawn=sampler is not None)
    return PhaseTrainer(
        model=leg.backbone.model,
        args=contrast.unjudged(args) if contrast else args,
        sampler=sampler,
        groups=trainable(leg),
        collators=rows.collators,
        weights=weights_of(leg),
        change=change,
        penalty=penalty_of(leg),
        schedule=OWN.get(leg.phase.schedule),
        train_dataset=rows.train,
        eval_dataset=rows.validation,
        compute_loss_func=contrast or loss_of(leg),
        compute_metrics=running(leg.task, leg.data.labels),
        callbacks=[progress, *([] if contrast else [EarlyStoppingCallback(leg.recipe.patience)])],
    )


def descend(leg: Leg, trainer: PhaseTrainer) -> None:
    """Train from where an earlier attempt came to; what is no better than the start gives way to it."""
    room, weights = leg.room, trainer.weights
    if not leg.phase.judged:
        train_on(leg, trainer, 0.0)
        if not all(bool(parameter.isfinite().all()) for parameter in leg.backbone.model.parameters()):
            leg.on_event(Event("train", "training led to no finite weights: its start is kept"))
            weights.read(room / START)
        return
    start = trainer.evaluate()[f"eval_{watched(leg.task, leg.recipe)}"]
    shelf = shelf_for(leg, trainer)
    train_on(leg, trainer, start)
    best = trainer.state.best_metric
    if best is None or best < start:  # what nobody measured is no gain
        leg.on_event(Event("train", "training gained nothing on validation: its start is kept"))
        weights.read(room / START)
    if shelf is not None:
        cook(leg, trainer, shelf, start if best is None else max(start, best))


def train_on(leg: Leg, trainer: PhaseTrainer, start: float) -> None:
    """To the end, from where an earlier attempt came to; the model that the phase begins with is kept.

    Args:
        start: that model's figure.
    """
    if figures(leg.room, START) is None:
        keep(leg.room, START, trainer.weights.write, start)
    last = last_checkpoint(leg.room)
    trainer.train(resume_from_checkpoint=str(last) if last else None)


def plain_again(model: torch.nn.Module) -> None:
    """Undo what Accelerate leaves on a model: a forward of its own, in mixed precision, bound to this very object.

    Who reads the model next chooses its precision, and a copy of it must not call the original.
    """
    # While it counts as prepared, the next phase's Accelerator passes it over: it would train in fp32.
    for name in ("forward", "_original_forward", "_is_accelerate_prepared"):
        model.__dict__.pop(name, None)


def arguments(leg: Leg, rows: int, *, drawn: bool = False) -> TrainingArguments:
    """The phase in Trainer's words.

    Args:
        drawn: whether an epoch is drawn from the rows: there are as many steps then as epochs of all rows have.
    """
    phase, recipe, machine = leg.phase, leg.recipe, leg.machine
    assert phase.rates is not None
    epochs, steps = phase.epochs, steps_of(phase, rows, recipe)
    evaluations = max(1, round(steps / max(1.0, epochs)))
    args = TrainingArguments(
        output_dir=str(leg.room),
        restore_callback_states_from_checkpoint=True,
        num_train_epochs=epochs,
        max_steps=steps if drawn else -1,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=2 * recipe.batch_size,
        learning_rate=phase.rates.backbone,
        weight_decay=recipe.weight_decay,
        **named(recipe),
        warmup_steps=round(recipe.warmup * steps),
        lr_scheduler_type=SCHEDULES[phase.schedule],
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=evaluations,
        save_steps=evaluations,
        logging_steps=max(1, steps // LOGS),
        load_best_model_at_end=True,
        metric_for_best_model=watched(leg.task, leg.recipe),
        greater_is_better=True,
        save_total_limit=None,  # `Progress` drops the older ones
        batch_eval_metrics=True,
        use_cpu=machine.device.type == "cpu",
        bf16=machine.dtype == torch.bfloat16,
        fp16=machine.dtype == torch.float16,
        train_sampling_strategy="group_by_length" if leg.task.modality.name == "text" else "random",
        remove_unused_columns=False,
        dataloader_pin_memory=machine.device.type == "cuda",
        seed=recipe.seed,
        report_to="none",
        disable_tqdm=True,
        average_tokens_across_devices=False,  # our losses are means already, which it would take for sums
    )
    args._n_gpu = min(args.n_gpu, 1)  # a process has one: hooks and kept states know nothing of copies of the model
    return args


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


def refuse_dropout(model: torch.nn.Module, recipe: Recipe) -> None:
    """Raises RecipeError where a part to drop is asked for, and the model drops nothing anywhere; a dense head does."""
    if recipe.dropout is not None and not any(
        isinstance(module, (_DropoutNd, DenseHead)) for module in model.modules()
    ):
        fix = "leave it out, or choose another backbone"
        raise RecipeError("the backbone has no dropout that could be set", place="--dropout", fix=fix)


@contextmanager
def tamed_dropout(model: torch.nn.Module, part: float | None = None) -> Iterator[None]:
    """While inside, dropout drops the part asked for; by default what the model's config says,
    within bounds: some ask for 80 % before the head, meant for a million images.
    """
    usual = {module: module.p for module in model.modules() if isinstance(module, _DropoutNd)}
    for module, own in usual.items():
        module.p = min(own, MOST_DROPPED) if part is None else part
    try:
        yield
    finally:
        for module, own in usual.items():
            module.p = own


def trainable(leg: Leg) -> list[dict[str, Any]]:
    """The optimizer's groups; what the phase does not train asks for no gradients."""
    assert leg.phase.rates is not None
    model = leg.backbone.model
    batch = {name: tensor.to(leg.machine.device) for name, tensor in example(leg.backbone).items()}
    anatomy = dissect(model, batch, leg.backbone.name)
    head = frozenset(anatomy.trained)
    places = adapt(leg, anatomy) if leg.phase.adapter else None
    trained = trained_parameters(model, head, leg.phase)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = places.trains(name) if places else name in trained
    # A head learns the faster, the larger what it gives.
    rates = replace(leg.phase.rates, head=leg.phase.rates.head * head_scale(leg.task, leg.data))
    decay = 0.0 if leg.phase.penalty else leg.recipe.weight_decay  # that draws to nought, a penalty elsewhere
    return parameter_groups(model, head, rates, decay)
