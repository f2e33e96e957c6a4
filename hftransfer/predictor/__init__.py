"""A trained model that can be used: tried, measured, saved, published."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..data import load_evaluation
from ..errors import BackboneError, OutputError, RecipeError
from ..models.device import pick_device, to_device
from ..output import staged
from ..publish.hub import Published, pull, push
from ..recipe import Recipe
from ..results.metrics import Evaluation
from ..results.report import read_report
from ..results.thresholds import tune
from ..values import Event, Listener, Prediction, Report, silent
from .answers import answer
from .loading import load, recognise, write_checkpoint, write_recipe
from .ready import Ready
from .scored import BATCH, scored

if TYPE_CHECKING:
    import datasets

__all__ = ["Predictor", "write_checkpoint", "write_recipe"]


@dataclass(frozen=True)
class Predictor(Ready):
    """A checkpoint, ready to answer. Everything it says is computed in fp32.

    `pipeline(task.name, model=folder)` gives the same labels and scores; of a dense head it knows nothing, and raises.
    """

    folder: Path

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
        task, config = recognise(folder)
        backbone = load(folder, task, config)
        to_device(backbone.model, pick_device(Recipe(device=device)))
        labels = tuple(config.id2label[index] for index in range(config.num_labels))
        return cls(task, labels, backbone, folder)

    def predict(self, inputs: Any) -> Any:
        """Answer one input with a `Prediction`, or a list of them with a list in its order.

        Args:
            inputs: texts; images, as paths or PIL images; for a model of pairs
                `{"text": …, "text_pair": …}`, a tuple of two texts, or a text with a tab between them.

        Raises:
            SourceError: an image that cannot be read, with its path.
        """
        if isinstance(inputs, str | Path | Image.Image | Mapping) or (self.pairs and _is_pair(inputs)):
            return self.predict([inputs])[0]
        return list(self.iter_predict(inputs))

    def iter_predict(self, inputs: Sequence[Any], *, batch_size: int = BATCH) -> Iterator[Prediction]:
        """Answers as their batches are done."""
        for start in range(0, len(inputs), batch_size):
            yield from answer(self, inputs[start : start + batch_size])

    def evaluate(self, source: Any, recipe: Recipe | None = None, *, on_event: Listener = silent) -> Report:
        """Measure on the test split of a source that has one, else on all of its rows.

        Raises:
            SourceError: the source cannot be used, or holds labels that the model does not know.
            RecipeError: the recipe asks for another task than the model's.
        """
        if recipe and recipe.task not in (None, self.task.name):
            raise RecipeError(f"the model is for {self.task.name}", place="--task", fix="leave it out")
        rows = self._rows(source, recipe, on_event)
        return self.measure(rows, on_event=on_event)

    def measure(self, rows: datasets.Dataset, *, on_event: Listener = silent) -> Report:
        """Measure on rows of the data station: the task's input column, and `label`."""
        done = 0
        with Evaluation(self.task, self.labels, thresholds=self.thresholds) as evaluation:
            for places, scores, labels in scored(self, rows):
                evaluation.add(scores, labels)
                done += len(places)
                on_event(Event("evaluate", step=done, total=len(rows)))
            return evaluation.report()

    def tuned(self, rows: datasets.Dataset) -> Predictor:
        """The model with the thresholds that are best on these rows, in its folder's config too.

        A model without labels that hold or don't has none, and stays as it is.
        """
        if self.task.target.shape not in TUNED:
            return self
        parts = list(scored(self, rows))
        found = TUNED[self.task.target.shape](*(np.concatenate([part[at] for part in parts]) for at in (1, 2)))
        config = self.backbone.model.config
        config.thresholds = dict(zip(self.labels, map(float, found.round(6)), strict=True))
        config.save_pretrained(self.folder)
        return self

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
        rows = self._rows(source, recipe, silent)
        places = np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)
        return list(rows[places][self.task.modality.column])

    def _rows(self, source: Any, recipe: Recipe | None, on_event: Listener) -> datasets.Dataset:
        asked = recipe or Recipe()
        return load_evaluation(source, self.task.name, self.labels, asked, pairs=self.pairs, on_event=on_event)

    @property
    def report(self) -> dict[str, Any]:
        """What `report.json` says of the training; empty for a model of someone else's."""
        return read_report(self.folder) if (self.folder / "report.json").is_file() else {}

    def at(self, folder: Path) -> Predictor:
        """The same model, whose files lie elsewhere now."""
        return replace(self, folder=folder)


def _is_pair(inputs: Any) -> bool:
    return isinstance(inputs, tuple) and len(inputs) == 2 and all(isinstance(text, str) for text in inputs)


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1 or Path(name).exists()


TUNED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"flags": tune}
