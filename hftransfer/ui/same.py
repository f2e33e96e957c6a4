"""A run in the words of the shell and of Python, so that it can be done again without the page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

OUTPUT = "my-model"


def shell(source: str, chosen: Mapping[str, Any]) -> str:
    """The command for a source and the choices that differ from the defaults."""
    options = [part for name, value in chosen.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    return shlex.join(["hftransfer", "train", source, "-o", OUTPUT, *options])


def python(source: str, chosen: Mapping[str, Any]) -> str:
    choices = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
    given = f", Recipe({choices})" if chosen else ""
    names = "Recipe, fine_tune" if chosen else "fine_tune"
    return f"from hftransfer import {names}\n\nmodel = fine_tune({source!r}{given}, output={OUTPUT!r})"
