"""A trained model that can be used: tried, measured, saved, published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoConfig

from .data import load_evaluation, open_image
from .errors import BackboneError, OutputError, RecipeError, SourceError
from .models.device import keep_memory, pick_device, to_device
from .models.features import batches
from .models.inputs import encode
from .models.loading import UNLOADABLE, load_processor, quiet
from .output import MARKER, staged
from .publish.hub import Published, pull, push
from .recipe import Recipe
from .results.metrics import Evaluation
from .results.report import read_report
from .tasks import TASKS, Task
from .values import Backbone, Event, Listener, Prediction, Report, silent

if TYPE_CHECKING:
    import datasets

BATCH = 32


@dataclass(frozen=True)
class Predictor:
    """A checkpoint, ready to answer. Everything it says is computed in fp32.

    `pipeline(task.name, model=folder)` gives the same labels and scores.
    """

    folder: Path
    task: Task
    labels: tuple[str, ...]
    backbone: Backbone

    @classmethod
    def from_pretrained(
        cls,
        path_or_repo: str | Path,
        *,
        revision: str | None = None,
        device: str | None = None,
        on_event: Listener = silent,
    ) -> Predictor:
        """Load a folder, or a model from the Hub.

        Raises:
            BackboneError: the folder holds no image or text classifier.
            HubError: there is no such folder, and the Hub has no such model or does not answer.
        """
        local = Path(path_or_repo).expanduser()
        if not local.is_dir() and _is_path(str(path_or_repo)):
            raise BackboneError(
                "no such folder", place=str(path_or_repo), fix="give a model's folder, or owner/name on the Hub"
            )
        folder = local if local.is_dir() else pull(str(path_or_repo), revision=revision, on_event=on_event)
        task, config = _recognise(folder)
        backbone = _load(folder, task, config)
        to_device(backbone.model, pick_device(Recipe(device=device)))
        labels = tuple(config.id2label[index] for index in range(config.num_labels))
        return cls(folder, task, labels, backbone)

    def predict(self, inputs: Any) -> Any:
        """Answer one input with a `Prediction`, or a list of them with a list in its order.

        Args:
            inputs: texts; or images, as paths or PIL images.

        Raises:
            SourceError: an image that cannot be read, with its path.
        """
        if isinstance(inputs, str | Path | Image.Image):
            return self.predict([inputs])[0]
        return list(self.iter_predict(inputs))

    def iter_predict(self, inputs: Sequence[Any], *, batch_size: int = BATCH) -> Iterator[Prediction]:
        """Answers as their batches are done."""
        for start in range(0, len(inputs), batch_size):
            part = inputs[start : start + batch_size]
            scores = self.scores(encode(self.backbone, [OPENERS[self.task.modality.name](value) for value in part]))
            for value, row in zip(part, scores, strict=True):
                yield self._prediction(value, row)

    def evaluate(self, source: Any, recipe: Recipe | None = None, *, on_event: Listener = silent) -> Report:
        """Measure on the test split of a source that has one, else on all of its rows.

        Raises:
            SourceError: the source cannot be used, or holds labels that the model does not know.
            RecipeError: the recipe asks for another task than the model's.
        """
        if recipe and recipe.task not in (None, self.task.name):
            raise RecipeError(f"the model is for {self.task.name}", place="--task", fix="leave it out")
        rows = load_evaluation(source, self.task.name, self.labels, recipe or Recipe(), on_event=on_event)
        return self.measure(rows, on_event=on_event)

    def measure(self, rows: datasets.Dataset, *, on_event: Listener = silent) -> Report:
        """Measure on rows of the data station: the task's input column, and `label`."""
        labels = np.asarray(rows["label"])
        inputs = rows.select_columns([self.task.modality.column])
        done = 0
        with Evaluation(self.task, self.labels) as evaluation:
            for places, batch in batches(self.backbone, inputs, BATCH):
                evaluation.add(self.scores(batch), labels[places])
                done += len(places)
                on_event(Event("evaluate", step=done, total=len(rows)))
            return evaluation.report()

    def scores(self, batch: dict[str, torch.Tensor]) -> np.ndarray:
        """The scores of an encoded batch, float32 of shape [B, labels]."""
        keep_memory()
        model = self.backbone.model
        with torch.inference_mode():
            logits = model(**{name: tensor.to(model.device) for name, tensor in batch.items()}).logits
        return ACTIVATIONS[self.task.target.activation](logits.float()).cpu().numpy()

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Copy the model, with its card, recipe and report.

        Raises:
            OutputError: the folder holds anything already (with `overwrite`: anything but a model of ours).
        """
        target = Path(folder)
        if target.resolve() == self.folder.resolve():
            raise OutputError("the model is already there", place=str(target), fix="choose another folder")
        with staged(target, overwrite=overwrite) as stage:
            shutil.copytree(self.folder, stage, dirs_exist_ok=True)
        return target

    def push_to_hub(
        self,
        repo: str,
        *,
        private: bool = False,
        create_pr: bool = False,
        samples: Sequence[Any] = (),
        on_event: Listener = silent,
    ) -> Published:
        """Publish, then prove by a fresh download that the same bytes give the same answers."""
        return push(self.folder, repo, private=private, create_pr=create_pr, samples=samples, on_event=on_event)

    def samples(self, source: Any, recipe: Recipe | None = None, *, count: int = 16) -> list[Any]:
        """Some inputs of a source, to compare answers on."""
        rows = load_evaluation(source, self.task.name, self.labels, recipe or Recipe())
        places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)
        return list(rows[places][self.task.modality.column])

    @property
    def report(self) -> dict[str, Any]:
        """What `report.json` says of the training; empty for a model of someone else's."""
        return read_report(self.folder) if (self.folder / "report.json").is_file() else {}

    def at(self, folder: Path) -> Predictor:
        """The same model, whose files lie elsewhere now."""
        return replace(self, folder=folder)

    def _prediction(self, value: Any, row: np.ndarray) -> Prediction:
        scores = {label: float(score) for label, score in zip(self.labels, row, strict=True)}
        answer, score = self.task.target.decode(row.tolist(), self.labels, {})
        ranked = dict(sorted(scores.items(), key=lambda pair: -pair[1]))
        return Prediction(_named(value), answer, score, ranked)


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1 or Path(name).exists()


def _recognise(folder: Path) -> tuple[Task, Any]:
    """The task that a checkpoint was trained for, from its architecture's name."""
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except UNLOADABLE as error:
        fix = "its config.json is damaged" if (folder / MARKER).exists() else "train one with `hftransfer train`"
        raise BackboneError("the folder holds no Transformers model", place=str(folder), fix=fix) from error
    architecture = (config.architectures or [""])[0]
    for task in TASKS.values():
        if architecture.endswith(task.modality.auto_model.removeprefix("AutoModel")) and _fits(config, task):
            return task, config
    kinds, named = ", ".join(TASKS), architecture or "checkpoint of no known kind"
    said = f" for {config.problem_type}" if config.problem_type else f" of {config.num_labels} labels"
    raise BackboneError(f"the model is a {named}{said}", place=str(folder), fix=f"give a model for one of: {kinds}")


def _fits(config: Any, task: Task) -> bool:
    """Whether a head is for the task: of its problem type, with two labels or more, each by its own name."""
    distinct = len(set(config.id2label.values()))
    return config.problem_type in (None, task.target.problem_type) and distinct == config.num_labels > 1


def _load(folder: Path, task: Task, config: Any) -> Backbone:
    auto = getattr(transformers, task.modality.auto_model)
    try:
        with quiet():
            model = auto.from_pretrained(folder, dtype="float32", trust_remote_code=False).eval()
            processor = load_processor(task, str(folder), model.config, Recipe())
    except BackboneError:
        raise
    except UNLOADABLE as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BackboneError(
            f"the model cannot be loaded: {first}", place=str(folder), fix="train or download it again"
        ) from error
    return Backbone(folder.name, None, task.modality.name, model, processor, key="")


def _image(value: Any) -> Image.Image:
    return value if isinstance(value, Image.Image) else open_image(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise SourceError(f"{value!r} is no text", place="inputs", fix="give strings")
    return value


OPENERS: dict[str, Callable[[Any], Any]] = {"image": _image, "text": _text}
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"softmax": lambda logits: logits.softmax(-1)}


def _named(value: Any) -> str:
    if isinstance(value, Image.Image):
        return str(getattr(value, "filename", "") or "image")
    return str(value)


def write_checkpoint(backbone: Backbone, folder: Path) -> None:
    """A plain Transformers checkpoint: weights in safetensors, config, processor.

    Raises:
        OutputError: the weights cannot be written, most often for want of space.
    """
    try:
        with quiet():
            to_device(backbone.model, torch.device("cpu"))
            backbone.model.save_pretrained(folder)
            backbone.processor.save_pretrained(folder)
    except SafetensorError as error:
        raise OutputError(
            f"cannot write the model: {error}", place=str(folder.parent), fix="free some space"
        ) from error


def write_recipe(recipe: Recipe, folder: Path) -> None:
    (folder / MARKER).write_text(json.dumps(recipe.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
