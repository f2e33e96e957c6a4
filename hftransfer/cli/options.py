"""What the commands share: options made from the recipe, and how results are shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from typing import Any

import click

from ..recipe import Recipe

GROUPS = {
    "data": "Data",
    "model": "Model",
    "training": "Training",
    "overfitting": "Against overfitting and unequal classes",
    "search": "Searching and checking",
    "machine": "Machine",
}


def recipe_options(names: Sequence[str]) -> Callable[[Any], Any]:
    """Options made from the recipe's own fields, so that help and defaults cannot drift."""
    kinds = {"str": str, "int": int, "float": float, "bool": bool}

    def decorate(command: Any) -> Any:
        for entry in reversed([entry for entry in fields(Recipe) if entry.name in names]):
            kind = kinds[str(entry.type).split(" ")[0]]
            flag = "--" + entry.name.replace("_", "-")
            option = click.option(
                f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
                entry.name,
                type=kind,
                default=None,
                multiple=entry.metadata.get("many", False),
                metavar="|".join(entry.metadata.get("choices", ())) or None,
                help=_help(entry, shown=kind is not bool),
            )
            command = option(command)
        return command

    return decorate


def _help(entry: Field[Any], *, shown: bool) -> str:
    """What a field says of itself, and its default: what None means, where that is not said already."""
    default = entry.metadata.get("empty") if entry.default is None else entry.default
    told = f" [default: {default}]" if shown and default is not None else ""
    return " ".join(filter(None, (entry.metadata["help"], entry.metadata.get("shell")))) + told


class Grouped(click.Command):
    """A command whose help lists the recipe's choices by what they are about, after its own options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        places = {entry.name: GROUPS[entry.metadata["group"]] for entry in fields(Recipe)}
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *GROUPS.values())}
        for given in self.get_params(ctx):
            record = given.get_help_record(ctx)
            if record is not None and isinstance(given, click.Option):
                rows[places.get(str(given.name), "Options")].append(record)
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


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
