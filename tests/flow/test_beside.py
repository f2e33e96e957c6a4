"""A run with all that stands beside its strategy, cut short and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hftransfer import Recipe, fine_tune
from hftransfer.values import Event
from tests.tiny import TEXTS, table, text_backbone


class Cut(Exception):
    pass


def test_folds_and_labels_are_told_and_hold_when_a_run_goes_on(tmp_path: Path) -> None:
    """What is drawn and what joins train never reaches validation or test."""
    (tmp_path / "u.txt").write_text("\n".join(t.format(n=n) for t in TEXTS.values() for n in range(20, 28)))
    choices = {"folds": 3, "generate": 40, "balance": "weights", "confidence": 0.8, "strategy": "feature-extraction"}
    backbone, source = text_backbone(tmp_path / "b"), table(tmp_path / "t.csv")
    recipe = Recipe(backbone=str(backbone), pseudo_label=str(tmp_path / "u.txt"), **choices)
    heard: list[str] = []

    def cut(event: Event) -> None:
        heard.append(event.message)
        if event.message == "solving the head":
            raise Cut

    with pytest.raises(Cut):
        fine_tune(source, recipe, output=tmp_path / "m", workdir=tmp_path / "work", on_event=cut)
    first, _ = heard.copy(), heard.clear()
    model = fine_tune(
        source,
        recipe,
        output=tmp_path / "m",
        workdir=tmp_path / "work",
        on_event=lambda event: heard.append(event.message),
    )
    crossed = "cross-validation of a linear probe: 34 rows in 3 folds"
    for told in (crossed, "labelling 16 rows without a label by a linear probe"):
        assert told in first and told not in heard  # what was found before holds
    report = json.loads((tmp_path / "m" / "report.json").read_text(encoding="utf-8"))
    assert report["rows"] == {"train": 28 + report["pseudo_labelled"]["rows"], "validation": 6, "test": 6}
    assert report["history"][0]["generated"] == 80 - report["rows"]["train"] > 0
    assert report["cross_validation"]["rows"] == 34 and report["cross_validation"]["metrics"]["accuracy"]["low"] > 0.5
    assert model.report["metrics"]["accuracy"]["value"] == 1.0
    card, page = ((tmp_path / "m" / name).read_text(encoding="utf-8") for name in ("README.md", "report.html"))
    assert "## Cross-validation" in card and "came without a label" in card and str(tmp_path) not in card
    assert "By cross-validation" in page
