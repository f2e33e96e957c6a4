"""What the commands share: options made from the recipe, and how results are shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import click

from ..recipe import Recipe


def recipe_options(names: Sequence[str]) -> Callable[[Any], Any]:
    """Options made from the recipe's own fields, so that help and defaults cannot drift."""
    kinds = {"str": str, "int": int, "float": float, "bool": bool}

    def decorate(command: Any) -> Any:
        for entry in reversed([entry for entry in fields(Recipe) if entry.name in names]):
            kind = kinds[str(entry.type).split(" ")[0]]
            flag = "--" + entry.name.replace("_", "-")
            shown = "" if entry.default is None or kind is bool else f"  [default: {entry.default}]"
            option = click.option(
                f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
                entry.name,
                type=kind,
                default=None,
                multiple=entry.metadata.get("many", False),
                metavar="|".join(entry.metadata.get("choices", ())) or None,
                help=entry.metadata["help"] + shown,
            )
            command = option(command)
        return command

    return decorate


def make_recipe(choices: dict[str, Any], config: str | None = None) -> Recipe:
    """The file's choices, then those of the command line."""
    base = Recipe.load(config).to_json() if config else {}
    given = {name: value for name, value in choices.items() if value not in (None, ())}
    return Recipe.from_mapping({**base, **given})


JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on standard output, progress on standard error."
)
CONTEXT = {"help_option_names": ["-h", "--help"]}


def say(text: str, *, err: bool = False) -> None:
    """Print; what no encoding can write (parts of odd file names) becomes a question mark."""
    click.echo(text.encode("utf-8", "replace").decode("utf-8"), err=err)


def show(value: dict[str, Any], as_json: bool, human: Callable[[dict[str, Any]], str]) -> None:
    say(json.dumps(value, ensure_ascii=False) if as_json else human(value))
