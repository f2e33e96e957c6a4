"""Averages of a run's own checkpoints (model soups, Wortsman et al. 2022, https://arxiv.org/abs/2203.05482)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ...values import Event
from ..balancing import watched
from ..progress import Leg

SHELF = "soup"  # in the phase's room, so that a run that goes on finds what it kept
MOST = 8  # ingredients
Weights = dict[str, torch.Tensor]
Figures = Mapping[str, float]
Taste = Callable[[], Figures]  # of the model as it is, on validation


class Ingredient(NamedTuple):
    """Weights at one evaluation: where they lie, and their score."""

    score: float
    step: int
    file: Path


class Soup(NamedTuple):
    """What was mixed of the ingredients at these steps, and what validation says of it."""

    steps: tuple[int, ...]
    figures: Figures


class Shelf(TrainerCallback):
    """Keeps the weights of the best evaluations: how far they moved from the phase's start, in half
    precision. That is a quarter of a checkpoint, and as good as exact, since they move little."""

    def __init__(self, model: nn.Module, room: Path, best: str) -> None:
        self.folder, self.best = room / SHELF, f"eval_{best}"
        self.model = model
        self.start = {name: tensor.detach().cpu().clone() for name, tensor in _trained(model)}

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """The start itself is no ingredient; a step that is trained again after a kill is written again."""
        if state.global_step:
            self.folder.mkdir(exist_ok=True)
            self._write(self.folder / f"{state.global_step}.safetensors", float(kwargs["metrics"][self.best]))
            for spare in self.ingredients()[MOST:]:
                spare.file.unlink()

    def _write(self, file: Path, score: float) -> None:
        moved = {
            name: (tensor.detach().cpu() - self.start[name]).half().contiguous()
            for name, tensor in _trained(self.model)
        }
        part = file.with_suffix(".part")
        save_file(moved, part, metadata={"score": repr(score)})
        part.replace(file)

    def ingredients(self) -> list[Ingredient]:
        """The best first; of equals the earlier."""
        found = [Ingredient(_score(file), int(file.stem), file) for file in self.folder.glob("*.safetensors")]
        return sorted(found, key=lambda one: (-one.score, one.step))

    def pour(self, chosen: Iterable[Ingredient]) -> None:
        """Make the model the mean of some."""
        moved = [_read(one.file) for one in chosen]
        for name, tensor in _trained(self.model):
            mean = torch.stack([part[name].float() for part in moved]).mean(0)
            _set(tensor, self.start[name] + mean)


@dataclass(frozen=True)
class Pot:
    """Where ingredients are mixed: in the model itself, which is as good as its best checkpoint.

    Attributes:
        best: that one's score.
    """

    shelf: Shelf
    taste: Taste
    best: float

    def cook(self, kind: str) -> Soup | None:
        """Make the model the soup where that is as good as the best alone; else leave it, and give none."""
        alone = {name: tensor.detach().clone() for name, tensor in _trained(self.shelf.model)}
        found = self.shelf.ingredients()
        soup = KINDS[kind](self, found) if len(found) > 1 else None
        if soup is not None and len(soup.steps) > 1 and self.score(soup.figures) >= self.best:
            return soup
        for name, tensor in _trained(self.shelf.model):
            _set(tensor, alone[name])
        return None

    def score(self, figures: Figures) -> float:
        return float(figures[self.shelf.best])

    def mixed(self, chosen: Sequence[Ingredient]) -> Soup:
        self.shelf.pour(chosen)
        return Soup(tuple(one.step for one in chosen), self.taste())


def uniform(pot: Pot, found: Sequence[Ingredient]) -> Soup:
    """All from the best down to the middle one."""
    return pot.mixed(found[: max(2, (len(found) + 1) // 2)])


def greedy(pot: Pot, found: Sequence[Ingredient]) -> Soup:
    """From the best down, each that does not make it worse."""
    chosen, best = [found[0]], Soup((found[0].step,), {pot.shelf.best: found[0].score})
    for one in found[1:]:
        tried = pot.mixed([*chosen, one])
        if pot.score(tried.figures) >= pot.score(best.figures):
            chosen, best = [*chosen, one], tried
    pot.shelf.pour(chosen)
    return best


KINDS: dict[str, Callable[[Pot, Sequence[Ingredient]], Soup]] = {"uniform": uniform, "greedy": greedy}


def shelf_for(leg: Leg, trainer: Trainer) -> Shelf | None:
    """What keeps ingredients while the phase trains, where its recipe asks for a soup."""
    if leg.recipe.soup not in KINDS:
        return None
    shelf = Shelf(leg.backbone.model, leg.room, watched(leg.task, leg.recipe))
    trainer.add_callback(shelf)
    return shelf


def cook(leg: Leg, trainer: Trainer, shelf: Shelf, best: float) -> None:
    """The soup at a phase's end, told; a phase that is to end at once has none.

    Args:
        best: the score of the model as it is.
    """
    if leg.over():
        leg.on_event(Event("train", "no soup: the time is up"))
        return
    rows = trainer.get_eval_dataloader()
    pot = Pot(shelf, lambda: trainer.evaluation_loop(rows, "soup", metric_key_prefix="eval").metrics or {}, best)
    soup = pot.cook(leg.recipe.soup)
    if soup is None:
        leg.on_event(Event("train", "no soup of checkpoints is as good as the best one alone, which is kept"))
        return
    told = f"a soup of {len(soup.steps)} checkpoints: {pot.score(soup.figures):.4f}, the best alone {best:.4f}"
    leg.on_event(Event("train", told))
    trainer.log({**soup.figures, "eval_soup": float(len(soup.steps))})


def _trained(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """What a phase does not train is the same in every checkpoint."""
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _set(parameter: nn.Parameter, value: torch.Tensor) -> None:
    with torch.no_grad():
        parameter.copy_(value)


def _score(file: Path) -> float:
    with safe_open(file, "pt") as opened:
        return float(opened.metadata()["score"])


def _read(file: Path) -> Weights:
    with safe_open(file, "pt") as opened:
        return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  (no mapping)
