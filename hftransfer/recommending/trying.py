"""A backbone tried on the user's own rows: its score, its size and its speed here."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mode

import numpy as np
import torch

from ..errors import BackboneError, HFTransferError
from ..models.device import to_device
from ..models.inputs import encode
from ..models.loading import UNLOADABLE, load_backbone
from ..models.sizes import fit_image_size
from ..models.surgery import reshape
from ..recipe import Recipe
from ..strategies.feature_extraction import PROBE
from ..tasks import get_task
from ..training import Machine
from ..training.progress import Leg
from ..values import Backbone, Dataset, Event, Listener, finite
from .bench import RESAMPLES, Bench
from .verdict import Candidate, Tried

TIMED = 15  # predictions


@dataclass(frozen=True)
class Trial:
    """What all candidates are tried on.

    Attributes:
        data: all of it, whose train says what size images are read at.
        drawn: the rows to try on.
        folds: the part of each of them, once a repeat.
    """

    data: Dataset
    drawn: Dataset
    folds: Sequence[np.ndarray]
    recipe: Recipe
    machine: Machine
    on_event: Listener


def attempt(trial: Trial, name: str) -> Tried:
    """A candidate's score, or why there is none."""
    began = time.perf_counter()
    trial.on_event(Event("load", f"trying {name}"))
    try:
        candidate, resampled = _measured(trial, name)
    except (HFTransferError, torch.OutOfMemoryError) as error:
        clear = error if isinstance(error, HFTransferError) else _failure(name, error)
        trial.on_event(Event("load", f"{name} cannot be tried: {clear.cause}"))
        candidate, resampled = Candidate(name, error=clear), np.full(RESAMPLES, np.nan)
    gc.collect()
    return Tried(replace(candidate, seconds=round(time.perf_counter() - began, 2)), resampled)


def _failure(name: str, error: Exception) -> BackboneError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return BackboneError(f"'{name}' failed: {first}", place="--backbone", fix="leave it out")


def _measured(trial: Trial, name: str) -> tuple[Candidate, np.ndarray]:
    backbone = _ready(trial, name)
    recipe = trial.recipe.with_(backbone=name)
    bench = Bench.of(Leg(backbone, trial.drawn, PROBE, recipe, trial.machine, Path(), trial.on_event))
    trial.on_event(Event("train", f"solving heads on the features of {name}"))
    solved = [bench.scores(rows) for rows in trial.folds]
    score, resampled = bench.judged([logits for logits, _ in solved], trial.recipe.seed)
    low, high = np.nanpercentile(resampled, (2.5, 97.5)) if np.isfinite(resampled).any() else (score, score)
    reshape(backbone.model, bench.anatomy, bench.views[mode([view for _, views in solved for view in views])])
    found = Candidate(
        name,
        score=finite(score),
        low=finite(min(float(low), score)),
        high=finite(max(float(high), score)),
        size_mb=round(_size(backbone), 1),
        latency_ms=round(_latency(trial, backbone), 2),
    )
    return found, resampled


def _ready(trial: Trial, name: str) -> Backbone:
    """As `fine_tune` loads it. What fails here is the backbone's fault, whatever it is; later on it is ours.

    Raises:
        HFTransferError: it cannot be loaded.
    """
    named = trial.recipe.backbone == name
    recipe = trial.recipe.with_(backbone=name, revision=trial.recipe.revision if named else None)
    try:
        backbone = load_backbone(get_task(trial.data.task), trial.data.labels, recipe)
        backbone = fit_image_size(backbone, trial.data.splits["train"], recipe)
        to_device(backbone.model, trial.machine.device)
    except HFTransferError:
        raise
    except UNLOADABLE as error:
        raise _failure(name, error) from error
    return backbone


def _size(backbone: Backbone) -> float:
    weights = backbone.model.state_dict().values()
    return sum(tensor.numel() * tensor.element_size() for tensor in weights) / 1e6


def _latency(trial: Trial, backbone: Backbone) -> float:
    """The median milliseconds of one prediction, as `predict` makes it: read, and through the model in fp32."""
    rows, column, times = trial.drawn.splits["train"], get_task(trial.data.task).modality.column, []
    for number in range(TIMED + 2):
        value = rows[number % len(rows)][column]
        began = time.perf_counter()
        with torch.inference_mode():
            batch = encode(backbone, [value])
            backbone.model(**{name: tensor.to(trial.machine.device) for name, tensor in batch.items()}).logits.cpu()
        times.append(time.perf_counter() - began)
    return float(np.median(times[2:])) * 1000  # the first ones find nothing warm
