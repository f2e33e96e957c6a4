"""The form of choices, made from `Recipe`: what a field says of itself is all that is known here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, fields
from functools import partial
from itertools import groupby
from typing import Any

import gradio as gr
from gradio.components import Component

from ...errors import RecipeError
from ...recipe import Recipe
from ...tasks import TASKS
from .. import names, uploads
from ..fields import field_label
from ..labels import label
from ..words import say

GROUPS = ("model", "training", "overfitting", "search")  # each under a heading of its own
FIRST = ("backbone", "strategy", "epochs")  # in this order, before all groups
HIDDEN = ("revision",)
ROW = 3  # components side by side
STARTERS = {f"starter:{task.modality.name}" for task in TASKS.values()}
_KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def shown() -> list[Field[Any]]:
    """The fields that the form offers, the most asked for first."""
    wanted = [entry for entry in fields(Recipe) if entry.metadata["group"] in GROUPS and entry.name not in HIDDEN]
    return sorted(wanted, key=_place)


def _place(entry: Field[Any]) -> tuple[int, int]:
    first = FIRST.index(entry.name) if entry.name in FIRST else len(FIRST)
    return (-1 if entry.name in FIRST else GROUPS.index(entry.metadata["group"]), first)


def place_of(name: str) -> int:
    """Where a field is among `shown()`."""
    return [entry.name for entry in shown()].index(name)


Beneath = Mapping[str, Callable[[], object]]
Instead = Mapping[str, Callable[[], Component]]


def build(beneath: Beneath | None = None, instead: Instead | None = None) -> list[Component]:
    """Components in the order of `shown()`, laid out in rows: the most asked for, then a heading a group.

    Args:
        beneath: what to lay out beneath the row of a field, by the field's name.
        instead: what to lay out in the place of a field.
    """
    built: list[Component] = []
    for place, entries in groupby(shown(), key=lambda entry: _place(entry)[0]):
        if place >= 0:
            gr.Markdown(label(f"train.group.{GROUPS[place]}"), elem_classes="hft-group")
        built += _rows(list(entries), beneath or {}, instead or {})
    return built


def _rows(entries: Sequence[Field[Any]], beneath: Beneath, instead: Instead) -> Iterator[Component]:
    for start in range(0, len(entries), ROW):
        row = entries[start : start + ROW]
        with gr.Row():
            components = [instead.get(entry.name, partial(_component, entry))() for entry in row]
        yield from components
        for entry in row:
            beneath.get(entry.name, lambda: None)()


def recipe(
    values: Sequence[Any], owner: str = "", *, folders: bool = False, only: Sequence[str] | None = None
) -> Recipe:
    """The recipe that a filled form asks for: what is left empty keeps its default.

    Args:
        owner: whose uploads may be named.
        folders: whether a backbone may be a folder of this machine, or only be on the Hub.
        only: the fields that are read, where not all are.

    Raises:
        RecipeError: a value is out of its bounds, or the backbone is neither.
        SourceError: an upload that is named is not there.
    """
    filled = [(entry, value) for entry, value in zip(shown(), values, strict=True) if _filled(value)]
    given = {entry.name: _typed(entry, value) for entry, value in filled if only is None or entry.name in only}
    if "backbone" in given:
        _check_backbone(given["backbone"], folders)
    if "pseudo_label" in given:
        given["pseudo_label"] = str(uploads.kept(owner, given["pseudo_label"]))
    return Recipe.from_mapping(given)


def fitting(task: str) -> list[dict[str, Any]]:
    """Updates of the fields that are for images or for texts alone: those of the other are not seen."""
    row = TASKS.get(task)
    kept = {None, row.modality.name if row else None}
    return [gr.update(visible=row is None or only in kept) for only in map(_only, shown()) if only]


def for_some(choices: Sequence[Component]) -> list[Component]:
    """The components that `fitting` updates."""
    return [component for entry, component in zip(shown(), choices, strict=True) if _only(entry)]


def _only(entry: Field[Any]) -> str | None:
    """The modality that a field is for, if it is not for all."""
    only: str | None = entry.metadata.get("only")
    return only


def _component(entry: Field[Any]) -> Component:
    """A dropdown or a text: a number component cannot be empty, which here means "derive it"."""
    name, rules = label(field_label(entry.name)), entry.metadata
    value = "" if entry.default is None else str(entry.default)
    more: dict[str, Any] = {
        "label": name,
        "info": label(rules["help"]),
        "value": value,
        "elem_id": f"choice-{entry.name}",
    }
    if _kind(entry) is bool:
        return gr.Checkbox(**{**more, "value": entry.default})
    if "choices" in rules:
        # The names of the shell, in every language: a name that the browser translates may come back as the value.
        return gr.Dropdown(choices=[*rules["choices"]], **more)
    return gr.Textbox(placeholder=label(f"train.{rules.get('empty', 'derived')}"), max_lines=1, min_width=240, **more)


def _typed(entry: Field[Any], value: Any) -> Any:
    text, kind = str(value).strip(), _kind(entry)
    if kind is bool:
        return value is True
    try:
        return kind(text)
    except ValueError:
        place, fix = f"--{entry.name.replace('_', '-')}", entry.metadata["help"]
        raise RecipeError(say("error.number", value=text), place=place, fix=fix) from None


def _kind(entry: Field[Any]) -> type:
    return _KINDS[str(entry.type).split(" ")[0]]


def _check_backbone(name: str, folders: bool) -> None:
    there = os.path.exists(name)
    if name not in STARTERS and not (there if folders and there else names.BACKBONE.fullmatch(name) and not there):
        key = "error.backbone.local" if folders else "error.backbone"
        raise RecipeError(say(key, value=name), place="--backbone", fix=say(f"{key}.fix"))


def _filled(value: Any) -> bool:
    return value is not None and str(value).strip() != ""
