"""Phases on tiny models: what was frozen stays, what trains has its rate, the best is kept."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from transformers import TrainingArguments, set_seed

from hftransfer.data import load_data
from hftransfer.models import dissect, load_backbone
from hftransfer.models.inputs import example
from hftransfer.recipe import Recipe
from hftransfer.strategies import Phase, Rates
from hftransfer.tasks import get_task
from hftransfer.training import Leg, Machine, family, few, machine_for, never, run_phases, within_budget
from hftransfer.training.tuning import tune
from hftransfer.training.tuning.batches import change_of
from hftransfer.training.tuning.merits import merit_of
from hftransfer.training.tuning.rates import layer_depths, parameter_groups
from hftransfer.training.tuning.rows import rows_of
from hftransfer.training.tuning.trainer import PhaseTrainer, Progress
from hftransfer.training.tuning.tune import tuning_precision
from hftransfer.values import Backbone, Dataset, Event
from tests.tiny import convolutional_backbone, image_backbone, pictures, table, text_backbone

PROBE = Phase("probe", trains="head", solver="closed-form", depth="best")
MAKERS = {"text": text_backbone, "image": image_backbone, "convolution": convolutional_backbone}


def phase(**more: object) -> Phase:
    rates = Rates(backbone=1e-3, head=1e-3, decay=0.5)
    return Phase("full", **{"trains": "everything", "solver": "trainer", "rates": rates, "epochs": 2.0} | more)


def station(kind: str, tmp_path: Path, **choices: object) -> tuple[Backbone, Dataset, Recipe]:
    folder = MAKERS[kind](tmp_path / "backbone")
    source = table(tmp_path / "t.csv") if kind == "text" else pictures(tmp_path / "p.zip")
    recipe = Recipe(backbone=str(folder), batch_size=8, precision="fp32", **choices)
    set_seed(recipe.seed)
    data = load_data(source, recipe)
    return load_backbone(get_task(data.task), data.labels, recipe), data, recipe


def copied(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_probe_changes_the_head_alone(kind: str, tmp_path: Path) -> None:
    backbone, data, recipe = station(kind, tmp_path)
    anatomy = dissect(backbone.model, example(backbone), "it")
    before = copied(backbone.model)
    trained = run_phases(backbone, data, [PROBE], recipe, tmp_path)
    head = tuple(name for name in (anatomy.head, anatomy.dense) if name)
    added = f"{anatomy.layers}.{backbone.model.config.num_hidden_layers - 1}" if anatomy.layers else "none"
    for name, tensor in backbone.model.state_dict().items():
        if not name.startswith((*head, added)):
            assert torch.equal(tensor, before[name]), name
    assert not torch.equal(backbone.model.get_submodule(anatomy.head).weight, before[f"{anatomy.head}.weight"])
    assert trained.history[0]["eval_accuracy"] == 1.0


@pytest.mark.parametrize("kind", MAKERS)
def test_everything_trains_but_statistics(kind: str, tmp_path: Path) -> None:
    backbone, data, recipe = station(kind, tmp_path)
    before = copied(backbone.model)
    run_phases(backbone, data, [phase(rates=Rates(1e-2, 1e-2))], recipe, tmp_path)
    after = backbone.model.state_dict()
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    statistics = {name for name in after if "running_" in name or "num_batches" in name}
    assert not moved & statistics
    still = set(dict(backbone.model.named_parameters())) - moved
    assert all(
        "embedding" in name or "pooler" in name or "key.bias" in name or "mask_token" in name for name in still
    ), still
    assert not backbone.model.training


@pytest.mark.parametrize("kind", MAKERS)
def test_a_start_that_training_cannot_better_is_kept(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A probe that is perfect on validation, which chose it, then a rate that ruins it: the probe is what is left."""
    monkeypatch.setattr(few, "ENOUGH", 0)
    backbone, data, recipe = station(kind, tmp_path)
    heard: list[Event] = []
    run_phases(backbone, data, [PROBE], recipe, tmp_path)
    solved = copied(backbone.model)
    ruin = phase(rates=Rates(backbone=3.0, head=3.0))
    (tmp_path / "work").mkdir()
    run_phases(backbone, data, [ruin], recipe, tmp_path / "work", heard.append)
    assert all(torch.equal(tensor, solved[name]) for name, tensor in backbone.model.state_dict().items())
    assert any("its start is kept" in event.message for event in heard)


def test_of_checkpoints_with_equal_figures_the_one_with_the_smaller_loss_is_kept(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path)
    merit = merit_of(Leg(backbone, data, phase(), recipe, machine_for(recipe), tmp_path))
    sure, doubtful = ({"eval_accuracy": 0.85, "eval_loss": loss} for loss in (0.45, 0.48))
    better = {"eval_accuracy": 0.86, "eval_loss": 1e9}  # a row more is right
    assert merit(doubtful) < merit(sure) < merit(better)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_model_ends_as_the_best_checkpoint(kind: str, tmp_path: Path, monkeypatch) -> None:
    """Trainer alone passes over weights whose names in the file are not the model's, such as a ViT's."""
    kept: dict[str, dict[str, torch.Tensor]] = {}
    backbone, data, recipe = station(kind, tmp_path)
    save = PhaseTrainer._save_checkpoint

    def noted(self: PhaseTrainer, model: torch.nn.Module, trial: object) -> None:
        save(self, model, trial)
        kept[f"checkpoint-{self.state.global_step}"] = copied(self.unwrapped)
        noted.best = Path(self.state.best_model_checkpoint).name  # type: ignore[attr-defined]

    monkeypatch.setattr(PhaseTrainer, "_save_checkpoint", noted)
    run_phases(backbone, data, [phase(epochs=3.0, rates=Rates(1e-3, 1e-3))], recipe, tmp_path)
    best = kept.pop(noted.best)  # type: ignore[attr-defined]
    assert all(torch.equal(tensor, best[name]) for name, tensor in backbone.model.state_dict().items())
    assert not any(all(torch.equal(other[name], best[name]) for name in best) for other in kept.values())
    assert kept


def test_an_end_that_nobody_measured_gives_way_to_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers may begin below what always giving the mean gets: R² is negative there."""
    lines = [f"the day was lovely {n},{n / 7 + 9}" for n in range(20)]
    (tmp_path / "n.csv").write_text("\n".join(["text,score", *lines]), encoding="utf-8")
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), task="text-regression", precision="fp32")
    data = load_data(tmp_path / "n.csv", recipe)
    backbone = load_backbone(get_task(data.task), data.labels, recipe)
    before, layer = copied(backbone.model), backbone.model.get_input_embeddings().weight
    monkeypatch.setattr(PhaseTrainer, "train", lambda self, **more: layer.data.zero_())
    trained = run_phases(backbone, data, [phase()], recipe, tmp_path / "work")
    assert trained.history[0]["eval_r2"] < 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in backbone.model.state_dict().items())


def test_several_devices_are_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several GPUs hold no copies of the model; of several processes, none makes the loss larger than it is."""
    backbone, data, recipe = station("text", tmp_path, label_smoothing=0.1)
    leg = Leg(backbone, data, phase(), recipe, Machine(torch.device("cpu"), torch.float32), tmp_path)
    rows = rows_of(leg)
    trainer = tune.trainer_for(leg, rows, Progress("it", print, never), change=change_of(leg))
    batch = rows.collators[0]([rows.train[place] for place in range(4)])
    losses = []
    with torch.random.fork_rng():
        for processes in (1, 2):
            torch.manual_seed(0)
            monkeypatch.setattr(type(trainer.accelerator), "num_processes", processes)
            losses.append(trainer.training_step(trainer.model, dict(batch), torch.tensor(4)))
    assert torch.equal(*losses)
    devices = cached_property(lambda args: vars(args).update(_n_gpu=4) or torch.device("cpu"))
    devices.__set_name__(TrainingArguments, "_setup_devices")
    monkeypatch.setattr(TrainingArguments, "_setup_devices", devices)
    assert tune.arguments(leg, 8).n_gpu == 1


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    weights = []
    for run in ("one", "two", "three"):
        (tmp_path / run).mkdir()
        backbone, data, recipe = station("convolution", tmp_path / run, seed=3 if run == "three" else 5)
        run_phases(backbone, data, [phase()], recipe, tmp_path / run)
        weights.append(copied(backbone.model))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


def test_progress_is_told_in_order(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path)
    heard: list[Event] = []
    trained = run_phases(backbone, data, [PROBE, phase()], recipe, tmp_path, heard.append)
    steps = [event.step for event in heard if event.stage == "train" and event.total]
    assert steps == sorted(steps) and steps[-1] == [event.total for event in heard if event.total][-1]
    assert any("eval_accuracy" in event.metrics for event in heard)
    assert {row["phase"] for row in trained.history} == {"probe", "full"}
    assert {event.stage for event in heard} == {"features", "train"}


def test_a_budget_ends_training_early_and_keeps_the_best(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, budget="0.5s")
    heard: list[Event] = []
    over = within_budget(recipe, never)
    run_phases(backbone, data, [phase(epochs=500.0)], recipe, tmp_path, heard.append, over)
    last = [event for event in heard if event.total][-1]
    assert 0 < last.step < last.total


def test_rates_fall_towards_the_input_and_vectors_do_not_decay(tmp_path: Path) -> None:
    backbone, *_ = station("text", tmp_path)
    rates = Rates(backbone=1.0, head=9.0, decay=0.5)
    groups = parameter_groups(backbone.model, frozenset({"classifier"}), rates, weight_decay=0.1)
    rate = {id(p): group["lr"] for group in groups for p in group["params"]}
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    names = dict(backbone.model.named_parameters())
    assert set(rate) == {id(parameter) for parameter in names.values()}
    bert = backbone.model.bert
    assert rate[id(backbone.model.classifier.weight)] == 9.0
    assert rate[id(bert.encoder.layer[1].output.dense.weight)] == 1.0
    assert rate[id(bert.encoder.layer[0].output.dense.weight)] == 0.5
    assert rate[id(bert.embeddings.word_embeddings.weight)] == 0.25
    assert all(decay[id(p)] == (0.1 if p.dim() > 1 else 0.0) for p in names.values())


def test_convolutions_are_tuned_in_fp32_unless_asked_otherwise(tmp_path: Path) -> None:
    machine = Machine(torch.device("cpu"), torch.bfloat16)
    for kind, precision, expected in (
        ("convolution", "auto", torch.float32),
        ("convolution", "bf16", torch.bfloat16),
        ("text", "auto", torch.bfloat16),
    ):
        (tmp_path / f"{kind}-{precision}").mkdir()
        backbone, *_ = station(kind, tmp_path / f"{kind}-{precision}")
        assert tuning_precision(backbone, Recipe(precision=precision), machine) == expected


def test_layers_are_counted_from_the_input(tmp_path: Path) -> None:
    backbone, *_ = station("convolution", tmp_path)
    depths = layer_depths(backbone.model)
    names = list(depths)
    assert depths[names[0]] == 0 and depths[names[-1]] == max(depths.values())
    assert family(backbone.model) == "convolution"


def test_a_frozen_backbones_dropout_and_norms_hold_still(tmp_path: Path, monkeypatch) -> None:
    """Features do not depend on the mode that the model came in."""
    backbone, data, recipe = station("convolution", tmp_path)
    weights = []
    for training in (False, True):
        monkeypatch.setenv("HFTRANSFER_HOME", str(tmp_path / f"home-{training}"))  # no features from before
        backbone.model.train(training)
        trained = run_phases(backbone, data, [PROBE], recipe, tmp_path)
        weights.append(backbone.model.classifier[-1].weight.detach().clone())
        assert np.isfinite(trained.history[0]["eval_loss"])
    assert torch.equal(*weights)


def test_rows_keep_their_labels_through_the_trainer(tmp_path: Path) -> None:
    """A class's label travels with its text whatever the batches' order."""
    backbone, data, recipe = station("text", tmp_path)
    assert isinstance(data.splits["train"], datasets.Dataset)
    run_phases(backbone, data, [phase(epochs=30.0, rates=Rates(3e-3, 3e-3))], recipe, tmp_path)
    with torch.inference_mode():
        batch = backbone.processor(["the day was lovely happy 1", "the day was sad awful 1"], return_tensors="pt")
        chosen = backbone.model(**batch).logits.argmax(1).tolist()
    assert [data.labels[label] for label in chosen] == ["good", "bad"]


def test_a_phase_for_the_head_trains_the_head_alone(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path)
    before = copied(backbone.model)
    run_phases(backbone, data, [phase(trains="head", rates=Rates(1e-2, 1e-2))], recipe, tmp_path)
    moved = {name for name, tensor in backbone.model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {"classifier.weight", "classifier.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    assert all(parameter.requires_grad for parameter in backbone.model.parameters())
