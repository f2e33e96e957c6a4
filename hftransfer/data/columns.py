"""Which columns of a table hold the inputs and the labels: by name, then by content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ..errors import ColumnError, RecipeError
from ..recipe import Recipe
from ..tasks import get_task
from ..values import Problem
from .images import is_image_path
from .rows import Table, cells_size, first_of, label_text, storable

# In the order that they are believed in.
_TEXT = """
    text texts sentence sentences review reviews question content comment message body tweet utterance query
    document article post input sms description abstract headline title txt 文本 内容 句子 评论 标题
"""
_IMAGE = """
    image images img picture photo file file_name filename path file_path filepath image_path img_path
    image_file image_name 图片 图像 文件名 路径
"""
_LABEL = """
    label labels class classes target category categories sentiment intent topic tag y type rating stars
    emotion species breed variety score 标签 类别 分类
"""
NAMES = {"text": _TEXT.split(), "image": _IMAGE.split(), "label": _LABEL.split()}
SAMPLE = 5000  # rows looked at
GUESSED = "guessed-columns"
NAME_IT = "call the column of the texts text"


@dataclass(frozen=True)
class Columns:
    """The chosen columns by their names, what the inputs are (image or text), and all `names` that there are."""

    modality: str
    input: str
    label: str
    names: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The names as they can be stored: half a pair of a broken table is no text."""
        names = [storable(name) for name in self.names]
        return {"names": names, "input": storable(self.input), "label": storable(self.label)}


def normal(name: Any) -> str:
    """A column's name as names are compared: no case, no surrounding whitespace, no BOM."""
    return re.sub(r"[\s\-]+", "_", str(name).strip(" \t\r\n\ufeff\"'").lower())


def choose(table: Table, recipe: Recipe) -> Columns:
    """The columns that the recipe names, or else those that names or contents speak for.

    Raises:
        ColumnError: a column isn't there, or none can be told apart.
    """
    sample = _Sample(table)
    label = _asked(table, recipe.label_column, "--label-column")
    asked_text = _asked(table, recipe.text_column, "--text-column")
    asked_image = _asked(table, recipe.image_column, "--image-column")
    modality = _modality(recipe, asked_text, asked_image)
    image = asked_image or (sample.image(label) if modality in (None, "image") else None)
    if image is not None and modality != "text":
        return _complete(sample, "image", image, label)
    if modality == "image":
        raise _cannot_tell(table, "images", "--image-column")
    if label is None:
        label = sample.named("label", but=asked_text)
    text = asked_text or sample.named("text", but=label) or sample.longest(but=label)
    if text is None:
        raise _cannot_tell(table, "texts", "--text-column")
    return _complete(sample, "text", text, label)


def text_column(table: Table) -> str:
    """The column of a table's texts, whatever else it holds.

    Raises:
        ColumnError: no column looks like it.
    """
    sample = _Sample(table)
    found = sample.named("text", but=None) or sample.longest(but=None)
    if found is None:
        raise ColumnError("no column holds texts", place=f"{table.place}, which has {listed(table)}", fix=NAME_IT)
    return found


def _complete(sample: _Sample, modality: str, column: str, label: str | None) -> Columns:
    label = label or sample.named("label", but=column) or sample.few(but=column)
    if label is None:
        raise _cannot_tell(sample.table, "labels", "--label-column")
    named = _by_name(column, modality) and _by_name(label, "label")
    guessed = () if named else (_guessed(sample, modality, column, label),)
    return Columns(modality, column, label, sample.table.names, guessed)


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


def _asked(table: Table, name: str | None, option: str) -> str | None:
    """The table's own spelling of a column that the user named."""
    if name is None:
        return None
    found = [own for own in table.names if own == name] or [own for own in table.names if normal(own) == normal(name)]
    if not found:
        raise ColumnError(
            f"there is no column '{name}'",
            place=f"{table.place}, which has {listed(table)}",
            fix=f"pass one of these with {option}",
            columns=[storable(name) for name in table.names],
        )
    return found[0]


def _cannot_tell(table: Table, what: str, option: str) -> ColumnError:
    return ColumnError(
        f"no column looks like it holds the {what}",
        place=f"{table.place}, which has {listed(table)}",
        fix=f"say which it is with {option}",
        columns=[storable(name) for name in table.names],
    )


def listed(table: Table) -> str:
    """The table's columns, for a message."""
    return "the columns " + ", ".join(f"'{storable(name)}'" for name in table.names) if table.names else "no columns"


def _by_name(column: str, role: str) -> bool:
    return normal(column) in NAMES[role]


def _guessed(sample: _Sample, modality: str, column: str, label: str) -> Problem:
    return Problem(
        GUESSED,
        "info",
        sample.table.place,
        f"{modality}s are taken from column '{column}', labels from column '{label}'",
        f"if that is wrong, pass --{modality}-column and --label-column",
    )


class _Sample:
    """The first rows of a table, column by column."""

    def __init__(self, table: Table) -> None:
        self.table = table
        rows = (cells for _, cells in table.rows() if cells is not None)
        whole = list(first_of(rows, SAMPLE, cells_size))
        self.cells = dict(zip(table.names, map(list, zip(*whole, strict=True)), strict=True)) if whole else {}

    def named(self, role: str, *, but: str | None) -> str | None:
        """The column whose name speaks for the role: whole names first, then a word in the name."""
        names = {normal(name): name for name in reversed(self.table.names) if name != but}
        whole = (names[known] for known in NAMES[role] if known in names)
        words = (name for key, name in reversed(names.items()) if set(key.split("_")) & set(NAMES[role]))
        return next(whole, None) or next(words, None)

    def image(self, label: str | None) -> str | None:
        found = [name for name, cells in self.cells.items() if name != label and _are_images(cells)]
        return next((name for name in found if _by_name(name, "image")), None) or next(iter(found), None)

    def longest(self, *, but: str | None) -> str | None:
        """The column of the longest strings."""
        lengths = {name: _mean_length(cells) for name, cells in self.cells.items() if name != but}
        return max(lengths, key=lengths.__getitem__) if any(lengths.values()) else None

    def few(self, *, but: str) -> str | None:
        """The column of the fewest distinct short values, two or more where there is one."""
        kinds = {
            name: len(values)
            for name, cells in self.cells.items()
            if name != but and _mean_width(cells) <= 60 and (values := {label_text(cell) for cell in cells} - {None})
        }
        likely = [name for name, count in kinds.items() if count <= max(2, len(self.cells[name]) // 2)]
        return min(likely, key=lambda name: (kinds[name] < 2, kinds[name])) if likely else None


def _are_images(cells: Sequence[Any]) -> bool:
    there = [cell for cell in cells if cell is not None and cell != ""]
    hits = sum(isinstance(cell, bytes) or (isinstance(cell, str) and _is_file(cell)) for cell in there)
    return bool(there) and hits >= 0.8 * len(there)


def _is_file(cell: str) -> bool:
    return is_image_path(cell) and "://" not in cell and len(cell) < 1000


def _mean_length(cells: Sequence[Any]) -> float:
    """Of strings only: numbers are no texts."""
    return fmean(0 if not isinstance(cell, str) or _is_number(cell) else len(cell) for cell in cells)


def _mean_width(cells: Sequence[Any]) -> float:
    return fmean(len(str(cell)) for cell in cells)


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"\s*-?\d*\.?\d*(e[+-]?\d+)?\s*", cell))
