"""A plan of several trainings is their sum, and of what is run beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hftransfer import Recipe
from hftransfer.choosing import patience
from hftransfer.planning import plan
from hftransfer.terminal import lines
from hftransfer.training import Pace, Trial
from tests.tiny import table, text_backbone

SLOW = 1000.0  # seconds a row: nothing else that a plan counts comes near


def test_a_plan_counts_all_that_would_be_tried(tmp_path: Path) -> None:
    backbone, source = str(text_backbone(tmp_path / "b")), table(tmp_path / "t.csv")
    recipe = Recipe(backbone=backbone, batch_size=8, epochs=2)
    auto = plan(source, recipe)
    few = plan(source, recipe.with_(strategy="contrastive"))
    assert auto.strategy == "auto" and auto.steps == 2 * few.steps > 0  # once more, with the few rows that chose it
    full, searched = (plan(source, recipe.with_(strategy="full", tune=tune)) for tune in (None, 4))
    assert searched.strategy == "full" and (searched.steps, searched.epochs) == (5 * full.steps, 10)
    drawn = plan(source, recipe.with_(strategy="contrastive", tune=4))
    assert drawn.steps == 6 * few.steps  # once more, too
    probe = plan(source, recipe.with_(strategy="feature-extraction", epochs=None))
    assert probe.steps == 0 and probe.epochs == 0


def test_a_plan_of_auto_says_what_it_takes_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not all candidates fit, those that do may change once the probe is there: all the time may be taken."""
    source = table(tmp_path / "t.csv", rows=110)
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), batch_size=8, epochs=1)
    quick = plan(source, recipe)
    assert quick.at_most and quick.seconds < patience()
    assert not plan(source, recipe.with_(strategy="full")).at_most and not plan(source, recipe.with_(tune=2)).at_most
    monkeypatch.setattr(Trial, "pace", lambda *_: Pace(0.0, patience() / 500, 0.0))  # one of them fits, or none
    monkeypatch.setattr(Trial, "steps", lambda *_: {})
    assert plan(source, recipe).seconds > patience()
    assert " at most " in lines.planned(quick.to_json())
    assert " about " in lines.planned({**quick.to_json(), "at_most": False})


def test_a_plan_counts_a_probe_beside_and_the_rows_that_it_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In passes of train, 28 rows, and validation, 6, through the frozen backbone."""
    monkeypatch.setattr(Trial, "pace", lambda *_: Pace(0.0, SLOW, 0.0))
    (tmp_path / "u.txt").write_text("\n".join(f"a fresh text {n}" for n in range(17)))
    backbone, source = str(text_backbone(tmp_path / "b")), table(tmp_path / "t.csv")

    def passes(**choices: object) -> float:
        recipe = Recipe(backbone=backbone, batch_size=8, **({"epochs": 0.01} | choices))
        return plan(source, recipe).seconds / SLOW / 34

    kept, beside = {"strategy": "feature-extraction"}, {"folds": 3, "pseudo_label": str(tmp_path / "u.txt")}
    assert passes(**kept) == pytest.approx(1, abs=0.1) and passes(**kept, folds=3) == pytest.approx(1, abs=0.1)
    assert passes(**kept, **beside) == pytest.approx(1.5, abs=0.1)
    tuned = {"strategy": "lp-ft"}  # which reads fewer layers: out of what the probe has read
    assert passes(**tuned, **beside) - passes(**tuned) == pytest.approx(0.5, abs=0.1)
    bare = tuned | {"start": "random"}
    assert passes(**tuned) - passes(**bare) == pytest.approx(1, abs=0.1)
    assert passes(**bare, **beside) - passes(**bare) == pytest.approx(1.5, abs=0.1)


def test_what_learns_from_all_rows_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, "pace", lambda *_: Pace(0.0, 0.0, SLOW))
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), batch_size=8, budget="10h")
    source = table(tmp_path / "t.csv")
    found = plan(source, recipe)
    compared = 2 * found.rows["validation"]  # the probe and one candidate
    assert found.seconds / SLOW == pytest.approx(compared + found.rows["test"] + found.rows["train"], abs=1)
    (tmp_path / "u.txt").write_text("a fresh text")  # with guessed labels, none does
    assert found.steps == 2 * plan(source, recipe.with_(pseudo_label=str(tmp_path / "u.txt"))).steps > 0
