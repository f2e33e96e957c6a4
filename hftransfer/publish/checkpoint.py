"""A saved model of ours: is it whole, what is it for, and which of its files are for others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..errors import BackboneError, HFTransferError
from ..output import MARKER
from ..tasks import TASKS, Task, get_task
from .card import card
from .public import PLACEHOLDER, public_recipe, public_report

REPORT = "report.json"
CARD = "README.md"
# What makes up a checkpoint that Transformers loads. Pickled weights are left out on purpose.
MODEL_FILES = (
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "*processor_config.json",
    "tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
)
OUR_FILES = (MARKER, REPORT, CARD, "LICENSE*", "confusion_matrix.png", "learning_curve.png", "true_and_predicted.png")
FILES = (*MODEL_FILES, *OUR_FILES)
PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


@dataclass(frozen=True)
class Checkpoint:
    """A folder that holds a model of ours, and the row of the task table that it is for."""

    folder: Path
    task: Task

    def contents(self, repo: str) -> dict[str, Path | bytes]:
        """What goes to the Hub, by name: files as they are, but for our own notes.

        Those lose the paths of this machine, and the card gets the repository's name.
        """
        return {
            path.name: PUBLIC[path.name](path, repo) if path.name in PUBLIC else path
            for path in sorted(self.folder.iterdir())
            if path.is_file() and matches(path.name, FILES)
        }


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a file at the top of a repository has one of these names."""
    return "/" not in name and any(fnmatchcase(name, pattern) for pattern in patterns)


def _named_card(path: Path, repo: str) -> bytes:
    """The card for this repository: written anew if it is still ours, else with the name filled in."""
    text, report = path.read_text(encoding="utf-8"), read_json(path.with_name(REPORT))
    named = card(report, repo=repo) if text == card(report) else text.replace(PLACEHOLDER, repo)
    return named.encode()


def _public_notes(path: Path, repo: str) -> bytes:
    report = read_json(path.with_name(REPORT))
    told = public_report(report) if path.name == REPORT else public_recipe(read_json(path), report)
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


PUBLIC = {CARD: _named_card, MARKER: _public_notes, REPORT: _public_notes}


def open_checkpoint(folder: Path) -> Checkpoint:
    """Look at a folder that is to be published.

    Raises:
        BackboneError: there is no folder, or no whole model of ours in it.
    """
    if not folder.is_dir():
        raise BackboneError("no such folder", place=str(folder), fix="give the folder of a trained model")
    for name in (MARKER, REPORT, "config.json"):
        if not (folder / name).is_file():
            raise BackboneError(
                f"the folder is no model of ours: it has no {name}",
                place=str(folder),
                fix="give a folder that `hftransfer train` made",
            )
    if not any(folder.glob("*.safetensors")):
        raise BackboneError("the model has no weights", place=str(folder / "*.safetensors"), fix="train it again")
    read_json(folder / MARKER)
    try:
        return Checkpoint(folder, get_task(str(read_json(folder / REPORT).get("task"))))
    except HFTransferError as error:
        raise BackboneError(error.cause, place=str(folder / REPORT), fix="train the model again") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises BackboneError where it cannot be read as one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackboneError(f"{path.name} cannot be read: {error}", place=str(path), fix="train it again") from error
    if not isinstance(value, dict):
        raise BackboneError(f"{path.name} holds no object", place=str(path), fix="train it again")
    return value


def task_of(config: Mapping[str, Any], place: str) -> Task:
    """The task that a config.json is for.

    Raises:
        BackboneError: it is no classifier that Transformers loads by itself.
    """
    architecture = (config.get("architectures") or ["model without a head"])[0]
    if "auto_map" in config:
        raise BackboneError(
            f"the model ({architecture}) needs code of its own", place=place, fix="use a model that needs none"
        )
    for task in TASKS.values():
        if architecture.endswith(task.auto_model.removeprefix("AutoModel")) and _learns(config, task):
            return task
    kinds = ", ".join(TASKS)
    raise BackboneError(f"the model is no classifier but a {architecture}", place=place, fix=f"it must do: {kinds}")


def _learns(config: Mapping[str, Any], task: Task) -> bool:
    """Whether a head's problem is the task's; one that says none is a classifier's."""
    problem = config.get("problem_type")
    return not problem or not task.target.problem_type or problem == task.target.problem_type
