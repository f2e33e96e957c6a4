"""A run in the words of the shell and of Python, so that it can be done again without the page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...home import home

OUTPUT = "my-model"


def source(given: str, name: str) -> str:
    """What to write for a source: an upload by the name of its file, anything else as it was given."""
    path = Path(given)
    if not path.is_relative_to(home("uploads")):
        return given
    return name if Path(name).suffix else path.name


def shell(source: str, chosen: Mapping[str, Any]) -> str:
    """The command for a source and the choices that differ from the defaults."""
    given = [(name, part) for name, value in chosen.items() for part in (value if isinstance(value, list) else [value])]
    options = [part for name, value in given for part in _option(name.replace("_", "-"), value)]
    return shlex.join(["hftransfer", "train", source, "-o", OUTPUT, *options])


def named(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The choices, with uploads by the names of their files."""
    return {
        name: source(value, Path(value).name) if isinstance(value, str) else value for name, value in chosen.items()
    }


def _option(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return (f"--{name}" if value else f"--no-{name}",)
    return f"--{name}", str(value)


def python(source: str, chosen: Mapping[str, Any]) -> str:
    choices = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
    given = f", Recipe({choices})" if chosen else ""
    names = "Recipe, fine_tune" if chosen else "fine_tune"
    return f"from hftransfer import {names}\n\nmodel = fine_tune({source!r}{given}, output={OUTPUT!r})"
