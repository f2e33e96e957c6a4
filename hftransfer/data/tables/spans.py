"""Entities marked by the places of their characters, and by tags of words: made into a tag a word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ...tasks.tokens import entities
from ..rows import Row, written
from .naming import ENDS, STARTS, normal
from .spelling import as_list, joined, parsed, places, words_of

BAD, UNEVEN = "bad-span", "uneven-tags"
_COMPACT = re.compile(r"\s*(\d{1,9})\s*:\s*(\d{1,9})\s*:\s*([^\W\d][^;|:]*?)\s*")  # 10:30:00 is a time
_KINDS = ("label", "entity", "entity_group", "type", "tag", "labels", "category", "class", "kind", "name")
_WRAPPED = ("entities", "spans", "annotations", "ner")
_START, _END = (*STARTS, "from"), (*ENDS, "to")
_TAG = re.compile(r"O|[BIESLUM]-\S.*")
OUTSIDE = "O"
MOST = 0.8  # of the cells say what a column holds


class Span(NamedTuple):
    """An entity's place, in characters, and its kind."""

    start: int
    end: int
    kind: str


def row_of_tags(words: Any, tags: Any, origin: str) -> Row:
    """A row of words with a tag each."""
    found, given = words_of(words), as_list(tags)
    if found is None:
        return Row(None, None, origin)
    if given is None or any(tag is None for tag in given):
        return Row("x", None, origin)
    if len(given) != len(found):
        return Row("x", None, origin, UNEVEN)
    kept = [(word.strip(), str(tag).strip()) for word, tag in zip(found, given, strict=True) if word.strip()]
    text, where = joined([word for word, _ in kept])
    return Row(text, written([[*place, tag] for place, (_, tag) in zip(where, kept, strict=True)]), origin)


def row_of_spans(text: str, cell: Any, origin: str) -> Row:
    """A row of a text with the spans that its cell names; an empty cell names none."""
    if cell is None or cell != cell:
        return Row(text, None, origin)
    return row_of(text, spans_of(cell), origin)


def row_of(text: str, spans: Sequence[Span] | None, origin: str) -> Row:
    """A row of a text with its spans, None where they could not be read."""
    tagging = None if spans is None else _tagging(text, spans)
    return Row(text, None, origin, BAD) if tagging is None else Row(text, written(tagging), origin)


def spans_of(cell: Any) -> list[Span] | None:
    """The spans in a cell: a list, JSON of one, or `0:5:person;7:12:place`; None where it is none of these."""
    if isinstance(cell, str):
        if not cell.strip():
            return []
        value = parsed(cell)
        return _compact(cell) if value is None else spans_of(value)
    if isinstance(cell, Mapping):
        cell = _listed(cell)
    if not isinstance(cell, (list, tuple)):
        return None
    found = [_span(part) for part in cell]
    return None if None in found else [span for span in found if span]


def span(start: Any, end: Any, kind: Any) -> Span | None:
    """A span of cells; None where they are none."""
    kind = kind[0] if isinstance(kind, (list, tuple)) and len(kind) == 1 else kind
    first, last = _whole(start), _whole(end)
    if first is None or last is None or not isinstance(kind, (str, int)) or not str(kind).strip():
        return None
    return Span(first, last, str(kind).strip())


def are_tags(tags: Sequence[Any]) -> bool:
    """Whether these are tags in one of the usual schemes."""
    return bool(tags) and sum(_TAG.fullmatch(str(tag)) is not None for tag in tags) >= MOST * len(tags)


def are_spans(cells: Iterable[Any]) -> bool:
    """Whether cells hold spans: some do, and most others hold a list of none or nothing."""
    found = [spans_of(cell) for cell in cells if cell is not None]
    read = [spans for spans in found if spans is not None]
    return any(read) and len(read) >= MOST * len(found)


def _tagging(text: str, spans: Iterable[Span]) -> list[list[Any]] | None:
    """A triple a word; None where a span is empty, leaves the text, or shares a character with another."""
    ordered = _whole_ones(sorted(set(spans)))
    inside = all(0 <= span.start < span.end <= len(text) and text[span.start : span.end].strip() for span in ordered)
    if not inside or any(one.end > other.start for one, other in pairwise(ordered)):
        return None
    words = places(text, (border for span in ordered for border in (span.start, span.end)))
    tagged: list[list[Any]] = []
    waiting = iter(ordered)
    now, fresh = next(waiting, None), True
    for start, end in words:
        while now and now.end <= start:
            now, fresh = next(waiting, None), True
        there = now is not None and now.start <= start
        tagged.append([start, end, f"{'B' if fresh else 'I'}-{now.kind}" if now and there else OUTSIDE])
        fresh = fresh and not there
    return tagged


def _whole_ones(spans: list[Span]) -> list[Span]:
    """Spans whose kinds are tags, a word each, as the entities that they make; others as they are."""
    if not all(_TAG.fullmatch(span.kind) for span in spans):
        return [span for span in spans if span.kind != OUTSIDE]
    found = entities(span.kind for span in spans)
    return [Span(spans[one.first].start, spans[one.last].end, one.kind) for one in found]


def _compact(text: str) -> list[Span] | None:
    matches = [_COMPACT.fullmatch(part) for part in re.split("[;|]", text) if part.strip()]
    found = [Span(int(match[1]), int(match[2]), match[3]) for match in matches if match and len(match[0]) < 1000]
    return found if found and len(found) == len(matches) else None


def _listed(cell: Mapping[Any, Any]) -> Any:
    """An object as a list: what it wraps, its own lists side by side, or itself alone."""
    wrapped = _value(cell, _WRAPPED)
    if isinstance(wrapped, (list, tuple)):
        return wrapped
    columns = [_value(cell, names) for names in (_START, _END, _KINDS)]
    if all(isinstance(column, list) for column in columns):
        return list(zip(*columns, strict=False)) if len(set(map(len, columns))) == 1 else None
    return [cell]


def _span(part: Any) -> Span | None:
    if isinstance(part, Mapping):
        return span(_value(part, _START), _value(part, _END), _value(part, _KINDS))
    return span(*part) if isinstance(part, (list, tuple)) and len(part) == 3 else None


def _value(part: Mapping[Any, Any], names: Iterable[str]) -> Any:
    own = {normal(name): value for name, value in part.items()}
    return next((own[name] for name in names if name in own), None)


def _whole(cell: Any) -> int | None:
    """A whole number, however it is written."""
    if isinstance(cell, str) and re.fullmatch(r"\s*\d{1,9}(\.0+)?\s*", cell):
        return int(float(cell))
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else None
