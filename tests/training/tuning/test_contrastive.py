"""Contrastive tuning: the loss by its formula, batches with partners, classes that come together, kills."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import set_seed

from hftransfer.checkpoints import FINISHED, START, best, figures, room_of
from hftransfer.data import labels_of, load_data
from hftransfer.errors import RecipeError
from hftransfer.models import dissect, load_backbone
from hftransfer.models.inputs import encode, example
from hftransfer.models.views import END, pooled, reading
from hftransfer.recipe import Recipe
from hftransfer.strategies import STRATEGIES, Facts, Phase, Rates
from hftransfer.tasks import get_task
from hftransfer.training import Leg, few, machine_for, run_phases
from hftransfer.training.few import with_all_rows
from hftransfer.training.heads.folding import dealt, joined, solve_by_folds
from hftransfer.training.heads.solving import HeadProblem, Split, refit
from hftransfer.training.progress import Trained
from hftransfer.training.tuning import contrastive
from hftransfer.training.tuning.contrastive import Rounds, contrastive_loss, same_class, shared_labels
from hftransfer.training.tuning.trainer import PhaseTrainer
from hftransfer.values import Backbone, Dataset, Event
from tests.tiny import convolutional_backbone, image_backbone, pictures, table, text_backbone

MAKERS = {"text": text_backbone, "image": image_backbone, "convolution": convolutional_backbone}
PROBE = Phase("probe", trains="head", solver="closed-form", depth="best")
HEAD = Phase("head", trains="head", solver="closed-form", depth="kept")


def tuning(steps: int, rate: float = 3e-3, **more: object) -> Phase:
    rates = Rates(rate, rate)
    return Phase("contrastive", "everything", "trainer", rates=rates, epochs=steps / 5, loss="contrastive", **more)


def station(kind: str, folder: Path, **choices: object) -> tuple[Backbone, Dataset, Recipe]:
    backbone = MAKERS[kind](folder / "backbone")
    source = table(folder / "t.csv") if kind == "text" else pictures(folder / "p.zip", images=20)
    recipe = Recipe(backbone=str(backbone), **{"batch_size": 6, "precision": "fp32", "test_share": 0.1} | choices)
    set_seed(recipe.seed)
    data = load_data(source, recipe)
    return load_backbone(get_task(data.task), data.labels, recipe), data, recipe


def test_the_loss_is_the_papers() -> None:
    """Khosla et al., equation 2: over anchors the mean over partners of -log of a softmax over all others."""
    states = torch.tensor([[3.0, 0.0], [0.0, 1.0], [2.0, 2.0], [-1.0, 0.5], [0.5, -4.0]])
    labels = torch.tensor([0, 0, 1, 1, 2])
    directions = [row / row.norm() for row in states]
    rows = []
    for at in range(4):  # the fifth has no partner: it is nobody's anchor
        others = [other for other in range(5) if other != at]
        near = {other: math.exp(float(directions[at] @ directions[other]) / 0.5) for other in others}
        partners = [other for other in others if labels[other] == labels[at]]
        rows.append(-sum(math.log(near[other] / sum(near.values())) for other in partners) / len(partners))
    assert float(contrastive_loss(states, same_class(labels), 0.5)) == pytest.approx(sum(rows) / 4, rel=1e-5)
    assert float(contrastive_loss(states[3:], same_class(labels[3:]))) == 0.0


def test_rows_of_several_labels_are_as_alike_as_they_share() -> None:
    flags = torch.tensor([[1.0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]])
    assert shared_labels(flags)[0].tolist() == pytest.approx([1.0, 1 / 2, 1 / 4, 0.0])
    assert shared_labels(flags)[3].tolist() == [0.0] * 4


@pytest.mark.parametrize(("classes", "batch"), [(2, 6), (3, 8), (9, 8), (40, 7), (2, 4)])
def test_a_batch_holds_two_of_every_class_in_it(classes: int, batch: int) -> None:
    sizes = [1, 2, *[7] * classes][:classes]
    groups = np.repeat(np.arange(classes), sizes)
    rounds = Rounds(groups, batch, 30, seed=3)
    order = np.array(list(rounds)).reshape(30, batch)
    for drawn in order:
        assert np.unique(groups[drawn], return_counts=True)[1].min() >= 2
    often = np.bincount(groups[order].ravel(), minlength=classes)
    assert often.max() - often.min() <= 2 * batch, "classes do not come equally often"
    assert set(order.ravel()) == set(range(len(groups))) or classes == 40
    assert list(rounds) == list(Rounds(groups, batch, 30, seed=3)) != list(Rounds(groups, batch, 30, seed=4))


def near_and_far(backbone: Backbone, data: Dataset) -> float:
    """How far apart rows of a class lie, measured by how far apart classes do."""
    batch = example(backbone)
    anatomy = dissect(backbone.model, batch, "it")
    rows = data.splits["train"]
    inputs = encode(backbone, list(rows[get_task(data.task).modality.column]))
    with torch.inference_mode(), reading(backbone.model.eval(), anatomy, (END,)) as states:
        backbone.model(**inputs)
    state = pooled(backbone.model, anatomy, states[0], END, inputs.get("attention_mask"))
    directions, labels = torch.nn.functional.normalize(state, dim=1), labels_of(rows)
    centres = torch.stack([directions[labels == label].mean(0) for label in range(len(data.labels))])
    return float((directions - centres[labels]).norm(dim=1).mean() / torch.cdist(centres, centres).max())


@pytest.mark.parametrize("kind", ["text", "image", pytest.param("convolution", marks=pytest.mark.slow)])
def test_classes_come_together(kind: str, tmp_path: Path) -> None:
    backbone, data, recipe = station(kind, tmp_path)
    run_phases(backbone, data, [PROBE], recipe, tmp_path / "one")
    before, solved = near_and_far(backbone, data), weights(backbone)
    trained = run_phases(backbone, data, [tuning(30)], recipe, tmp_path / "two", first=1)
    assert near_and_far(backbone, data) < 0.8 * before
    head = dissect(backbone.model, example(backbone), "it").head
    assert torch.equal(weights(backbone)[f"{head}.weight"], solved[f"{head}.weight"])  # nothing asks it
    assert not any("eval" in name for row in trained.history for name in row), "judged by a head that no longer fits"
    assert [row["loss"] for row in trained.history if "loss" in row]


def weights(backbone: Backbone) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}


@pytest.mark.slow
def test_killed_and_gone_on_with_it_ends_in_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrastive, "SAVED", 4)
    phases, room = [PROBE, tuning(10), HEAD], room_of(tmp_path / "work", 1, "contrastive")
    backbone, data, recipe = station("text", tmp_path)
    run_phases(backbone, data, phases, recipe, tmp_path / "whole")
    undisturbed = weights(backbone)
    backbone, data, recipe = station("text", tmp_path)
    step, taken = PhaseTrainer.training_step, []

    def cut(self: PhaseTrainer, *args: object, **more: object) -> torch.Tensor:
        taken.append(self.state.global_step)
        if len(taken) == 7:
            raise KeyboardInterrupt
        return step(self, *args, **more)

    monkeypatch.setattr(PhaseTrainer, "training_step", cut)
    with pytest.raises(KeyboardInterrupt):
        run_phases(backbone, data, phases, recipe, tmp_path / "work")
    assert best(tmp_path / "work") == room / START  # its head fits
    for _ in range(2):  # what is over is not trained again
        backbone, data, recipe = station("text", tmp_path)
        run_phases(backbone, data, phases, recipe, tmp_path / "work")
        assert taken[7:] == [4, 5, 6, 7, 8, 9]
        assert all(torch.equal(tensor, undisturbed[name]) for name, tensor in weights(backbone).items())
        assert best(tmp_path / "work") == room / START and figures(room, FINISHED)["stale"]


@pytest.mark.slow
def test_cut_short_it_still_gets_a_head_that_fits(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path)
    steps: list[int] = []

    def note(event: Event) -> None:
        steps.extend([event.step] if event.message == "contrastive" else [])

    phases = [PROBE, tuning(400), HEAD]
    trained = run_phases(backbone, data, phases, recipe, tmp_path, note, over=lambda: bool(steps))
    assert trained.cut and len(set(steps)) <= 2
    assert [row["phase"] for row in trained.history][-1] == "head"


def test_a_ruined_backbone_gives_way_to_the_probe_where_validation_can_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few, "ENOUGH", 1)
    backbone, data, recipe = station("text", tmp_path)
    heard: list[Event] = []
    train = PhaseTrainer.train

    def spoil(self: PhaseTrainer, **more: object) -> None:
        train(self, **more)
        self.unwrapped.get_input_embeddings().weight.data.zero_()

    monkeypatch.setattr(PhaseTrainer, "train", spoil)
    phases = [PROBE, tuning(2), HEAD]
    trained = run_phases(backbone, data, phases, recipe, tmp_path / "work", heard.append)
    assert trained.history[-1]["eval_accuracy"] < trained.history[0]["eval_accuracy"] == 1.0
    assert any("contrastive gained nothing on validation" in event.message for event in heard)
    kept = load_file(room_of(tmp_path / "work", 1, "contrastive") / START / "model.safetensors")
    assert all(torch.equal(tensor, kept[name]) for name, tensor in weights(backbone).items() if name in kept)
    monkeypatch.setattr(few, "ENOUGH", 1000)
    leg = Leg(backbone, data, phases[1], recipe, machine_for(recipe), room_of(tmp_path / "work", 1, "contrastive"))
    backbone.model.get_input_embeddings().weight.data.zero_()
    few.Ahead(leg, trained.history[0]).settle(leg, trained)
    assert not backbone.model.get_input_embeddings().weight.any(), "a handful of rows cannot tell"
    monkeypatch.setattr(few, "ENOUGH", 1)
    rare = {"eval_accuracy": 0.9, "eval_f1_macro": 0.5}  # better by what is watched where classes count alike
    few.Ahead(leg, rare).settle(
        replace(leg, recipe=recipe.with_(balance="weights")), Trained(({"eval_accuracy": 0.8, "eval_f1_macro": 0.6},))
    )
    assert not backbone.model.get_input_embeddings().weight.any()


def test_weights_that_are_not_finite_give_way_to_the_start(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path)
    before, heard = weights(backbone), []
    ruin = replace(tuning(4), rates=Rates(1e12, 1e12))
    run_phases(backbone, data, [ruin], recipe, tmp_path / "work", heard.append)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(backbone).items())
    assert any("no finite weights" in event.message for event in heard)


def test_few_rows_are_learned_from_where_a_test_measures(tmp_path: Path) -> None:
    """Validation's rows join train for a strategy of its own, but never where they are what is reported or compared."""
    backbone, data, recipe = station("text", tmp_path, strategy="contrastive", epochs=1.0)
    known = Facts("attention", data.rows["train"], 2, layers=2)
    phases = STRATEGIES["contrastive"].phases(known, recipe)
    trained = run_phases(backbone, data, phases, recipe, tmp_path / "work")
    assert "eval_accuracy" in trained.history[0]
    assert (trained.history[0]["depth"], trained.history[0]["pooling"]) == (2, "mean")  # the whole backbone
    assert "eval_accuracy" not in trained.history[-1], "rows that were tuned on measure nothing"
    leg = Leg(backbone, data, phases[1], recipe, machine_for(recipe), tmp_path)
    both = with_all_rows(leg).data
    assert both.rows["train"] == data.rows["train"] + data.rows["validation"]
    assert both.digests["train"] not in data.digests.values()
    untested = replace(data, splits={name: rows for name, rows in data.splits.items() if name != "test"})
    compared = replace(phases[1], whole=False)
    given = replace(leg, data=replace(data, carved=("test",)))  # validation is the user's own
    dense = load_backbone(get_task(data.task), data.labels, recipe.with_(head="dense"))  # it stops by validation
    for other in (replace(leg, data=untested), replace(leg, phase=compared), given, replace(leg, backbone=dense)):
        assert with_all_rows(other).data is other.data


def test_a_head_on_few_rows_is_chosen_by_folds() -> None:
    """A view of noise loses to one that holds the class, though a single row of validation likes it better."""
    chance = np.random.default_rng(0)
    labels = np.tile([0, 1, 2], 8)
    telling = chance.normal(size=(24, 5)) + 4 * np.eye(5)[labels]
    noise = chance.normal(size=(24, 5))
    noise[-3:] = 4 * np.eye(5)[labels[-3:]]
    noise[:3] = 4 * np.eye(5)[labels[:3]]
    problems = [
        HeadProblem(Split(found[:-3], labels[:-3]), Split(found[-3:], labels[-3:]), 3, "identity")
        for found in (noise, telling)
    ]
    at, solved = solve_by_folds(range(2), problems.__getitem__, np.arange(24), seed=1, whole=True)
    assert at == 1 and solved.figures["accuracy"] > 0.8
    apart, alone = solve_by_folds(range(2), problems.__getitem__, np.arange(21), seed=1, whole=False)
    own = refit(problems[1], alone.strength)
    assert apart == 1 and np.allclose(alone.weight, own.weight) and alone.figures == own.figures  # of validation
    whole = refit(replace(problems[1], train=joined(problems[1].train, problems[1].validation)), solved.strength)
    assert np.allclose(whole.weight, solved.weight)  # of all rows
    folds = dealt(labels, np.arange(24), 4, 1)
    assert all(set(labels[folds == fold]) == {0, 1, 2} for fold in range(4))


def test_what_has_no_classes_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    source = tmp_path / "n.csv"
    lines = [f"the day was lovely {n},{n / 7}" for n in range(20)]
    source.write_text("text,score\n" + "\n".join(lines) + "\n", encoding="utf-8")
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), task="text-regression")
    data = load_data(source, recipe)
    backbone = load_backbone(get_task(data.task), data.labels, recipe)
    with pytest.raises(RecipeError, match="text-regression has not") as caught:
        run_phases(backbone, data, [PROBE, tuning(10)], recipe, tmp_path / "work")
    assert caught.value.place == "--strategy" and not (tmp_path / "work").exists()
    shutil.rmtree(tmp_path / "b")
