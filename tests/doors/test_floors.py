"""The house: a file imports only from floors below its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "hftransfer"
# From the ground up. Rooms of one floor do not import each other.
FLOORS = (
    ("errors", "values", "measures", "home", "output", "checkpoints", "reach", "pixels"),
    ("tasks",),
    ("recipe", "usage"),
    ("data", "models", "results"),
    ("strategies",),
    ("training",),
    ("publish",),
    ("predictor",),
    ("choosing", "continuing", "recommending"),
    ("workflow", "planning"),
    ("jobs",),
    ("terminal", "ui"),
    ("cli",),
    ("__main__",),
)
GROUND_ORDER = {"output": {"errors"}, "home": {"errors"}, "checkpoints": {"output"}}  # the ground floor's stairs
BANNED = {"utils", "helpers", "common", "misc", "manager"}
LONGEST = 400


def rooms() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The rooms of ours that a file imports, wherever in it the import stands."""
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            yield from [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and not node.level and node.module == "hftransfer":
            yield from (alias.name for alias in node.names)
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.startswith("hftransfer."):
                yield name.split(".")[1]


def floor(name: str) -> int:
    return next(level for level, names in enumerate(FLOORS) if name in names)


@pytest.mark.parametrize(
    "path", [path for path in rooms() if room(path) != "__init__"], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_file_imports_only_from_floors_below(path: Path) -> None:
    here = room(path)
    for other in imported(path):
        allowed = other == here or floor(other) < floor(here) or other in GROUND_ORDER.get(here, ())
        assert allowed, f"{path.relative_to(ROOT)} imports {other}, which is not below {here}"


def test_every_room_has_a_floor() -> None:
    known = {name for names in FLOORS for name in names} | {"__init__"}
    assert {room(path) for path in rooms()} == known


def test_the_page_for_contributors_names_every_floor() -> None:
    page = (PACKAGE / "HOUSE.md").read_text(encoding="utf-8")
    told = [line.split("`")[1::2] for line in page.splitlines() if line.startswith("| `")]
    assert [tuple(names) for names in told] == [tuple(names) for names in FLOORS]


def test_no_room_without_a_purpose_and_none_too_long() -> None:
    assert not [path for path in rooms() if path.stem in BANNED]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in rooms()}
    assert not {path: length for path, length in lengths.items() if length > LONGEST}


def test_no_ladder_of_tasks() -> None:
    """A task is a row of the table: nothing asks which one it is."""
    for path in rooms():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare):
                words = [c.value for c in [node.left, *node.comparators] if isinstance(c, ast.Constant)]
                names = [word for word in words if isinstance(word, str) and word.endswith("-classification")]
                assert not names, f"{path.relative_to(ROOT)}:{node.lineno} compares a task's name"
