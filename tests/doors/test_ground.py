"""The light floors: errors, tasks, recipe, output, terminal."""

from __future__ import annotations

import io
import json
import os
from dataclasses import fields
from pathlib import Path

import pytest

from hftransfer import errors
from hftransfer.errors import HFTransferError, OutputError, RecipeError, SourceError
from hftransfer.home import prune
from hftransfer.output import MARKER, claim, staged
from hftransfer.recipe import Recipe, seconds
from hftransfer.tasks import TASKS, get_task, task_for
from hftransfer.tasks.kinds import in_order
from hftransfer.terminal import Terminal
from hftransfer.values import Event


def test_an_error_tells_cause_place_and_next_step() -> None:
    error = errors.ColumnError("no column 'x'", place="t.csv", fix="choose y")
    assert str(error) == "no column 'x'\n  at:   t.csv\n  next: choose y"
    assert error.to_json() == {"kind": "ColumnError", "cause": "no column 'x'", "place": "t.csv", "fix": "choose y"}


@pytest.mark.parametrize(
    ("ours", "builtin"),
    [
        (errors.RecipeError, ValueError),
        (errors.SourceError, ValueError),
        (errors.SourceMissing, FileNotFoundError),
        (errors.ColumnError, KeyError),
        (errors.BackboneError, OSError),
        (errors.OutputError, FileExistsError),
        (errors.HubError, ConnectionError),
        (errors.JobError, LookupError),
    ],
)
def test_each_error_is_also_the_builtin_that_a_caller_catches(ours: type, builtin: type) -> None:
    assert issubclass(ours, HFTransferError) and issubclass(ours, builtin)
    assert ours.__name__ in (errors.__doc__ or "")


def test_labels_sort_as_people_do() -> None:
    assert in_order(["10", "9", "b", "a", "9"]) == ("9", "10", "a", "b")


def test_the_task_table_joins_modalities_and_targets() -> None:
    for name, task in TASKS.items():
        assert get_task(name) is task is task_for(task.modality.name, task.target.name)
    with pytest.raises(RecipeError, match="unknown task"):
        get_task("image-magic")


def test_every_choice_carries_its_help_and_a_default_within_bounds() -> None:
    for entry in fields(Recipe):
        assert entry.metadata["help"].endswith(".") and entry.metadata["group"]
    assert Recipe() == Recipe.from_mapping(Recipe().to_json())


@pytest.mark.parametrize(
    "choices",
    [
        {"strategy": "magic"},
        {"batch_size": 0},
        {"seed": -1},
        {"epochs": "many"},
        {"seed": True},
        {"test_share": 0.9},
        {"task": "x"},
        {"budget": "0s"},
        {"colour": "red"},
    ],
)
def test_a_choice_that_cannot_be_is_refused_with_its_place(choices: dict) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.from_mapping(choices)
    assert caught.value.place and caught.value.fix


@pytest.mark.parametrize(
    ("name", "text"),
    [("r.json", '{"seed": 3}'), ("r.toml", "seed = 3"), ("r.yaml", "seed: 3"), ("r.json", '\ufeff{"seed": 3}')],
)
def test_recipes_are_read_from_files(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert Recipe.load(tmp_path / name).seed == 3


@pytest.mark.parametrize(
    ("name", "text"), [("r.json", "{"), ("r.yaml", "[1"), ("r.toml", "="), ("r.json", "[]"), ("r", "")]
)
def test_a_malformed_recipe_is_named(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(RecipeError) as caught:
        Recipe.load(tmp_path / name)
    assert name in caught.value.place


def test_lengths_of_time() -> None:
    assert [seconds(text) for text in ("90s", "10m", "2h", "45", "1.5m")] == [90, 600, 7200, 45, 90]


def test_no_place_names_a_folder_that_was_never_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught, staged(tmp_path / "out") as folder:
        raise SourceError("it cannot be used", place=f"{folder}, row 3")
    assert caught.value.place == f"{tmp_path / 'out'}, row 3"


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), staged(tmp_path / "out") as folder:
        (folder / "half").write_text("written")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with staged(tmp_path / "out") as folder:
        (folder / "whole").write_text("written")
        assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").stat().st_mode & 0o700 == 0o700


def test_only_a_model_of_ours_is_ever_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    claim(out)  # empty: fine
    (out / "config.json").write_text("{}")
    for overwrite in (False, True):
        with pytest.raises(OutputError):
            claim(out, overwrite=overwrite)
    (out / MARKER).write_text("{}")
    with staged(out, overwrite=True) as folder:
        (folder / "new").write_text("new")
    assert [path.name for path in out.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError):
        claim(tmp_path / "file", overwrite=True)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_draws_one_bar_and_a_pipe_gets_lines() -> None:
    events = [Event("load", "a message"), *(Event("train", "full", step, 3, {"loss": 0.5}) for step in (1, 2, 3))]
    screen, pipe = Screen(), io.StringIO()
    for stream in (screen, pipe):
        with Terminal(stream) as terminal:
            for event in events:
                terminal(event)
    assert "\r" in screen.getvalue() and "3/3" in screen.getvalue() and screen.getvalue().endswith("\n")
    assert pipe.getvalue() == "load      a message\n"
    assert json.dumps(pipe.getvalue()).isascii()


def test_a_cache_is_bounded_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    for age in range(4):
        entry = tmp_path / str(age)
        entry.mkdir()
        (entry / "data").write_bytes(b"x" * 100)
        os.utime(entry, (1000 - age, 1000 - age))
    (tmp_path / ".making").write_bytes(b"x" * 1000)
    prune(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".making", "0", "1"]
    prune(tmp_path, 10)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".making", "0"]


def test_what_appears_in_the_output_meanwhile_is_not_lost(tmp_path: Path) -> None:
    with pytest.raises(OutputError), staged(tmp_path / "out") as folder:
        (folder / "model").write_text("new")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.txt").write_text("years of work")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_name_that_no_disk_takes_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write there"):
        claim(tmp_path / ("x" * 300))


def test_a_bad_choice_in_a_file_is_placed_there(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("epochs: many")
    with pytest.raises(RecipeError, match="no number") as caught:
        Recipe.load(tmp_path / "r.yaml")
    assert caught.value.place == f"{tmp_path / 'r.yaml'}: epochs"
    (tmp_path / "r.yaml").write_text("1: 2")
    with pytest.raises(RecipeError, match="unknown choice"):
        Recipe.load(tmp_path / "r.yaml")
