"""The dense head: it learns what no straight line tells, is gone on from, and is refused by who cannot load it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import pipeline

from hftransfer import Predictor, Recipe, fine_tune
from hftransfer.checkpoints import salvage
from hftransfer.errors import RecipeError
from hftransfer.models import dissect, load_backbone
from hftransfer.models.inputs import example
from hftransfer.models.source import load_source
from hftransfer.publish.proof import answers
from hftransfer.tasks import get_task
from hftransfer.training import machine_for, run_phases
from hftransfer.training.heads.dense import train_dense
from hftransfer.training.heads.solving import HeadProblem, Split, solve
from hftransfer.training.progress import Leg
from hftransfer.ui.publish.take_away import extras
from tests.flow.test_tasks import BEST, SOURCES, trained
from tests.publish.test_use import said
from tests.tiny import image_backbone, picture, pictures
from tests.training.test_phases import PROBE, phase, station

DENSE = {"head": "dense", "batch_size": 8, "precision": "fp32", "epochs": 1}


def crossed(seed: int) -> Split:
    """A class where two of the features have the same sign, another where they have not."""
    features = np.random.default_rng(seed).normal(size=(600, 16)).astype(np.float32)
    return Split(features, (features[:, 0] * features[:, 1] > 0).astype(np.int64))


@pytest.mark.parametrize("kind", ["text", pytest.param("convolution", marks=pytest.mark.slow)])
def test_it_learns_what_a_linear_head_cannot(kind: str, tmp_path: Path) -> None:
    """What is measured is what the model computes, a dense layer of its own before the head included."""
    backbone, data, recipe = station(kind, tmp_path, head="dense", weight_decay=0.1)
    anatomy = dissect(backbone.model, example(backbone), "it")
    problem = HeadProblem(crossed(0), crossed(1), 2, anatomy.activation)
    leg = Leg(backbone, data, PROBE, recipe, machine_for(recipe), tmp_path)
    found = train_dense(leg, anatomy, problem)
    assert solve(problem).figures["accuracy"] < 0.6 < 0.9 < found.figures["accuracy"]
    states = torch.from_numpy(crossed(1).features)
    with torch.inference_mode():
        if anatomy.dense:
            states = torch.tanh(backbone.model.get_submodule(anatomy.dense)(states))
        logits = backbone.model.get_submodule(anatomy.head.rpartition(".")[0]).eval()(states)
    assert (logits.argmax(1).numpy() == crossed(1).labels).mean() == pytest.approx(found.figures["accuracy"], abs=0.01)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    folder = tmp_path_factory.mktemp("old")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTRANSFER_HOME", str(folder / "home"))
        recipe = Recipe(backbone=str(image_backbone(folder / "b")), strategy="full", **DENSE)
        return fine_tune(pictures(folder / "p.zip"), recipe, output=folder / "model", workdir=folder / "work")


def test_only_hftransfer_loads_it_and_says_so(old: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="hftransfer-dense-head"):
        pipeline("image-classification", model=str(old.folder))
    text = (old.folder / "README.md").read_text(encoding="utf-8")
    assert "Only hftransfer loads this model" in text and "library_name: hftransfer" in text
    assert "import pipeline" not in text and "Predictor.from_pretrained(" in text
    (tmp_path / "photo.png").write_bytes(picture("amber", 77))
    found = old.predict(tmp_path / "photo.png")
    assert found.prediction == "amber"
    (tmp_path / "model").symlink_to(old.folder)
    beside = extras(old.folder)
    assert "hftransfer" in beside["requirements.txt"] and "transformers" not in beside["requirements.txt"].split(">")[0]
    out = said(beside["predict.py"], [str(tmp_path / "photo.png")], monkeypatch, tmp_path / "predict.py")
    assert out.endswith(": amber\n")
    [proved] = answers(old.folder, old.task, [str(tmp_path / "photo.png")])  # as a push does
    assert proved == pytest.approx(dict(found.scores), abs=1e-6)
    config = json.loads((old.folder / "config.json").read_text())
    assert (config["model_type"], config["inner_model_type"]) == ("hftransfer-dense-head", "vit")


def test_what_is_kept_of_a_run_is_the_same_model(old: Predictor, tmp_path: Path) -> None:
    assert salvage(old.folder.parent / "work", tmp_path / "kept")
    kept = Predictor.from_pretrained(tmp_path / "kept")
    batch = example(old.backbone)
    assert np.array_equal(kept.scores(batch), old.scores(batch))


@pytest.mark.slow
def test_training_and_the_saved_folder_agree(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, head="dense")
    run_phases(backbone, data, [PROBE, phase()], recipe, tmp_path / "work")
    backbone.model.save_pretrained(tmp_path / "saved")
    backbone.processor.save_pretrained(tmp_path / "saved")
    with torch.inference_mode():
        logits = backbone.model(**example(backbone)).logits
    saved = Predictor.from_pretrained(tmp_path / "saved")
    assert np.allclose(saved.scores(example(backbone)), logits.softmax(-1).numpy(), atol=1e-6)


def test_its_labels_are_gone_on_with(old: Predictor, tmp_path: Path) -> None:
    """The hidden layer stays, and so do the rows of labels that were known."""
    source = pictures(tmp_path / "n.zip", images=10)
    new = fine_tune(source, Recipe(backbone=str(old.folder), strategy="feature-extraction"), output=tmp_path / "new")
    heads = [model.backbone.model.classifier for model in (old, new)]
    assert torch.equal(heads[0].hidden.weight, heads[1].hidden.weight)
    assert new.report["head"] == "dense" and new.report["metrics"]["accuracy"]["value"] == 1.0


@pytest.mark.slow
def test_everything_is_tuned_from_it(old: Predictor, tmp_path: Path) -> None:
    source = pictures(tmp_path / "n.zip", images=10)
    tuned = fine_tune(source, Recipe(backbone=str(old.folder), strategy="full", epochs=1), output=tmp_path / "tuned")
    assert tuned.report["metrics"]["accuracy"]["value"] == 1.0 and tuned.report["head"] == "dense"


def test_other_labels_get_the_head_that_is_asked_for(old: Predictor) -> None:
    task, labels = get_task("image-classification"), ("a", "b")
    for head, kind in (("linear", torch.nn.Linear), ("dense", type(old.backbone.model.classifier))):
        fresh = load_backbone(task, labels, Recipe(backbone=str(old.folder), head=head))
        assert type(fresh.model.classifier) is kind
        body = fresh.model.state_dict()
        assert all(
            torch.equal(tensor, body[name])
            for name, tensor in old.backbone.model.state_dict().items()
            if not name.startswith("classifier")
        )
    with pytest.raises(RecipeError, match="told by a dense head"):
        load_source(fresh, task)


def test_a_linear_head_that_is_gone_on_from_is_no_dense_one(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path)
    backbone.model.save_pretrained(tmp_path / "saved")
    backbone.processor.save_pretrained(tmp_path / "saved")
    with pytest.raises(RecipeError, match="whose linear head is gone on from") as refused:
        asked = Recipe(backbone=str(tmp_path / "saved"), head="dense")
        load_backbone(get_task(data.task), data.labels, asked, known=2)
    assert refused.value.place == "--head"


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_every_task_has_it(name: str, tmp_path: Path) -> None:
    model, source = trained(name, tmp_path, "feature-extraction", head="dense")
    metrics = model.report["metrics"]
    key = next(metric for suffix, metric in BEST.items() if name.endswith((suffix, suffix[:-1] + "-classification")))
    assert metrics[key]["value"] > 0.6, metrics
    again = Predictor.from_pretrained(model.folder).evaluate(source)
    assert again.metrics[key].value > 0.6
    with pytest.raises(ValueError, match="hftransfer-dense-head"):
        pipeline(model.task.pipeline, model=str(model.folder))
