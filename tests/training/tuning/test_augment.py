"""What presets do to pixels, and which one images ask for."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from hftransfer.training.tuning.augment import PRESETS, Preset, augmented
from hftransfer.training.tuning.colours import CHANGES, Light, jitter, random_colours
from hftransfer.training.tuning.looks import preset_for
from tests.tiny import COLOURS

PROCESSOR = SimpleNamespace(image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4])
RAMP = torch.linspace(-1, 1, 32).expand(64, 3, 32, 32)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_a_document_is_never_mirrored_and_hardly_turned() -> None:
    changed = augmented(RAMP, PRESETS["document"], None)
    assert changed.shape == RAMP.shape and not torch.equal(changed, RAMP)
    assert (changed[..., -1] > changed[..., 0]).all()
    assert (changed - RAMP).abs().max() < 0.75


@pytest.mark.parametrize("name", ["photo", "classic"])
def test_others_are_mirrored_every_other_time_each_by_its_own_chance(name: str) -> None:
    changed = augmented(RAMP, PRESETS[name], None)
    mirrored = (changed[..., -1] < changed[..., 0]).float().mean((1, 2))
    assert 0.25 < (mirrored > 0.5).float().mean() < 0.75
    assert len({tuple(one.flatten()[:200].tolist()) for one in changed}) == len(changed)


@pytest.mark.parametrize("sides", [(33, 33), (33, 65)])
def test_a_turn_is_one_in_pixels_whatever_the_frame(sides: tuple[int, int]) -> None:
    """A dot lies as far from the middle as before, and is turned by no more than was allowed."""
    high, wide = sides
    pixels = torch.zeros(32, 1, high, wide)
    pixels[:, :, high // 2 - 1 : high // 2 + 2, wide // 2 + 11 : wide // 2 + 14] = 1.0
    changed = augmented(pixels, Preset(turn=40.0, beyond="zeros"), None)[:, 0]
    down, across = torch.meshgrid(torch.arange(high) - high // 2, torch.arange(wide) - wide // 2, indexing="ij")
    mass = changed.sum((1, 2))
    x, y = (changed * across).sum((1, 2)) / mass, (changed * down).sum((1, 2)) / mass
    angles = torch.atan2(y, x) * 180 / torch.pi
    assert torch.allclose((x**2 + y**2).sqrt(), torch.tensor(12.0), atol=0.5)
    assert angles.abs().max() < 41 and angles.max() > 20 and angles.min() < -20


def test_colours_change_as_they_are_seen_not_as_numbers() -> None:
    """Black in a processor's numbers is below nought, and stays black however bright the light is."""
    light = Light.of(PROCESSOR)
    assert light is not None
    black, white = (light.processed(torch.full((16, 3, 8, 8), colour)) for colour in (0.0, 1.0))
    assert torch.allclose(light.processed(jitter(light.seen(black), 0.5)), black, atol=1e-6)
    seen = light.seen(augmented(white, Preset(colour=0.5), light))
    assert seen.max() <= 1 and seen.min() >= 0.25 and seen.std() > 0.05
    bytes_kept = Light.of(SimpleNamespace(image_mean=[0.0] * 3, image_std=[1.0] * 3, do_rescale=False))
    assert bytes_kept is not None and torch.allclose(bytes_kept.seen(torch.full((1, 3, 2, 2), 255.0)), torch.ones(1))
    assert Light.of(SimpleNamespace(image_mean=None)) is None


def test_each_of_randaugments_colours_changes_its_rows_alone() -> None:
    images = torch.rand(len(CHANGES) + 2, 3, 16, 16) * 0.8 + 0.1
    changed = random_colours(images, torch.arange(-1, len(CHANGES) + 1)[:, None])
    same = [torch.equal(one, other) for one, other in zip(changed, images, strict=True)]
    assert same == [True, *[False] * len(CHANGES), True]


def test_the_same_chance_gives_the_same_changes_and_another_one_others() -> None:
    light, changed = Light.of(PROCESSOR), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        changed.append(augmented(RAMP, PRESETS["photo"], light))
    assert torch.equal(changed[0], changed[1]) and not torch.equal(changed[0], changed[2])


def test_digits_are_documents_and_what_has_colours_is_none() -> None:
    digits = [Image.fromarray((image * 15.9).astype(np.uint8)) for image in load_digits().images[:60]]
    assert _preset(digits)[0] == "document"
    noise = np.random.default_rng(0)
    around = [np.array(colour) + noise.integers(-15, 16, (32, 32, 3)) for colour in COLOURS.values()]
    assert _preset([Image.fromarray(pixels.clip(0, 255).astype(np.uint8)) for pixels in around])[0] == "mild"
    slope = Image.fromarray(np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8))
    assert _preset([slope]) == ("mild", "1 of 1 images are more than strokes on a plain ground")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "expected"),
    [("omniglot20", "document"), *((name, "mild") for name in ("handdigits10", "cifar10_small", "trash6", "dtd10"))],
)
def test_real_images_get_the_preset_of_their_kind(name: str, expected: str) -> None:
    shared = Path(os.environ.get("HFTRANSFER_SHARED", "../shared")) / "data" / "images" / f"{name}.zip"
    if not shared.is_file():
        pytest.skip(f"needs {name}.zip in the data/images of a folder that HFTRANSFER_SHARED names")
    with ZipFile(shared) as archive:
        names = [name for name in sorted(archive.namelist()) if name.endswith((".png", ".jpg"))]
        images = [Image.open(archive.open(name)).convert("RGB") for name in names[:: len(names) // 48]]
    assert _preset(images)[0] == expected


def _preset(images: list[Image.Image]) -> tuple[str, str]:
    rows = datasets.Dataset.from_dict({"image": images}, features=datasets.Features({"image": datasets.Image()}))
    return preset_for(rows, "image")
