"""The columns of a table that hold the inputs and the labels, and what the recipe says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import ColumnError, RecipeError
from ...recipe import Recipe
from ...tasks import get_task
from ...values import Problem
from ..rows import Table, storable
from .naming import normal


@dataclass(frozen=True)
class Columns:
    """The chosen columns by their names.

    `form` is how labels are written (see `shapes`): a `plain` cell or several; `tags` of
    words; `spans` in a cell; or a span a row, whose start and end the columns in `places`
    hold. `names` are all that there are.
    """

    modality: str
    input: str
    labels: tuple[str, ...]
    pair: str | None = None
    form: str = "plain"
    places: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that rows are made of, in this order."""
        return (self.input, *([self.pair] if self.pair else []), *self.labels, *self.places)

    def to_json(self) -> dict[str, Any]:
        """The names as they can be stored: half a pair of a broken table is no text."""
        return {
            "names": [storable(name) for name in self.names],
            "input": storable(self.input),
            "pair": storable(self.pair) if self.pair else None,
            "labels": [storable(name) for name in self.labels],
        }


@dataclass(frozen=True)
class Asked:
    """What the recipe says of the columns, in the table's own spelling."""

    labels: tuple[str, ...] = ()
    text: str | None = None
    pair: str | None = None
    image: str | None = None
    modality: str | None = None
    unit: str | None = None  # what is given a label: a row, or each word of it

    @classmethod
    def of(cls, table: Table, recipe: Recipe) -> Asked:
        """Raises ColumnError where a column isn't there, RecipeError where two exclude each other."""
        wanted = recipe.label_column
        names = (wanted,) if isinstance(wanted, str) else wanted or ()
        labels = tuple(dict.fromkeys(_own(table, name, "--label-column") for name in names))
        text = _own(table, recipe.text_column, "--text-column") if recipe.text_column else None
        pair = _own(table, recipe.text_pair_column, "--text-pair-column") if recipe.text_pair_column else None
        image = _own(table, recipe.image_column, "--image-column") if recipe.image_column else None
        unit = get_task(recipe.task).target.unit if recipe.task else None
        asked = cls(labels, text, pair, image, _modality(recipe, text or pair, image), unit)
        asked._once_each()
        return asked

    def _once_each(self) -> None:
        inputs = [name for name in (self.text, self.pair, self.image) if name]
        for place, name in enumerate(inputs):
            if name in inputs[:place] or name in self.labels:
                raise RecipeError(
                    f"the column '{storable(name)}' is asked for twice",
                    place="--text-column, --text-pair-column, --image-column, --label-column",
                    fix="name another column for one of them",
                )


def _modality(recipe: Recipe, text: str | None, image: str | None) -> str | None:
    if text and image:
        raise _exclude("--text-column", "--image-column")
    asked = "text" if text else "image" if image else None
    if recipe.task is None:
        return asked
    modality = get_task(recipe.task).modality.name
    if asked not in (None, modality):
        raise _exclude(f"--{asked}-column", f"--task {recipe.task}")
    return modality


def _exclude(one: str, other: str) -> RecipeError:
    return RecipeError(f"{one} and {other} exclude each other", place=f"{one}, {other}", fix="pass one of the two")


def _own(table: Table, name: str, option: str) -> str:
    """The table's own spelling of a column that the user named."""
    found = [own for own in table.names if own == name] or [own for own in table.names if normal(own) == normal(name)]
    if not found:
        raise ColumnError(
            f"there is no column '{name}'",
            place=f"{table.place}, which has {listed(table)}",
            fix=f"pass one of these with {option}",
            columns=[storable(name) for name in table.names],
        )
    return found[0]


def cannot_tell(table: Table, what: str, option: str) -> ColumnError:
    return ColumnError(
        f"no column looks like it holds the {what}",
        place=f"{table.place}, which has {listed(table)}",
        fix=f"say which it is with {option}",
        columns=[storable(name) for name in table.names],
    )


def listed(table: Table) -> str:
    """The table's columns, for a message."""
    return "the columns " + ", ".join(f"'{storable(name)}'" for name in table.names) if table.names else "no columns"
