"""Images are made no larger than they need to be, where the backbone lets them."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from transformers import ConvNextConfig, ConvNextImageProcessor, ConvNextModel, MobileNetV2Config, MobileNetV2Model
from transformers import MobileNetV2ImageProcessor as MobileNetProcessor

from hftransfer.errors import RecipeError
from hftransfer.models import load_backbone
from hftransfer.models.inputs import encode
from hftransfer.models.sizes import fit_image_size, side
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.values import Backbone
from tests.tiny import image_backbone


def pictures_of(side: int, count: int = 5) -> datasets.Dataset:
    images = [np.full((side, side + 7, 3), shade, np.uint8) for shade in range(count)]
    return datasets.Dataset.from_dict({"image": images}, features=datasets.Features({"image": datasets.Image()}))


def load(folder: Path) -> Backbone:
    return load_backbone(get_task("image-classification"), ("a", "b"), Recipe(backbone=str(folder)))


@pytest.fixture
def convolutional(tmp_path: Path) -> Backbone:
    torch.manual_seed(0)
    MobileNetV2Model(MobileNetV2Config(depth_multiplier=0.1, min_depth=8)).eval().save_pretrained(tmp_path)
    processor = MobileNetProcessor(size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224})
    processor.save_pretrained(tmp_path)
    return load(tmp_path)


@pytest.mark.parametrize(("original", "expected"), [(8, 128), (32, 128), (40, 160), (56, 224), (640, 224)])
def test_small_originals_are_enlarged_four_times_at_most(original: int, expected: int, convolutional: Backbone) -> None:
    fitted = fit_image_size(convolutional, pictures_of(original), Recipe())
    assert side(fitted.processor) == expected
    assert encode(fitted, pictures_of(original)["image"][:2])["pixel_values"].shape == (2, 3, expected, expected)


def test_a_smaller_size_cuts_no_margin_off(convolutional: Backbone) -> None:
    """Of a 32 pixel image every pixel counts."""
    processor = fit_image_size(convolutional, pictures_of(32), Recipe()).processor
    assert processor.size["shortest_edge"] == processor.crop_size["height"] == 128
    assert side(convolutional.processor) == 224  # the backbone's own is left as it was


def test_the_size_asked_for_wins(convolutional: Backbone) -> None:
    assert side(fit_image_size(convolutional, pictures_of(32), Recipe(image_size=96)).processor) == 96


def test_a_backbone_with_positions_keeps_its_size(tmp_path: Path) -> None:
    backbone = load(image_backbone(tmp_path))
    assert fit_image_size(backbone, pictures_of(8), Recipe()) is backbone
    with pytest.raises(RecipeError, match="takes no images of 64 pixels") as caught:
        fit_image_size(backbone, pictures_of(8), Recipe(image_size=64))
    assert "32" in caught.value.fix


def test_a_size_that_the_layers_cannot_take_is_left_alone(tmp_path: Path) -> None:
    """Sizes are tried, not trusted: what breaks the forward pass is not used."""
    torch.manual_seed(0)
    config = ConvNextConfig(hidden_sizes=[8, 8, 8, 16], depths=[1, 1, 1, 1], num_stages=4)
    ConvNextModel(config).eval().save_pretrained(tmp_path)
    ConvNextImageProcessor(size={"shortest_edge": 224}, crop_pct=1.0).save_pretrained(tmp_path)
    backbone = load(tmp_path)
    with pytest.raises(RecipeError, match="takes no images of 16 pixels"):
        fit_image_size(backbone, pictures_of(8), Recipe(image_size=16))
