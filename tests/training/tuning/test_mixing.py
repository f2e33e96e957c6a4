"""Soft labels: what is mixed is mixed as much in labels as in pixels, and the loss is that of shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from transformers import set_seed

from hftransfer.data import load_data
from hftransfer.errors import RecipeError
from hftransfer.models import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.strategies import Phase, Rates
from hftransfer.tasks import get_task
from hftransfer.training import Leg, Machine, run_phases
from hftransfer.training.rows import IGNORED
from hftransfer.training.tuning.batches import change_of
from hftransfer.training.tuning.losses import SoftLoss, loss_of
from hftransfer.training.tuning.mixing import cut, mixed, require_fitting, shares
from tests.tiny import image_backbone, pictures

TUNED = Phase("full", "everything", "trainer", rates=Rates(1e-3, 1e-3), epochs=1.0)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("way", [mixed, cut])
def test_labels_are_mixed_as_much_as_pixels(way: Any) -> None:
    """Of images of one brightness each, the mean says how much of which there is."""
    classes = torch.arange(16) % 4
    pixels = classes.float().reshape(-1, 1, 1, 1).expand(-1, 3, 20, 20)
    changed, labels = way(pixels, shares(classes, 4), 1.0)
    assert torch.allclose(labels.sum(1), torch.ones(16))
    assert torch.allclose(changed.mean((1, 2, 3)), labels @ torch.arange(4.0), atol=1e-5)
    assert ((labels > 0).sum(1) == 2).sum() > 6
    whole = (changed == changed.round()).all()
    assert whole if way is cut else not whole


def test_half_of_an_image_is_cut_where_half_of_it_is_asked_for() -> None:
    """What of the rectangle lies beyond the image's edges is not cut: never more, and of some all of it."""
    _, labels = cut(torch.zeros(64, 3, 40, 40), torch.eye(64), 1000.0)
    assert 0.45 < labels.diagonal().min() < 0.6


def test_smoothed_shares_cost_what_torch_says_and_numbers_the_plain_loss() -> None:
    logits, labels = torch.randn(6, 5), torch.tensor([0, 1, 2, 3, 4, IGNORED])
    weights = torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0])
    for smoothing in (0.0, 0.2):
        loss = SoftLoss(smoothing)({"logits": logits}, shares(labels, 5))
        expected = functional.cross_entropy(logits[:5], labels[:5], label_smoothing=smoothing)
        assert torch.allclose(loss, expected)
    plain = SoftLoss(0.2, weights)({"logits": logits}, labels)
    assert torch.allclose(plain, functional.cross_entropy(logits, labels))
    heavy = SoftLoss(0.0, weights)({"logits": logits}, shares(labels, 5))
    assert torch.allclose(heavy, functional.cross_entropy(logits[:5], labels[:5], weight=weights))
    tags = SoftLoss(0.1)({"logits": logits.reshape(2, 3, 5)}, shares(labels.reshape(2, 3), 5))
    assert torch.allclose(tags, functional.cross_entropy(logits[:5], labels[:5], label_smoothing=0.1))


@pytest.fixture(scope="module")
def leg(tmp_path_factory: pytest.TempPathFactory) -> Leg:
    folder = tmp_path_factory.mktemp("mixing")
    recipe = Recipe(backbone=str(image_backbone(folder / "backbone")), batch_size=8, precision="fp32")
    data = load_data(pictures(folder / "p.zip"), recipe)
    backbone = load_backbone(get_task(data.task), data.labels, recipe)
    return Leg(backbone, data, TUNED, recipe, Machine(torch.device("cpu"), torch.float32), folder)


def test_what_the_recipe_asks_for_comes_into_the_batch(leg: Leg) -> None:
    batch = {"pixel_values": torch.randn(8, 3, 32, 32), "labels": torch.arange(8) % 2}

    def changed(phase: Phase = TUNED, **choices: Any) -> dict[str, Any]:
        change = change_of(replace(leg, recipe=leg.recipe.with_(**choices), phase=phase))
        made = change(batch)
        assert change.moves == (made["pixel_values"] is not batch["pixel_values"])
        return made

    assert changed(augmentation="none") is batch
    assert torch.equal(changed(augmentation="document")["labels"], batch["labels"])
    smooth = changed(augmentation="none", label_smoothing=0.1)
    assert torch.equal(smooth["labels"], shares(batch["labels"], 2))
    assert torch.equal(smooth["pixel_values"], batch["pixel_values"])
    for name in ("mixup", "cutmix"):
        one = changed(augmentation="none", **{name: 1.0})
        assert (one["labels"] % 1 != 0).any() and not torch.equal(one["pixel_values"], batch["pixel_values"])
    contrasted = changed(replace(TUNED, loss="contrastive"), augmentation="none", mixup=1.0, label_smoothing=0.1)
    assert contrasted is batch
    assert loss_of(leg) is None and isinstance(loss_of(replace(leg, recipe=leg.recipe.with_(mixup=0.2))), SoftLoss)


def test_a_run_with_all_of_it_trains_and_validation_has_hard_labels(leg: Leg, tmp_path: Path) -> None:
    recipe = leg.recipe.with_(mixup=0.4, cutmix=1.0, label_smoothing=0.1, augmentation="classic")
    set_seed(0)
    trained = run_phases(leg.backbone, leg.data, [TUNED], recipe, tmp_path)
    with torch.inference_mode():
        images = leg.data.splits["validation"]
        pixels = leg.backbone.processor(images["image"][:], return_tensors="pt")["pixel_values"]
        loss = functional.cross_entropy(leg.backbone.model(pixels).logits, torch.tensor(images["label"][:]))
    assert min(abs(row["eval_loss"] - float(loss)) for row in trained.history if "eval_loss" in row) < 1e-3


@pytest.mark.parametrize(
    ("task", "choice", "place"),
    [
        ("text-classification", {"mixup": 0.2}, "--mixup"),
        ("token-classification", {"cutmix": 1.0}, "--cutmix"),
        ("image-regression", {"mixup": 0.2}, "--mixup"),
        ("text-regression", {"label_smoothing": 0.1}, "--label-smoothing"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(task: str, choice: dict[str, float], place: str) -> None:
    with pytest.raises(RecipeError) as error:
        require_fitting(get_task(task), Recipe(**choice))
    assert error.value.place == place


def test_several_labels_are_smoothed_towards_the_middle(leg: Leg) -> None:
    several = replace(leg.data, task="image-multi-label")
    recipe = leg.recipe.with_(label_smoothing=0.2, augmentation="none")
    change = change_of(replace(leg, data=several, recipe=recipe))
    labels = change({"pixel_values": torch.zeros(2, 3, 8, 8), "labels": torch.eye(2)})["labels"]
    assert torch.allclose(labels, torch.tensor([[0.9, 0.1], [0.1, 0.9]]))
    require_fitting(get_task("image-multi-label"), recipe.with_(mixup=0.2))
