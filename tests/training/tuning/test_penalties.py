"""What draws a model back to its source, and what keeps its weights small: as the formulas say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hftransfer.models import dissect
from hftransfer.models.inputs import example
from hftransfer.strategies import Rates, SourcePenalty
from hftransfer.training import Machine, run_phases
from hftransfer.training.progress import Leg
from hftransfer.training.tuning.penalties import penalty_of
from hftransfer.training.tuning.tune import trainable
from tests.training.test_phases import copied, phase, station

CPU = Machine(torch.device("cpu"), torch.float32)


def leg_of(kind: str, folder: Path, penalty: SourcePenalty | None = None, **choices: object) -> Leg:
    backbone, data, recipe = station(kind, folder, **choices)
    return Leg(backbone, data, phase(penalty=penalty), recipe, CPU, folder)


@pytest.mark.parametrize("kind", ["text", "convolution"])
def test_the_penalty_is_its_formula(kind: str, tmp_path: Path) -> None:
    """After every parameter has moved: from where they began, of the head, and the sum of absolute sizes."""
    leg = leg_of(kind, tmp_path, SourcePenalty(alpha=0.3, beta=0.07), l1=0.002)
    model = leg.backbone.model
    anatomy = dissect(model, example(leg.backbone), "it")
    began, groups = copied(model), trainable(leg)
    assert {group["weight_decay"] for group in groups} == {0.0}  # another pull than the source's
    penalty = penalty_of(leg)
    assert penalty is not None
    chance = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=chance)
    head = tuple(f"{name}." for name in (anatomy.head, anatomy.dense) if name)
    named = dict(model.named_parameters())
    far = sum(((part - began[name]) ** 2).sum() for name, part in named.items() if not name.startswith(head))
    large = sum((part**2).sum() for name, part in named.items() if name.startswith(head) and part.dim() > 1)
    sizes = sum(part.abs().sum() for part in named.values() if part.dim() > 1)
    whole = 0.3 / 2 * far + 0.07 / 2 * large + 0.002 * sizes
    torch.testing.assert_close(penalty(), whole)
    first, part = next((name, part) for name, part in named.items() if part.dim() > 1)
    (slope,) = torch.autograd.grad(penalty(), part)
    torch.testing.assert_close(slope, 0.3 * (part - began[first]).detach() + 0.002 * part.detach().sign())
    part.requires_grad = False  # what does not train is not weighed
    assert penalty() < whole


def test_without_a_wish_there_is_no_penalty(tmp_path: Path) -> None:
    leg = leg_of("text", tmp_path)
    assert penalty_of(leg) is None
    assert {group["weight_decay"] for group in trainable(leg)} == {0.0, leg.recipe.weight_decay}


def test_training_stays_near_what_it_is_drawn_to(tmp_path: Path) -> None:
    moved = []
    for number, penalty in enumerate((None, SourcePenalty(100.0, 0.0))):
        folder = tmp_path / str(number)
        folder.mkdir()
        leg = leg_of("text", folder, penalty)
        began = copied(leg.backbone.model)
        quick = replace(leg.phase, rates=Rates(1e-2, 1e-2), epochs=2.0)
        run_phases(leg.backbone, leg.data, [quick], leg.recipe, folder)
        far = (tensor - began[name] for name, tensor in leg.backbone.model.state_dict().items() if "layer.0" in name)
        moved.append(sum(float(tensor.norm()) for tensor in far))
    assert 0 < moved[1] < 0.5 * moved[0]
