"""The image starter: a narrowed MobileNetV2, healed by its teacher, that also learnt made-up letters.

Two losses on every step. On photos and painted pictures the student follows its teacher:
after every block, in the last map and in the pooled features. On glyphs it names the
formula, since a teacher that saw photographs alone is weak at strokes. No label of any
data set is read.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from transformers import MobileNetV2Model

from ....values import Backbone
from ...device import keep_memory
from .narrowing import Settled, empty, narrowed
from .pictures import HANDS, digest, glyph_bank, inked, painted_bank, photo_bank, views
from .saving import Checkpoint, Tell, save_starter
from .teaching import pretrained

SIDE = 128  # where sums are solved and statistics taken
WARM_UP = 100  # steps
AVERAGED = 0.998  # of the averaged weights stays at every step
TOLD_EVERY = 50  # steps


@dataclass(frozen=True)
class Plan:
    """What to train for how long; a checkpoint of another plan is not gone on from."""

    steps: int = 450
    batch: int = 40
    glyphs: int = 24
    solved_on: int = 4000
    classes: int = 1000
    painted: int = 12000
    photo_share: float = 0.75  # of the pictures, where there are photos
    expand_ratio: float = 5.0
    rate: float = 1e-4
    glyph_weight: float = 0.1
    named_alone: int = 80  # steps that only the naming layer learns from glyphs: its first gradients are noise
    sides: tuple[int, ...] = (96, 128, 128, 160)
    kept_every: int = 50  # steps between checkpoints
    seed: int = 0


class Student(nn.Module):
    """The starter with what only its training needs: a layer that names glyphs."""

    def __init__(self, backbone: MobileNetV2Model, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.conv_1x1.convolution.out_channels
        self.namer = nn.Sequential(nn.BatchNorm1d(width, affine=False), nn.Linear(width, classes))


def build(teacher: str | Path, photos: Sequence[Path], output: Path, work: Path, plan: Plan, tell: Tell) -> Path:
    """Train the image starter, or go on where a run with the same arguments was stopped.

    Args:
        teacher: a MobileNetV2 checkpoint, in a folder or on the Hub.
        photos: zips of images, in any folders; none: painted pictures alone.
        output: the checkpoint's folder; a README.md there stays.
        work: what lasts between runs: banks of pictures and the last checkpoint.
        plan: how.
        tell: hears a line now and then.

    Raises:
        BackboneError: the teacher cannot be loaded, or is no MobileNetV2.
        SourceError: photos that cannot be read.
    """
    keep_memory()
    torch.manual_seed(plan.seed)
    guide, loaded = pretrained(teacher, "image", MobileNetV2Model)
    guide = nn.Module.to(guide, memory_format=torch.channels_last)
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(work / f"{_key(loaded, photos, plan)}.pt", plan)
    banks = Banks(
        painted_bank(work, plan.painted, tell),
        photo_bank(work, photos, tell) if photos else None,
        glyph_bank(work, plan.classes, tell),
    )
    start = empty(guide, plan.expand_ratio) if checkpoint.begun() else _narrowed(guide, banks, plan, tell)
    student = Student(start, plan.classes).to(memory_format=torch.channels_last)
    healed = _train(student, Lesson(guide, banks, plan), checkpoint, tell).backbone
    _settle(healed, banks, plan)
    return save_starter(healed, loaded.processor, output)


def _key(teacher: Backbone, photos: Sequence[Path], plan: Plan) -> str:
    """Other arguments, another checkpoint: what lies there is of no use to them."""
    told = (teacher.key, digest(photos), plan)
    return "vision-" + hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()


def _narrowed(guide: MobileNetV2Model, banks: Banks, plan: Plan, tell: Tell) -> MobileNetV2Model:
    tell("narrowing the teacher")
    generator = torch.Generator().manual_seed(plan.seed)
    seen = [banks.pictures(plan, SIDE, generator) for _ in range(plan.solved_on // plan.batch)]
    return narrowed(guide, plan.expand_ratio, seen)


@torch.no_grad()
def _settle(model: MobileNetV2Model, banks: Banks, plan: Plan) -> None:
    """Batch statistics of what it learnt from, letters too."""
    generator = torch.Generator().manual_seed(plan.seed + 1)
    settled = Settled(model.eval())
    for _ in range(20):
        model(torch.cat([banks.pictures(plan, SIDE, generator), banks.letters(plan, SIDE, generator)[0]]))
    settled.settle()


@dataclass(frozen=True)
class Banks:
    painted: np.ndarray
    photos: np.ndarray | None
    glyphs: np.ndarray

    def pictures(self, plan: Plan, side: int, generator: torch.Generator) -> torch.Tensor:
        """[B, 3, side, side]: photos and painted pictures."""
        taken = round(plan.batch * plan.photo_share) if self.photos is not None else 0
        parts = [(self.painted, plan.batch - taken)] + ([(self.photos, taken)] if self.photos is not None else [])
        seen = [views(bank[_some(len(bank), count, generator)], side, generator, mirror=True) for bank, count in parts]
        return torch.cat(seen)

    def letters(self, plan: Plan, side: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """[G, 3, side, side] and the class of each."""
        chosen = _some(len(self.glyphs), plan.glyphs, generator)
        return inked(self.glyphs[chosen], side, generator), torch.from_numpy(chosen // HANDS)


def _some(length: int, count: int, generator: torch.Generator) -> np.ndarray:
    return torch.randint(length, (count,), generator=generator).sort().values.numpy()


@dataclass(frozen=True)
class Lesson:
    """What the student learns from, and how."""

    guide: MobileNetV2Model
    banks: Banks
    plan: Plan

    def rate(self, step: int) -> float:
        """Warm up over 100 steps, fall along a cosine."""
        fall = 0.5 * (1 + math.cos(math.pi * step / self.plan.steps))
        return self.plan.rate * min(1, (step + 1) / WARM_UP) * fall

    def losses(self, student: Student, step: int) -> dict[str, torch.Tensor]:
        """Of a step, the whole under "loss"; the step draws the same pictures after a restart."""
        generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + step)
        side = self.plan.sides[torch.randint(len(self.plan.sides), (1,), generator=generator)]
        pictures = self.banks.pictures(self.plan, side, generator)
        letters, names = self.banks.letters(self.plan, side, generator)
        seen = student.backbone(torch.cat([pictures, letters]), output_hidden_states=True)
        losses = self._followed(seen, pictures)
        drawn = seen.pooler_output[len(pictures) :]
        drawn = drawn.detach() if step < self.plan.named_alone else drawn
        losses["name"] = nn.functional.cross_entropy(student.namer(drawn), names, label_smoothing=0.1)
        parts = losses["blocks"] + losses["last"] + losses["pooled"]
        return {"loss": parts + self.plan.glyph_weight * losses["name"], **losses}

    def _followed(self, seen: Any, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """How far the student is from its teacher: after every block, in the last map and in the pooled features."""
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=False):
            wanted = self.guide(pictures, output_hidden_states=True)
        count = len(pictures)
        pairs = zip(seen.hidden_states, wanted.hidden_states, strict=True)
        return {
            "blocks": torch.stack([_distance(ours[:count], theirs) for ours, theirs in pairs]).mean(),
            "last": _distance(seen.last_hidden_state[:count], wanted.last_hidden_state),
            "pooled": _distance(seen.pooler_output[:count], wanted.pooler_output),
        }


def _train(student: Student, lesson: Lesson, checkpoint: Checkpoint, tell: Tell) -> Student:
    """The student, its weights averaged over the steps and, with them, the start.

    Over few steps the start keeps much of a say. That is wanted: between the two lies a
    network that sees what the student learnt and knows what the teacher knew (Wortsman et
    al. 2022, "Robust fine-tuning of zero-shot models").
    """
    plan = lesson.plan
    average = torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGED)
    averaged = torch.optim.swa_utils.AveragedModel(student, multi_avg_fn=average)
    optimizer = torch.optim.AdamW(_groups(student), plan.rate, weight_decay=0.01)
    parts = {"student": student, "averaged": averaged, "optimizer": optimizer}
    if not checkpoint.begun():
        checkpoint.save(parts, step=0)  # narrowing took minutes
    for step in range(int(checkpoint.load(parts)["step"]), plan.steps):
        losses = lesson.losses(student, step)
        _move(student, optimizer, losses["loss"], lesson.rate(step))
        averaged.update_parameters(student)
        if (step + 1) % TOLD_EVERY == 0:
            tell(f"step {step + 1}/{plan.steps} " + " ".join(f"{k} {v.item():.4f}" for k, v in losses.items()))
        if (step + 1) % plan.kept_every == 0 or step + 1 == plan.steps:
            checkpoint.save(parts, step=step + 1)
    return cast(Student, averaged.module)


def _groups(student: Student) -> list[dict[str, Any]]:
    """The namer starts from nothing and learns ten times as fast."""
    parts = ((student.backbone, 1.0), (student.namer, 10.0))
    return [{"params": list(part.parameters()), "haste": haste} for part, haste in parts]


def _move(student: Student, optimizer: torch.optim.Optimizer, loss: torch.Tensor, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["haste"] * rate
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(student.parameters(), 1.0)
    optimizer.step()


def _distance(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Squared error in units of the teacher's own spread."""
    return nn.functional.mse_loss(ours, theirs.clone()) / theirs.var().clamp(min=1e-6)
