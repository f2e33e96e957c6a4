"""Tables of words with tags, and of texts with spans: how they are recognised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from ...errors import ColumnError
from ...values import Problem
from ..rows import storable
from .columns import Asked, Columns, listed
from .evidence import MOST, Sample, is_empty
from .naming import ENDS, NAMES, STARTS, first_named
from .spans import are_spans, are_tags, span
from .spelling import as_list, words_of

FEW = 500  # rows looked at


def marked(sample: Sample, asked: Asked) -> Columns | None:
    """The columns, where the labels are tags of words or spans of texts; None where they are anything else."""
    if asked.pair or len(asked.labels) > 1:
        return None
    return _words(sample, asked) or _spans(sample, asked) or _places(sample, asked)


def _words(sample: Sample, asked: Asked) -> Columns | None:
    """A list of words, and one of as many tags."""
    names = [asked.text] if asked.text else _by_name(sample, "words", asked.labels)
    for words in (name for name in names if _are_lists(sample, name)):
        others = asked.labels or [name for name in _by_name(sample, "tags", (words,)) if name != words]
        parallel = [name for name in others if _go_with(sample, words, name)]
        if asked.unit is None and not asked.labels and _labelled_texts(sample, (words, *parallel)):
            return None
        if tags := _best(sample, parallel, asked):
            known = asked.text or first_named([words], NAMES["words"])
            sure = known and (asked.labels or first_named([tags], NAMES["tags"]))
            return Columns(
                "text", words, (tags,), form="tags", problems=() if sure else (_tagged(sample, words, tags),)
            )
    return None


def _best(sample: Sample, parallel: Sequence[str], asked: Asked) -> str | None:
    """The column of tags: by its name, else by what it holds. Raises ColumnError where tags have no names."""
    tags = {name: list(_tags_in(sample, name)) for name in parallel}
    spoken = [name for name, found in tags.items() if not _are_numbers(found)]
    likely = [name for name in spoken if are_tags(tags[name])]
    found = asked.labels[:1] if spoken and asked.labels else (first_named(likely, NAMES["tags"]), *likely)
    named = first_named(spoken, NAMES["tags"])
    if best := next((name for name in (*found, named) if name), None):
        return best
    numbered = asked.labels or [name for name in parallel if asked.unit or first_named([name], NAMES["tags"])]
    if parallel and numbered:
        raise ColumnError(
            f"the tags of the words are numbers without names, in column '{storable(parallel[0])}'",
            place=f"{sample.table.place}, which has {listed(sample.table)}",
            fix="write tags such as O, B-person and I-person in their place",
        )
    return None


def _spans(sample: Sample, asked: Asked) -> Columns | None:
    """A text, and a cell with its spans."""
    names = asked.labels or _by_name(sample, "spans", (asked.text,))
    name = next((name for name in names if are_spans(islice(sample.there(name), FEW))), None)
    if name is None or (asked.unit is None and not asked.labels and _labelled_texts(sample, (name,))):
        return None
    text = asked.text or sample.named("text", but=(name,)) or sample.longest(but=(name,))
    return Columns("text", text, (name,), form="spans", problems=(_said(sample, text, name),)) if text else None


def _places(sample: Sample, asked: Asked) -> Columns | None:
    """A span a row: its text, its start and end, and its kind."""
    start, end = (first_named(sample.table.names, names) for names in (STARTS, ENDS))
    if start is None or end is None:
        return None
    but = (start, end)
    label = next(iter(asked.labels), None) or sample.named("label", but=(*but, asked.text))
    text = asked.text or sample.named("text", but=(*but, label)) or sample.longest(but=(*but, label))
    label = label or sample.few(but=(*but, text))
    if text is None or label is None or len({text, label, start, end}) < 4 or not _fit(sample, text, start, end):
        return None
    return Columns("text", text, (label,), form="places", places=but, problems=(_said(sample, text, label, *but),))


def _fit(sample: Sample, text: str, start: str, end: str) -> bool:
    """Whether starts and ends are places in the texts."""
    rows = zip(*(sample.cells[name] for name in (text, start, end)), strict=True)
    given = [
        (str(cell), span(first, last, "x")) for cell, first, last in rows if not (is_empty(first) and is_empty(last))
    ]
    fits = sum(one is not None and one.start < one.end <= len(cell) for cell, one in given)
    return bool(given) and fits >= MOST * len(given)


def _labelled_texts(sample: Sample, but: Sequence[str]) -> bool:
    """Whether there are texts with labels of their own beside: tags and spans may be about these."""
    label = first_named([name for name in sample.table.names if name not in but], NAMES["label"])
    text = sample.named("text", but=(*but, label))
    return bool(label and text) and not any(words_of(cell) for cell in islice(sample.there(text or ""), FEW))


def _by_name(sample: Sample, role: str, but: Sequence[str | None]) -> list[str]:
    """The columns, those first whose names speak for the role."""
    first = first_named([name for name in sample.table.names if name not in but], NAMES[role])
    names = [name for name in sample.table.names if name not in but]
    return sorted(names, key=lambda name: name != first)


def _are_lists(sample: Sample, name: str) -> bool:
    there = sample.there(name)[:FEW]
    return bool(there) and sum(words_of(cell) is not None for cell in there) >= MOST * len(there)


def _go_with(sample: Sample, words: str, tags: str) -> bool:
    """Whether lists are as long as those of the words."""
    rows = islice(zip(sample.cells[words], sample.cells[tags], strict=True), FEW)
    both = [
        (words_of(cell), as_list(tagging)) for cell, tagging in rows if not is_empty(cell) and not is_empty(tagging)
    ]
    even = [
        bool(found) for found, given in both if found is not None and given is not None and len(found) == len(given)
    ]
    return any(even) and len(even) >= MOST * len(both)


def _tags_in(sample: Sample, name: str) -> Iterator[Any]:
    for cell in sample.there(name)[:FEW]:
        yield from (tag for tag in as_list(cell) or () if tag is not None)


def _are_numbers(tags: Sequence[Any]) -> bool:
    return all(str(tag).strip().lstrip("-").isdecimal() for tag in tags)


def _tagged(sample: Sample, words: str, tags: str) -> Problem:
    return Problem(
        "guessed-columns",
        "info",
        sample.table.place,
        f"words are taken from column '{words}', their tags from column '{tags}'",
        "if that is wrong, pass --text-column and --label-column",
    )


def _said(sample: Sample, text: str, *names: str) -> Problem:
    where = ", ".join(f"'{name}'" for name in names)
    return Problem(
        "span-columns",
        "info",
        sample.table.place,
        f"entities are marked in the texts of column '{text}', by the places in {where}",
        "places count characters from 0, the end is the one after the last; if that is wrong, pass --task",
    )
