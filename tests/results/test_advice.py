"""Advice: each kind of curve gets the flag that its fault asks for, and a good one none."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import datasets
import pytest

from hftransfer import Recipe, fine_tune
from hftransfer.models.backbones import larger_than
from hftransfer.results.advice import SAMPLED, Curves, advise, sampled
from hftransfer.results.report import write_report
from hftransfer.terminal import lines
from tests import tiny
from tests.results.reports import bounds, multi_label

EPOCHS = 8


def run(learnt: float, held: float, curve_of: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    """A tuned classifier's report, with its scores on training rows and on others."""
    recipe = {**Recipe().to_json(), **more.pop("recipe", {})}
    return {
        "task": "text-classification",
        "strategy": "full",
        "rows": {"train": 800, "validation": 100, "test": 200},
        "metrics": {"accuracy": bounds(held, 0.03)},
        "train_metrics": {"accuracy": bounds(learnt, 0.03)},
        "history": curve() if curve_of is None else curve_of,
        "recipe": recipe,
        **more,
    }


def curve(
    loss: Any = lambda epoch: 1 / epoch,
    eval_loss: Any = lambda epoch: 1.2 / min(epoch, 4),
    score: Any = lambda epoch: min(epoch, 4) / 10,
) -> list[dict[str, Any]]:
    """A phase's history by epoch; before it, a probe's one row."""
    rows: list[dict[str, Any]] = [{"phase": "probe", "eval_accuracy": 0.5}]
    for epoch in range(1, EPOCHS + 1):
        place = {"phase": "full", "step": 10 * epoch, "epoch": float(epoch)}
        rows.append({**place, "loss": loss(epoch), "learning_rate": 3e-4 / epoch})
        rows.append({**place, "eval_loss": eval_loss(epoch), "eval_accuracy": score(epoch)})
    return rows


def told(report: dict[str, Any], **more: str) -> list[tuple[str, str]]:
    return [(one["code"], one["flag"]) for one in advise(report, **more)]


def test_a_good_run_is_left_alone() -> None:
    assert told(run(0.97, 0.94)) == []
    assert told({}) == []
    assert told(run(1.0, 0.98, curve(score=lambda epoch: epoch / 10))) == []


def test_a_model_that_knows_its_rows_by_heart_is_held_back() -> None:
    """By the first that fits it, of passes, changes of images, decay, blends; else by more examples."""
    rising = curve(eval_loss=lambda epoch: abs(epoch - 3) + 1)
    assert told(run(0.99, 0.8, rising)) == [("over-fitting", "--epochs 3")]
    assert advise(run(0.99, 0.8, rising))[0]["message"].startswith(
        "it gets 99.0% on rows it has learnt and 80.0% on others: fewer passes"
    )
    assert told(run(0.99, 0.8)) == [("over-fitting", "--weight-decay 0.1")]
    decayed = {"weight_decay": 0.2}
    assert told(run(0.99, 0.8, recipe=decayed)) == [("over-fitting", "--pseudo-label UNLABELLED")]
    image: dict[str, Any] = {"task": "image-classification"}
    assert told(run(0.99, 0.8, **image, recipe=decayed)) == [("over-fitting", "--mixup 0.2")]
    plain = {**decayed, "augmentation": "none"}
    assert told(run(0.99, 0.8, **image, recipe=plain)) == [("over-fitting", "--augmentation auto")]
    solved = run(0.99, 0.8, [], strategy="feature-extraction")
    assert told(solved) == [("over-fitting", "--pseudo-label UNLABELLED")]


def test_no_flag_is_told_that_was_used_or_that_the_task_refuses() -> None:
    used = {"weight_decay": 0.2, "pseudo_label": "more.csv"}
    assert told(run(0.99, 0.8, recipe=used)) == []
    numbers = {"task": "text-regression", "metrics": {"r2": bounds(0.5)}, "train_metrics": {"r2": bounds(0.99)}}
    assert told(run(0, 0, recipe={"weight_decay": 0.2}, **numbers)) == []
    assert told(run(0.99, 0.8, strategy="l2-sp")) == [("over-fitting", "--pseudo-label UNLABELLED")]
    image = {"task": "image-classification", "recipe": {"weight_decay": 0.2}}
    assert told(run(0.99, 0.8, strategy="contrastive", **image)) == [("over-fitting", "--pseudo-label UNLABELLED")]


def test_no_flag_is_told_whose_choice_the_run_has_tried() -> None:
    probe = run(0.7, 0.68, [], strategy="feature-extraction", tried=[{"name": "full", "value": 0.6}])
    assert told(probe, larger="owner/large") == [("under-fitting", "--backbone owner/large")]
    probe["tried"] = [{"name": "full"}, {"name": "lora", "value": 0.6}]  # there was no time for full
    assert told(probe) == [("under-fitting", "--strategy full")]
    searched = [{"name": "trial 1", "value": 0.7, "choices": {"strategy": "full", "epochs": 3, "weight_decay": 0.0}}]
    assert told(run(0.99, 0.8, tried=searched)) == [("over-fitting", "--pseudo-label UNLABELLED")]
    assert told(run(0.7, 0.68, tried=searched)) == []
    assert told({**probe, "tried": searched}) == []
    asked = Curves.of({**probe, "tried": [{"name": "lp-ft", "value": 0.6}]}, "").untried
    assert asked("--strategy lp-ft") == "" and asked("--strategy full") == "--strategy full"


def test_a_gap_that_chance_explains_is_none() -> None:
    few = run(0.95, 0.8)
    few["metrics"]["accuracy"] = bounds(0.8, 0.16)
    assert told(few) == []


def test_a_model_that_has_not_learnt_its_rows_is_let_learn() -> None:
    solved = run(0.7, 0.68, [], strategy="feature-extraction")
    larger = {"larger": "owner/large"}
    assert told(solved, **larger) == [("under-fitting", "--strategy full"), ("under-fitting", "--backbone owner/large")]
    assert told(run(0.7, 0.68), **larger) == [
        ("under-fitting", "--epochs 16"),
        ("under-fitting", "--backbone owner/large"),
    ]
    assert "70.0%" in advise(solved)[0]["message"]


def test_what_still_improved_trains_longer_and_a_soup_is_no_epoch() -> None:
    gaining = curve(eval_loss=lambda epoch: 1 / epoch, score=lambda epoch: epoch / 10)
    assert told(run(0.95, 0.93, gaining)) == [("still-improving", "--epochs 16")]
    soup = {"phase": "full", "step": 80, "epoch": 8.0, "eval_accuracy": 0.1, "eval_loss": 9.0, "eval_soup": 3.0}
    assert told(run(0.95, 0.93, [*gaining, soup])) == [("still-improving", "--epochs 16")]
    stages = [{**row, "phase": "top-1"} for row in gaining[1:]] + gaining[1:]
    assert told(run(0.95, 0.93, stages)) == [("still-improving", "--epochs 32")]


@pytest.mark.parametrize("end", [5.0, float("nan"), None])
def test_a_loss_that_rose_asks_for_smaller_steps_before_anything_else(end: float | None) -> None:
    rose = curve(loss=lambda epoch: 1.0 if epoch < 5 else end)
    found = told(run(0.4, 0.39, rose), larger="owner/large")
    assert found[0] == ("diverged", "--learning-rate 0.0001") and len(found) == 3
    assert told(run(0.4, 0.39, rose, recipe={"learning_rate": 0.3}))[0][1] == "--learning-rate 0.1"


def test_too_few_rows_of_validation_are_said_to_be_few() -> None:
    few: dict[str, Any] = {"rows": {"train": 80, "validation": 20}}
    assert told(run(0.97, 0.94, **few)) == [("few-validation", "--folds 5")]
    assert told(run(0.97, 0.94, **few, recipe={"folds": 5})) == []


def test_other_kinds_of_labels_are_judged_by_their_own_figure() -> None:
    several = multi_label(train_metrics={"map": bounds(0.99)}, history=curve(), recipe=Recipe().to_json())
    assert told(several)[0] == ("over-fitting", "--weight-decay 0.1")
    several["train_metrics"] = {"map": bounds(0.75), "f1_micro": bounds(0.99)}
    assert told(several)[0] == ("under-fitting", "--epochs 16")


def test_it_is_told_in_the_shell_and_on_the_page(tmp_path: Path) -> None:
    report = {**multi_label(train_metrics={"f1_micro": bounds(0.9)}), "advice": advise(run(0.99, 0.8))}
    shell = lines.trained({**report, "model": "m"})
    write_report(report, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for door in (shell, page):
        assert "What may help" in door and "--weight-decay 0.1" in door
    assert "On rows that it learnt from, F1 (micro) is 90.0" in page


def test_a_larger_backbone_is_for_the_same_inputs_and_languages() -> None:
    assert larger_than("starter:text") == "sentence-transformers/all-MiniLM-L6-v2"
    assert larger_than("starter:image") == "google/mobilenet_v2_1.0_224"
    assert larger_than("intfloat/multilingual-e5-small") == larger_than("nobody/knows") == ""


def test_training_rows_are_measured_on_from_all_over() -> None:
    for count in (3, SAMPLED, SAMPLED + 1, 5000):
        places = sampled(datasets.Dataset.from_dict({"place": list(range(count))}))["place"][:]
        assert SAMPLED / 2 < len(places) <= SAMPLED or places == list(range(count))
        assert places[0] == 0 and places[-1] > 0.9 * (count - 1)


def test_a_run_that_learns_few_rows_by_heart_is_told_so(tmp_path: Path) -> None:
    """Which texts are large sums of digits: two dozen rows are soon learnt, and say little of others."""
    chance = random.Random(1)
    texts = ["".join(chance.choices("0123456789", k=7)) for _ in range(120)]
    rows = [f"{' '.join(text)},{'small' if sum(map(int, text)) < 32 else 'large'}" for text in texts]
    (tmp_path / "sums.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    backbone = str(tiny.text_backbone(tmp_path / "bert", width=64))
    recipe = Recipe(backbone=backbone, strategy="feature-extraction", validation_share=0.3, test_share=0.5)
    report = fine_tune(tmp_path / "sums.csv", recipe, output=tmp_path / "model").report
    learnt, held = (report[name]["accuracy"]["value"] for name in ("train_metrics", "metrics"))
    assert learnt > held + 0.1
    assert report["advice"][0]["code"] == "over-fitting"
