"""What the kinds of jobs give, each in a worker of its own: examples, a plan; and who else may have a token."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from PIL import Image

from hftransfer.jobs import ending, supervisor
from hftransfer.jobs.limits import limits
from hftransfer.jobs.states import ENDED, Job, State
from hftransfer.jobs.worker import WORK
from hftransfer.recipe import Recipe
from tests import tiny


def ended(id: str, seconds: float = 60) -> Job:
    """The job once it is over."""
    end = time.monotonic() + seconds
    while (job := supervisor.find(id, "ann")).state not in ENDED:
        assert time.monotonic() < end
        time.sleep(0.05)
        supervisor.tick()
    return job


def test_a_check_shows_some_of_each_class(tmp_path: Path) -> None:
    job = ended(supervisor.submit(str(tiny.pictures(tmp_path / "c.zip")), Recipe(), "ann", kind="check"))
    assert job.state is State.DONE and job.result is not None
    assert {label: len(names) for label, names in job.result["examples"].items()} == {"amber": 4, "indigo": 4}
    for name in job.result["examples"]["amber"]:
        with Image.open(io.BytesIO(supervisor.example(job, name).read_bytes())) as image:
            assert image.format == "JPEG" and image.convert("RGB").resize((1, 1)).getpixel((0, 0)) != (0, 0, 0)
            red, _, blue = image.convert("RGB").resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
            assert red > 2 * blue


def test_a_plan_is_what_training_would_take(tmp_path: Path) -> None:
    recipe = Recipe(backbone=str(tiny.text_backbone(tmp_path / "bert")), strategy="full", epochs=3, batch_size=8)
    job = ended(supervisor.submit(str(tiny.table(tmp_path / "days.csv")), recipe, "ann", kind="plan"))
    planned = job.result or {}
    assert planned["steps"] == 3 * -(-planned["rows"]["train"] // 8)
    assert planned["seconds"] > 0 and planned["memory_mb"] > 100
    assert job.model is None and not Path(str(job.output)).exists()


@pytest.mark.slow
def test_a_plan_shows_an_image_as_training_would_change_it(tmp_path: Path) -> None:
    recipe = Recipe(backbone=str(tiny.image_backbone(tmp_path / "vit")), strategy="full", augmentation="classic")
    job = ended(supervisor.submit(str(tiny.pictures(tmp_path / "c.zip")), recipe, "ann", kind="plan"))
    told = job.result or {}
    assert told["augmentation"] == "classic" and len(told["pictures"]) == 8
    shown = [supervisor.example(job, name).read_bytes() for name in told["pictures"]]
    assert len(set(shown)) == 8
    with Image.open(io.BytesIO(shown[0])) as image:
        red, _, blue = image.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
        assert image.size == (32, 32) and abs(red - blue) > 50


def test_a_plan_that_cannot_be_says_what_training_would(tmp_path: Path) -> None:
    recipe = Recipe(backbone=str(tmp_path / "nowhere"))
    job = ended(supervisor.submit(str(tiny.table(tmp_path / "days.csv")), recipe, "ann", kind="plan"))
    assert job.state is State.FAILED and "nowhere" in (job.error or {})["cause"]


def test_a_plan_that_is_dropped_ends_at_once(tmp_path: Path) -> None:
    id = supervisor.submit(str(tiny.table(tmp_path / "days.csv")), Recipe(), "ann", kind="plan")
    began = time.monotonic()
    supervisor.cancel(id)
    assert ended(id).state is State.CANCELLED
    assert time.monotonic() - began < ending.TERM_AFTER / 2  # training's grace


def test_every_kind_of_work_has_a_place_in_the_queue() -> None:
    assert limits().kinds().keys() == WORK.keys()


@pytest.mark.slow
def test_a_comparison_tells_which_backbone_to_take(tmp_path: Path) -> None:
    recipe = Recipe(backbone=str(tiny.text_backbone(tmp_path / "bert")))
    job = ended(supervisor.submit(str(tiny.table(tmp_path / "days.csv")), recipe, "ann", kind="recommend"))
    found = job.result or {}
    assert {one["backbone"] for one in found["candidates"]} > {recipe.backbone, "starter:text"}  # what is named, too
    assert found["metric"] == "accuracy" and found["rows"] > 20 and "HF_HUB_OFFLINE" in found["note"]
    assert job.message.startswith("solving heads")
    assert job.model is None and not Path(str(job.output)).exists()


def test_a_token_is_taken_once_and_goes_with_a_cancelled_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "tick", lambda: None)  # nothing starts
    first, second = (supervisor.submit(str(tmp_path), Recipe(), "ann", kind="push", token="hf_x") for _ in range(2))
    path = supervisor.folder(first) / supervisor.TOKEN
    assert path.stat().st_mode & 0o077 == 0
    assert supervisor.take_token(first) == "hf_x" and not path.exists() and supervisor.take_token(first) == ""
    supervisor.cancel(second)
    assert not (supervisor.folder(second) / supervisor.TOKEN).exists()
    assert "hf_x" not in str(supervisor.request(supervisor.find(second, "ann")))
