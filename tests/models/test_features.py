"""Features: equal to the model's own states, computed once, forgotten when anything changes."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch

from hftransfer.models import Anatomy, dissect, load_backbone, read_features
from hftransfer.models.features import batches, whole_array
from hftransfer.models.inputs import encode, example
from hftransfer.models.views import View
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.values import Backbone
from tests.tiny import convolutional_backbone, text_backbone

WORDS = ["a day", "the day was lovely", "sad", "the the the the awful day was 1 2 3", "happy 4"] * 4
TOP = (View(2),)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> tuple[Backbone, Anatomy]:
    folder = text_backbone(tmp_path_factory.mktemp("bert"))
    backbone = load_backbone(get_task("text-classification"), ("a", "b"), Recipe(backbone=str(folder)))
    return backbone, dissect(backbone.model, example(backbone), "bert")


def compute(backbone: Backbone, anatomy: Anatomy, texts=WORDS, digest="d", views=TOP, **more) -> np.ndarray:
    rows = datasets.Dataset.from_dict({"text": texts})
    options = {"device": torch.device("cpu"), "dtype": torch.float32, "batch_size": 3} | more
    return read_features(backbone, anatomy, rows, digest, views=views, **options)


class Counting:
    """Counts the forward passes of a model."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.passes = 0
        self.handle = model.register_forward_pre_hook(self._count)

    def _count(self, module: torch.nn.Module, args: object) -> None:
        self.passes += 1


def test_they_are_the_states_in_the_rows_order(bert: tuple[Backbone, Anatomy]) -> None:
    backbone, anatomy = bert
    got = compute(backbone, anatomy, views=(View(1), View(2)))
    assert got.shape == (len(WORDS), 2, 16) and got.dtype == np.float32
    with torch.inference_mode():
        for place, text in enumerate(WORDS):
            states = backbone.model(**encode(backbone, [text]), output_hidden_states=True).hidden_states
            for at, depth in enumerate((1, 2)):
                assert np.allclose(got[place, at], states[depth][0, 0].numpy(), atol=1e-5)


def test_a_second_run_does_no_forward_pass(bert: tuple[Backbone, Anatomy]) -> None:
    first = compute(*bert)
    counting = Counting(bert[0].model)
    second = compute(*bert)
    counting.handle.remove()
    assert counting.passes == 0
    assert np.array_equal(first, second) and isinstance(second, np.memmap)


def test_who_reads_fewer_views_reads_none_anew(bert: tuple[Backbone, Anatomy]) -> None:
    both = compute(*bert, digest="views", views=(View(1), View(2)))
    counting = Counting(bert[0].model)
    assert np.array_equal(compute(*bert, digest="views", views=(View(2),)), both[:, 1:])
    assert counting.passes == 0
    compute(*bert, digest="views", views=(View(2, "mean"),))
    counting.handle.remove()
    assert counting.passes > 0


@pytest.mark.parametrize("change", ["data", "weights", "revision", "processor", "precision", "view"])
def test_any_change_computes_anew(change: str, bert: tuple[Backbone, Anatomy]) -> None:
    backbone, anatomy = bert
    compute(backbone, anatomy)
    shorter = load_backbone(
        get_task("text-classification"), ("a", "b"), Recipe(backbone=backbone.name, max_length=4)
    ).processor
    changed = {
        "data": (backbone, {"digest": "other"}),
        "weights": (replace(backbone, key="other"), {}),
        "revision": (replace(backbone, revision="other"), {}),
        "processor": (replace(backbone, processor=shorter), {}),
        "precision": (backbone, {"dtype": torch.bfloat16}),
        "view": (backbone, {"views": (View(1),)}),
    }
    other, options = changed[change]
    counting = Counting(other.model)
    compute(other, anatomy, **options)
    counting.handle.remove()
    assert counting.passes > 0


def test_a_broken_pass_leaves_nothing(bert: tuple[Backbone, Anatomy], own_home: Path) -> None:
    backbone, anatomy = bert

    def stop(event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute(backbone, anatomy, on_event=stop)
    assert not list((own_home / "features").iterdir())


def test_batches_put_texts_of_like_length_together(bert: tuple[Backbone, Anatomy]) -> None:
    rows = datasets.Dataset.from_dict({"text": WORDS})
    widths = [batch["input_ids"].shape[1] for _, batch in batches(bert[0], rows, 4)]
    assert widths == sorted(widths) and len(set(widths)) > 1


def test_a_convolutional_backbone_is_read_where_its_head_reads(tmp_path: Path) -> None:
    folder = convolutional_backbone(tmp_path)
    backbone = load_backbone(get_task("image-classification"), ("a", "b"), Recipe(backbone=str(folder)))
    images = [np.random.default_rng(seed).integers(0, 256, (40, 30, 3), dtype=np.uint8) for seed in range(5)]
    rows = datasets.Dataset.from_dict({"image": images}, features=datasets.Features({"image": datasets.Image()}))
    anatomy = dissect(backbone.model, example(backbone), "resnet")
    options = {"device": torch.device("cpu"), "dtype": torch.float32, "batch_size": 2}
    got = read_features(backbone, anatomy, rows, "d", views=(View(),), **options)
    with torch.inference_mode():
        expected = backbone.model.resnet(**encode(backbone, rows["image"])).pooler_output.flatten(1).numpy()
    assert np.allclose(got[:, 0], expected, atol=1e-5)


def test_a_damaged_cache_is_computed_anew(bert: tuple[Backbone, Anatomy], own_home: Path) -> None:
    whole = np.array(compute(*bert))
    (file,) = (own_home / "features").iterdir()
    file.write_bytes(file.read_bytes()[:200])
    assert np.array_equal(compute(*bert), whole)


def test_a_disk_that_is_too_small_is_an_error_not_a_crash(tmp_path: Path) -> None:
    """On a real, tiny file system: a sparse file would kill the process when it is written to."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        with pytest.raises(OSError, match="No space left"):
            whole_array(tmp_path / "a.npy", np.float32, (1000, 1000))
        assert whole_array(tmp_path / "b.npy", np.float32, (10, 10)).shape == (10, 10)
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
