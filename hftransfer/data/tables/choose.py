"""Which columns of a table hold the inputs and the labels: by name, then by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...errors import ColumnError
from ...recipe import Recipe
from ...values import Problem
from ..rows import Table, storable
from .columns import Asked, Columns, cannot_tell, listed
from .evidence import Sample
from .marked import marked
from .naming import NAMES, first_named, pair_in

GUESSED = "guessed-columns"
NAME_IT = "call the column of the texts text"
NAME_THEM = "call the columns of the texts text and text_pair"


def choose(table: Table, recipe: Recipe) -> Columns:
    """The columns that the recipe names, or else those that names or contents speak for.

    Raises:
        ColumnError: a column isn't there, or none can be told apart.
    """
    sample, asked = Sample(table), Asked.of(table, recipe)
    return replace(_chosen(sample, asked), names=table.names)


def text_columns(table: Table, *, pair: bool = False) -> tuple[str, ...]:
    """The column of a table's texts, or both of pairs, whatever else it holds.

    Raises:
        ColumnError: no column looks like it.
    """
    sample = Sample(table)
    if pair and (found := _pair(sample, but=(), wanted=True)):
        return found
    place = f"{table.place}, which has {listed(table)}"
    if pair:
        raise ColumnError("no two columns hold pairs of texts", place=place, fix=NAME_THEM)
    text = sample.named("text", but=()) or sample.longest(but=())
    if text is None:
        raise ColumnError("no column holds texts", place=place, fix=NAME_IT)
    return (text,)


def _chosen(sample: Sample, asked: Asked) -> Columns:
    image = asked.image or (sample.image(asked.labels) if asked.modality in (None, "image") else None)
    if image is not None and asked.modality != "text":
        return _labelled(sample, asked, Columns("image", image, ()))
    if asked.modality == "image":
        raise cannot_tell(sample.table, "images", "--image-column")
    if asked.unit != "row" and (found := marked(sample, asked)):
        return found
    if asked.unit == "word":
        raise cannot_tell(sample.table, "words with their tags, or the spans of texts", "--label-column")
    return _texts(sample, asked)


def _texts(sample: Sample, asked: Asked) -> Columns:
    labels = asked.labels or (sample.named("label", but=(asked.text, asked.pair)),)
    texts = None if asked.text or asked.pair else _pair(sample, but=labels)
    if texts:
        return _labelled(sample, asked, Columns("text", texts[0], (), texts[1], problems=(_paired(sample, texts),)))
    but = (asked.pair, *labels)
    text = asked.text or _partner(sample, asked.pair) or sample.named("text", but=but) or sample.longest(but=but)
    if text is None:
        raise cannot_tell(sample.table, "texts", "--text-column")
    return _labelled(sample, asked, Columns("text", text, (), asked.pair))


def _pair(sample: Sample, *, but: Sequence[str | None], wanted: bool = False) -> tuple[str, str] | None:
    """The columns of first and second texts: by their names; by content where they are wanted, or have no names."""
    names = [name for name in sample.table.names if name not in but]
    if found := pair_in(names):
        return found
    first = sample.longest(but=but) if wanted or _headless(sample.table) else None
    second = sample.pair(first, but=but) if first else None
    if not first or not second:
        return None
    both = (first, second)
    labels = sample.few(but=both) or sample.numbers(but=both)
    ordered = sorted(both, key=sample.table.names.index)
    return (ordered[0], ordered[1]) if labels or wanted or len(names) == 2 else None


def _partner(sample: Sample, pair: str | None) -> str | None:
    """The column of the first texts, where that of the second ones is named."""
    found = pair_in(sample.table.names) if pair else None
    return found[0] if found and found[1] == pair else None


def _headless(table: Table) -> bool:
    return table.names == tuple(map(str, range(len(table.names))))


def _labelled(sample: Sample, asked: Asked, columns: Columns) -> Columns:
    """The columns of the labels, too."""
    but = (columns.input, columns.pair)
    labels = asked.labels or _labels(sample, but)
    if not labels:
        raise cannot_tell(sample.table, "labels", "--label-column")
    columns = replace(columns, labels=labels)
    if len(labels) > 1:
        told = _several(sample, labels)
        return replace(columns, problems=(*columns.problems, *([] if asked.labels else [told])))
    sure = asked.labels or first_named(labels, NAMES["label"])
    known = columns.pair or asked.text or asked.image or first_named([columns.input], NAMES[columns.modality])
    guessed = [] if sure and known else [_guessed(sample, columns)]
    return replace(columns, problems=(*columns.problems, *guessed))


def _labels(sample: Sample, but: Sequence[str | None]) -> tuple[str, ...]:
    """By a whole name; several of 0 and 1; by a word in the name; few values; numbers with decimals."""
    others = [name for name in sample.table.names if name not in but]
    if whole := first_named(others, NAMES["label"]):
        return (whole,)
    if flags := sample.flags(but=but):
        return flags
    one = sample.named("label", but=but) or sample.few(but=but) or sample.numbers(but=but)
    return (one,) if one else ()


def _several(sample: Sample, labels: Sequence[str]) -> Problem:
    """What is said of several columns of labels. Raises ColumnError where one holds no numbers."""
    for name in labels:
        if sample.there(name) and not (sample.are_flags(name) or sample.are_numbers(name)):
            raise ColumnError(
                f"of several columns of labels each holds 0 and 1, or numbers: '{storable(name)}' does not",
                place=f"{sample.table.place}, which has {listed(sample.table)}",
                fix="name one column alone with --label-column, or several of 0 and 1, or several of numbers",
                columns=[storable(name) for name in sample.table.names],
            )
    named = ", ".join(f"'{name}'" for name in labels[:5]) + (", …" if len(labels) > 5 else "")
    return Problem(
        "label-columns",
        "info",
        sample.table.place,
        f"the labels are {len(labels)} columns of 0 and 1: {named}",
        "if that is wrong, name the columns of the labels with --label-column",
    )


def _paired(sample: Sample, texts: tuple[str, str]) -> Problem:
    return Problem(
        "paired-columns",
        "info",
        sample.table.place,
        f"the texts are pairs, from the columns '{texts[0]}' and '{texts[1]}'",
        "if that is wrong, pass --text-column, and --text-pair-column where they are pairs",
    )


def _guessed(sample: Sample, columns: Columns) -> Problem:
    modality = columns.modality
    return Problem(
        GUESSED,
        "info",
        sample.table.place,
        f"{modality}s are taken from column '{columns.input}', labels from column '{columns.labels[0]}'",
        f"if that is wrong, pass --{modality}-column and --label-column",
    )
