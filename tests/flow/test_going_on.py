"""A run that was killed goes on to the result that it would have had; one that is stopped keeps its best."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from transformers import pipeline

from hftransfer import Recipe, fine_tune
from hftransfer.checkpoints import best, last_checkpoint, salvage
from hftransfer.errors import OutputError
from tests.tiny import convolutional_backbone, image_backbone, pictures, table, text_backbone

KINDS = {
    "text": (text_backbone, lambda at: table(at / "t.csv", rows=60)),
    "image": (image_backbone, lambda at: pictures(at / "p.zip")),
    "convolution": (convolutional_backbone, lambda at: pictures(at / "p.zip")),
}
TRAIN = """
import sys
from hftransfer import Recipe, fine_tune
source, backbone, output, work = sys.argv[1:]
recipe = Recipe(backbone=backbone, strategy="full", epochs=12, batch_size=4, patience=50)
fine_tune(source, recipe, output=output, workdir=work)
"""


def child(at: Path, name: str, source: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", TRAIN, source, at / "backbone", at / name, at / f"{name}.work"]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(list(map(str, words)), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def checkpoint(work: Path) -> Path | None:
    return next((found for room in work.glob("phase-*") if (found := last_checkpoint(room))), None)


def killed_amid(run: subprocess.Popen[bytes], work: Path) -> None:
    """SIGKILL, once a checkpoint is there."""
    while checkpoint(work) is None:
        assert run.poll() is None, run.communicate()[1].decode()
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.communicate()


@pytest.mark.parametrize(
    "kind", ["text", *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "text")]
)
@pytest.mark.slow
def test_after_a_kill_the_result_is_the_undisturbed_one(kind: str, tmp_path: Path) -> None:
    make, data = KINDS[kind]
    make(tmp_path / "backbone")
    source = data(tmp_path)
    whole, killed = child(tmp_path, "whole", source), child(tmp_path, "killed", source)
    killed_amid(killed, tmp_path / "killed.work")
    assert not (tmp_path / "killed").exists()
    again = child(tmp_path, "killed", source)
    for run in (whole, again):
        err = run.communicate(timeout=250)[1].decode()
        assert run.returncode == 0, err
    one, other = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("whole", "killed"))
    assert one["metrics"] == other["metrics"]
    assert [row["step"] for row in one["history"] if "step" in row] == [
        row["step"] for row in other["history"] if "step" in row
    ]
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("whole", "killed")]
    for name, tensor in weights[0].items():
        assert (tensor - weights[1][name]).abs().max() < 1e-6, name


def test_what_a_killed_run_had_can_be_used(tmp_path: Path) -> None:
    text_backbone(tmp_path / "backbone")
    run = child(tmp_path, "m", table(tmp_path / "t.csv", rows=60))
    killed_amid(run, tmp_path / "m.work")
    assert salvage(tmp_path / "m.work", tmp_path / "m")
    answer = pipeline("text-classification", model=str(tmp_path / "m"))("a lovely day")
    assert answer[0]["label"] in json.loads((tmp_path / "m" / "config.json").read_text())["label2id"]
    assert salvage(tmp_path / "m.work", tmp_path / "m")  # again, in its place
    left = {path.name for path in tmp_path.iterdir() if not path.name.endswith(".partial")}  # SIGKILL's own
    assert left <= {"backbone", "t.csv", "m", "m.work", "home"}


def test_before_anything_was_learnt_there_is_nothing_to_keep(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    assert best(tmp_path / "work") is None
    assert not salvage(tmp_path / "work", tmp_path / "m") and not (tmp_path / "m").exists()


def test_a_checkpoint_cut_short_is_none(tmp_path: Path) -> None:
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}" if step == 9 else '{"best')
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-9"


def test_stopped_it_measures_and_saves_its_best(tmp_path: Path) -> None:
    steps: list[int] = []
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), strategy="full", epochs=500)
    model = fine_tune(
        table(tmp_path / "t.csv", rows=60),
        recipe,
        output=tmp_path / "m",
        on_event=lambda event: steps.append(event.step) if event.stage == "train" else None,
        over=lambda: max(steps, default=0) >= 3,
    )
    assert 3 <= max(steps) < 20
    assert model.report["stopped_early"] is True


def test_the_work_of_another_recipe_is_not_gone_on_from(tmp_path: Path) -> None:
    source, backbone = table(tmp_path / "t.csv"), str(text_backbone(tmp_path / "b"))
    fine_tune(source, Recipe(backbone=backbone, seed=1), output=tmp_path / "a", workdir=tmp_path / "w")
    with pytest.raises(OutputError, match="another recipe"):
        fine_tune(source, Recipe(backbone=backbone, seed=2), output=tmp_path / "b2", workdir=tmp_path / "w")


def test_other_data_is_not_gone_on_with(tmp_path: Path) -> None:
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), strategy="feature-extraction")
    fine_tune(table(tmp_path / "t.csv"), recipe, output=tmp_path / "a", workdir=tmp_path / "w")
    table(tmp_path / "t.csv", rows=30)
    with pytest.raises(OutputError, match="the data has changed"):
        fine_tune(tmp_path / "t.csv", recipe, output=tmp_path / "a2", workdir=tmp_path / "w")
