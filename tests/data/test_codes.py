"""Every code of a problem is in the documented list, with its severity, and in a test; and no other is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from hftransfer.data import checks
from hftransfer.data.doctor import diagnosis, repair
from hftransfer.data.pictures import remarks

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "hftransfer"
ROW = re.compile(r"^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
# Codes that are picked at run time stand in tables.
TABLES = {*checks.TOLD, *(code for code, _, _ in remarks.SAID.values()), *diagnosis.TEXTS}
OWN = {"new-head", "goes-on"}  # of the models' room, and tested there


def documented() -> dict[str, tuple[str, ...]]:
    page = (PACKAGE / "data" / "CODES.md").read_text(encoding="utf-8")
    return {code: tuple(map(str.strip, cells)) for code, *cells in ROW.findall(page)}


def in_source() -> Iterator[str]:
    """The codes that stand in calls of `Problem` and `Aside`, by themselves or by a constant of their file."""
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assigned = (node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant))
        names = {
            target.id: node.value.value for node in assigned for target in node.targets if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Problem", "Aside") and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield code.value
                elif isinstance(code, ast.Name) and code.id in names:
                    yield names[code.id]


def test_every_code_is_documented_and_no_other() -> None:
    assert set(documented()) == {*in_source(), *TABLES}


def test_every_code_has_a_test() -> None:
    written = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    assert not [code for code in documented() if code not in OWN and not any(f'"{code}"' in text for text in written)]


def test_every_code_says_all_there_is_to_say() -> None:
    for code, (severity, *cells) in documented().items():
        assert re.match("info|warning|error", severity) and all(cells), code


def test_what_is_repaired_is_documented_as_such() -> None:
    told = {code for code, cells in documented().items() if cells[-1] != "–"}
    assert set(repair.DONE) == told
