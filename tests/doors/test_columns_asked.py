"""Columns that are asked for, in the shell and in the words that a run is told again by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hftransfer import Recipe, cli
from hftransfer.recipe import chosen_of
from hftransfer.ui.train import same

ROWS = [f"the day was number {n},and the night too {n},{n / 7},{n % 3},{n % 2}" for n in range(30)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "days.csv"
    path.write_text("\n".join(["day,night,width,height,deep", *ROWS]))
    return path


def checked(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", *map(str, words), "--json"])
    assert ended.value.code in (None, 0)
    return json.loads(capsys.readouterr().out)


def test_several_columns_of_labels_and_a_second_text(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--text-column", "day", "--text-pair-column", "night")
    found = checked(capsys, source, *asked, "--label-column", "width", "--label-column", "height")
    assert (found["task"], found["labels"]) == ("text-regression", {"width": 30, "height": 30})
    found = checked(capsys, source, *asked, "--label-column", "deep")
    assert (found["task"], found["labels"]) == ("text-classification", {"0": 15, "1": 15})


def test_a_run_is_told_again_with_all_its_columns() -> None:
    chosen = chosen_of(Recipe(label_column=("a", "b c"), text_pair_column="t").to_json())
    told = same.shell("x.csv", chosen)
    assert "--text-pair-column t --label-column a --label-column 'b c'" in told
    assert "label_column=['a', 'b c']" in same.python("x.csv", chosen)
