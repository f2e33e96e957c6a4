"""A plan of several trainings is their sum."""

from __future__ import annotations

from pathlib import Path

from hftransfer import Recipe
from hftransfer.planning import plan
from tests.tiny import table, text_backbone


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
