"""A checkpoint's folder, read and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from ..checkpoints import bring_adapter
from ..errors import BackboneError, OutputError
from ..models.dense import loader_of, read_config
from ..models.device import to_device
from ..models.loading import UNLOADABLE, load_processor, quiet
from ..output import MARKER
from ..recipe import Recipe
from ..tasks import TASKS, Task
from ..values import Backbone

PLAIN = "single_label_classification"  # what a head is for that does not say
ALONE = ("regression", "multi_label_classification")  # for these a single label is enough


def recognise(folder: Path) -> tuple[Task, Any]:
    """The task that a checkpoint was trained for, from its architecture's name."""
    try:
        with quiet():
            config = read_config(str(folder))
    except UNLOADABLE as error:
        fix = "its config.json is damaged" if (folder / MARKER).exists() else "train one with `hftransfer train`"
        raise BackboneError("the folder holds no Transformers model", place=str(folder), fix=fix) from error
    architecture = (config.architectures or [""])[0]
    for task in TASKS.values():
        if architecture.endswith(task.auto_model.removeprefix("AutoModel")) and _fits(config, task):
            return task, config
    kinds, named = ", ".join(TASKS), architecture or "checkpoint of no known kind"
    said = f" for {config.problem_type}" if config.problem_type else f" of {config.num_labels} labels"
    raise BackboneError(f"the model is a {named}{said}", place=str(folder), fix=f"give a model for one of: {kinds}")


def _fits(config: Any, task: Task) -> bool:
    """Whether a head is for the task: of its problem type, with labels enough, each by its own name."""
    kind, labels = task.target.problem_type or None, config.num_labels
    said = config.problem_type == kind or (config.problem_type is None and kind == PLAIN)
    return said and len(set(config.id2label.values())) == labels >= (1 if kind in ALONE else 2)


def load(folder: Path, task: Task, config: Any) -> Backbone:
    try:
        with quiet():
            source = loader_of(task, config)
            model = source.from_pretrained(folder, config=config, dtype="float32", trust_remote_code=False).eval()
            processor = load_processor(task, str(folder), model.config, Recipe())
    except BackboneError:
        raise
    except UNLOADABLE as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BackboneError(
            f"the model cannot be loaded: {first}", place=str(folder), fix="train or download it again"
        ) from error
    return Backbone(folder.name, None, task.modality.name, model, processor, key="")


def write_checkpoint(backbone: Backbone, folder: Path, trained: Path | None = None) -> None:
    """A plain Transformers checkpoint: weights in safetensors, config, processor.

    Args:
        trained: where training kept what it ended with; an adapter that lies there comes along.

    Raises:
        OutputError: the weights cannot be written, most often for want of space.
    """
    try:
        with quiet():
            to_device(backbone.model, torch.device("cpu"))
            backbone.model.save_pretrained(folder)
            backbone.processor.save_pretrained(folder)
            bring_adapter(trained, folder)
    except SafetensorError as error:
        raise OutputError(
            f"cannot write the model: {error}", place=str(folder.parent), fix="free some space"
        ) from error


def write_recipe(recipe: Recipe, folder: Path) -> None:
    (folder / MARKER).write_text(json.dumps(recipe.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
