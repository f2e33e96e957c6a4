"""The source's classes mapped onto new labels: by the formula, onto themselves, and refused where there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hftransfer import fine_tune
from hftransfer.data import load_data
from hftransfer.errors import RecipeError
from hftransfer.models import dissect, load_backbone
from hftransfer.models.inputs import example
from hftransfer.models.kinship import kin
from hftransfer.models.source import source_classes
from hftransfer.recipe import Recipe
from hftransfer.strategies.label_mapping import MAPPING
from hftransfer.tasks import get_task
from hftransfer.training import run_phases
from hftransfer.training.heads.mapping import (
    Seen,
    agreement,
    conditional,
    eep,
    fit,
    joint_logits,
    leep_of,
    members,
    tangent,
)
from tests.tiny import TEXTS, table, text_backbone

LABELS = ("awful", "Lovely")  # what the classes of the source are called elsewhere


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that tells good texts from bad ones, under names of its own."""
    folder = tmp_path_factory.mktemp("source")
    rows = table(folder / "t.csv", labels=("lovely", "awful"))
    recipe = Recipe(backbone=str(text_backbone(folder / "bert")), strategy="feature-extraction", precision="fp32")
    fine_tune(rows, recipe, output=folder / "model")
    for ours in ("recipe.json", "report.json"):  # any checkpoint, not one of ours
        (folder / "model" / ours).unlink()
    return folder / "model"


def some(rows: int, classes: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(rows, classes)) * 2
    return logits, np.arange(rows) % labels


def test_leep_is_its_formula() -> None:
    """Equations 1 and 2 of the paper, written out."""
    logits, truth = some(12, 5, 3)
    theta = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    joint = np.zeros((3, 5))
    for row, label in enumerate(truth):
        joint[label] += theta[row] / len(truth)
    given = joint / joint.sum(0)
    expected = [sum(given[label, z] * theta[row, z] for z in range(5)) for row, label in enumerate(truth)]
    assert leep_of(Seen(logits, members(truth, 3))) == pytest.approx(np.log(expected).mean(), abs=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_chances_add_up_and_smoothing_draws_to_what_is_usual(smoothing: float) -> None:
    logits, truth = some(12, 5, 3)
    theta = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    theta[:, 4] = 0.0  # a class that nothing was taken for
    given = conditional(theta, members(truth, 3), smoothing)
    assert given[:, :4].sum(0) == pytest.approx(np.ones(4))
    assert given[:, 4] == pytest.approx(np.full(3, 1 / 3 if smoothing else 0.0))
    flags = members(truth, 3)
    there, absent = (conditional(theta, each, smoothing, 2) for each in (flags, 1 - flags))
    assert (there + absent)[:, :4] == pytest.approx(np.ones((3, 4)))
    assert eep(theta[:, :4] / theta[:, :4].sum(1, keepdims=True), given[:, :4]).sum(1) == pytest.approx(np.ones(12))


def test_the_tangent_is_the_slope_of_the_exact_logit() -> None:
    logits, truth = some(1, 5, 1)
    given = conditional(np.full((6, 5), 0.2) + np.eye(6, 5), members(np.arange(6) % 3, 3), 0.1)
    mixture = tangent(np.repeat(logits, 3, axis=0), logits, np.eye(3), given)
    step = 1e-5
    for at in range(5):
        moved = joint_logits(logits + step * np.eye(5)[at], given) - joint_logits(logits - step * np.eye(5)[at], given)
        assert mixture[:, at] == pytest.approx(moved[0] / (2 * step), abs=1e-6)


@pytest.mark.parametrize("shape", ["class", "flags"])
def test_many_classes_go_onto_few_labels(shape: str) -> None:
    """Two classes of the source for each label, of which a row shows one clearly."""
    shown = np.arange(24) % 6
    logits = np.eye(6)[shown] * 8 + np.random.default_rng(0).normal(size=(24, 6))
    truth = shown // 2 if shape == "class" else np.eye(3)[shown // 2]
    seen = Seen(logits[:12], members(truth[:12], 3))
    head = fit(seen, logits[12:], truth[12:], shape)
    assert next(iter(head.figures.values())) == 1.0
    assert agreement(head, seen, logits[12:], shape) == 1.0
    assert [set(np.argsort(-row)[:2]) for row in head.mixture] == [{0, 1}, {2, 3}, {4, 5}]


def test_labels_that_the_source_knows_map_to_themselves(source: Path, tmp_path: Path) -> None:
    recipe = Recipe(backbone=str(source), strategy="label-mapping", precision="fp32")
    data = load_data(table(tmp_path / "t.csv", rows=8, labels=("Lovely", "awful")), recipe)
    backbone = load_backbone(get_task(data.task), data.labels, recipe)
    (note,) = kin(backbone, data)
    assert note.code == "known-classes" and "2 of the 2 labels" in note.message
    before = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    trained = run_phases(backbone, data, [MAPPING], recipe, tmp_path)
    (row,) = trained.history
    assert row["eval_accuracy"] == row["agreement"] == 1.0 and row["leep"] > -0.3
    head = dissect(backbone.model, example(backbone), "it").head
    moved = {name for name, tensor in backbone.model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved and all(name.startswith(head) for name in moved)
    texts = [text.format(n=3) for text in TEXTS.values()]
    logits = backbone.model(**backbone.processor(texts, return_tensors="pt", padding=True)).logits
    assert [data.labels[at].lower() for at in logits.argmax(1)] == ["lovely", "awful"]


def test_what_cannot_be_mapped_is_refused(source: Path, tmp_path: Path) -> None:
    bare = text_backbone(tmp_path / "bare")
    for task, folder, choices, place, cause in (
        ("text-classification", bare, {}, "--backbone", "no classes of its own"),
        ("text-regression", source, {}, "label-mapping", "text-regression"),
        ("text-classification", source, {"head": "dense"}, "--head", "dense head"),
    ):
        recipe = Recipe(backbone=str(folder), task=task, **choices)
        data = load_data(table(tmp_path / "n.csv", rows=8, labels=("1", "2")), recipe)
        backbone = load_backbone(get_task(task), data.labels, recipe)
        with pytest.raises(RecipeError, match=cause) as refused:
            run_phases(backbone, data, [MAPPING], recipe, tmp_path)
        assert refused.value.place == place
    assert source_classes(backbone) == ("awful", "lovely")


def test_a_head_that_is_gone_on_from_is_not_overwritten(source: Path, tmp_path: Path) -> None:
    recipe = Recipe(backbone=str(source))
    data = load_data(table(tmp_path / "t.csv", rows=8, labels=("lovely", "awful")), recipe)
    backbone = load_backbone(get_task(data.task), data.labels, recipe, known=2)
    before = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    with pytest.raises(RecipeError, match="a mapping would overwrite it") as refused:
        run_phases(backbone, data, [MAPPING], recipe, tmp_path)
    assert refused.value.place == "label-mapping"
    assert all(torch.equal(tensor, before[name]) for name, tensor in backbone.model.state_dict().items())
