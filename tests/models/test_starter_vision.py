"""How the image starter is built: narrowed, healed, and gone on with after a kill."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import MobileNetV2Config, MobileNetV2ImageProcessor, MobileNetV2Model

from hftransfer.models.starters.build.glyphs import glyph
from hftransfer.models.starters.build.narrowing import Settled, empty, narrowed
from hftransfer.models.starters.build.painting import PAINTERS
from hftransfer.models.starters.build.pictures import inked, photo_bank, views
from tests.tiny import picture

SCRIPT = """
import sys
from pathlib import Path
from hftransfer.models.starters.build.vision import Plan, build
teacher, photos, output, work = map(Path, sys.argv[1:5])
plan = Plan(steps=6, batch=4, glyphs=2, classes=3, painted=6, solved_on=8, named_alone=2, sides=(64,), kept_every=1)
build(teacher, [photos], output, work, plan, lambda line: print(line, flush=True))
"""


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MobileNetV2 of few channels whose norms hold statistics, as a trained one's do."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("teacher")
    model = MobileNetV2Model(MobileNetV2Config(depth_multiplier=0.35, image_size=64, initializer_range=0.2))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(noise(16))
    model.eval().save_pretrained(folder)
    MobileNetV2ImageProcessor(size={"height": 64, "width": 64}, do_center_crop=False).save_pretrained(folder)
    return folder


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def loaded(teacher: Path) -> MobileNetV2Model:
    return MobileNetV2Model.from_pretrained(teacher).eval()


def error(one: MobileNetV2Model, other: MobileNetV2Model) -> float:
    """Of the fourth block's output on new pictures, in units of the other's variance."""
    with torch.inference_mode():
        ours, theirs = (model(noise(8, seed=9), output_hidden_states=True).hidden_states[3] for model in (one, other))
    return float((ours - theirs).square().mean() / theirs.var())


def test_a_model_as_wide_as_its_teacher_does_the_same(teacher: Path) -> None:
    guide = loaded(teacher)
    same = narrowed(guide, guide.config.expand_ratio, [noise(16, seed) for seed in range(8)])
    assert error(same, guide) < 0.01


def test_a_narrower_one_does_nearly_the_same(teacher: Path) -> None:
    guide = loaded(teacher)
    solved = narrowed(guide, 4.0, [noise(16, seed) for seed in range(8)])
    assert solved.num_parameters() < guide.num_parameters()
    assert error(solved, guide) < 0.7
    assert error(empty(guide, 4.0), guide) > 0.9


def test_settling_moves_the_statistics_and_not_the_function(teacher: Path) -> None:
    model, pictures = loaded(teacher), noise(8, seed=3) * 0.3
    with torch.inference_mode():
        before = model(pictures).pooler_output
    settled = Settled(model)
    with torch.no_grad():
        model(pictures)
    settled.settle()
    with torch.inference_mode():
        after = model(pictures).pooler_output
        fresh = model.train()(pictures).pooler_output
    assert torch.allclose(before, after, atol=1e-4)
    assert torch.allclose(before, fresh, atol=1e-2)  # batches of such pictures find what the norms hold


@pytest.mark.slow
def test_a_killed_build_goes_on_to_the_same_weights(teacher: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos.zip"
    with zipfile.ZipFile(photos, "w") as archive:
        for number in range(5):
            archive.writestr(f"any/{number}.png", picture("amber", number))

    def start(name: str) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", SCRIPT, teacher, photos, tmp_path / name / "out", tmp_path / name / "work"]
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True, env=env)

    whole = start("whole")
    whole.communicate(timeout=200)
    assert whole.returncode == 0
    stopped = start("stopped")
    work = tmp_path / "stopped" / "work"
    while not list(work.glob("vision-*.pt")):
        assert stopped.poll() is None
        time.sleep(0.01)
    stopped.send_signal(signal.SIGKILL)
    stopped.communicate()
    assert not (tmp_path / "stopped" / "out").exists()
    again = start("stopped")
    told = again.communicate(timeout=200)[0]
    assert again.returncode == 0 and "narrowing" not in told
    one, other = (load_file(tmp_path / name / "out" / "model.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert {tensor.dtype for key, tensor in one.items() if key.endswith("weight")} == {torch.float16}


@pytest.mark.parametrize("painter", dict.fromkeys(PAINTERS))
def test_painters_paint_what_their_seed_says(painter) -> None:
    one, again, other = (painter(np.random.default_rng(seed), 32) for seed in (1, 1, 2))
    assert one.shape == (32, 32, 3) and one.dtype == np.uint8
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_drawings_of_one_glyph_are_nearer_than_those_of_another() -> None:
    hands = [np.random.default_rng([2, number]) for number in range(40)]
    drawn = np.stack([glyph(number // 20, hand, 32) for number, hand in enumerate(hands)]).astype(float)
    means = drawn[:20].mean(0), drawn[20:].mean(0)
    within = np.square(drawn[:20] - means[0]).mean()
    assert np.square(drawn[:20] - means[1]).mean() > 1.2 * within


def test_photos_are_read_whatever_their_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        wide = io.BytesIO()
        Image.new("RGB", (40, 20), (0, 0, 255)).save(wide, "PNG")
        archive.writestr("cats/1.png", picture("amber", 1))
        archive.writestr("2.PNG", wide.getvalue())
        archive.writestr("notes.txt", "none")
    bank = photo_bank(tmp_path, [tmp_path / "p.zip"], lambda line: None)
    assert bank.shape == (2, 96, 96, 3)
    assert np.array_equal(bank[0].reshape(-1, 3).mean(0).round(), [0, 0, 255])


def test_views_are_crops_in_range() -> None:
    random = torch.Generator().manual_seed(0)
    seen = views(np.full((4, 32, 32, 3), 255, np.uint8), 16, random, mirror=True)
    assert seen.shape == (4, 3, 16, 16) and seen.abs().max() <= 1
    letters = inked(np.zeros((4, 32, 32), np.uint8), 16, random)
    assert letters.shape == (4, 3, 16, 16)
    assert letters.std((2, 3)).max() < 1e-5  # paper without ink
