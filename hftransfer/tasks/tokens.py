"""A tag for each word: entities in a text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import SourceError
from .kinds import Target, in_order, rarest

OUTSIDE = "O"
MARKS = ("B", "I", "E", "S", "L", "U", "M")
ENTITY = "entity"  # the kind where tags name none


class Word(NamedTuple):
    """A word's place in the text, in characters, and its tag: `O`, `B-kind` or `I-kind`."""

    start: int
    end: int
    tag: str


class Entity(NamedTuple):
    """An entity's kind, and its first and last word."""

    kind: str
    first: int
    last: int


Value = tuple[Word, ...]


@dataclass(frozen=True)
class Tokens(Target):
    """A label is found as `[[start, end, tag], …]`, a triple a word; its value is the words with tags in BIO."""

    name: str = "tokens"
    problem_type: str = ""
    shape: str = "tags"
    activation: str = "softmax"
    solver: str = "multinomial"
    metrics: str = "entities"
    best: str = "f1"
    unit: str = "word"
    auto_model: str = "AutoModelForTokenClassification"

    def recognise(self, found: Mapping[str, int]) -> str:
        some = [text for text, _ in zip(found, range(100), strict=False) if text != "[]"]
        return "the words of a text have tags" if some and all(map(_is_tagging, some)) else ""

    def reader(self, found: Iterable[str], known: Iterable[str] = ()) -> Callable[[str], Value]:
        return _read

    def names(self, value: Value) -> tuple[str, ...]:
        return tuple(entity.kind for entity in entities(word.tag for word in value))

    def fit(self, values: Iterable[Value], column: str) -> tuple[str, ...]:
        kinds = in_order(name for value in values for name in self.names(value))
        return (OUTSIDE, *(f"{mark}-{kind}" for kind in kinds for mark in "BI"))

    def encode(self, value: Value, index: Mapping[str, int]) -> list[dict[str, int]]:
        return [{"start": word.start, "end": word.end, "tag": index[word.tag]} for word in value]

    def strata(self, values: Iterable[Value]) -> list[str]:
        return rarest(map(self.names, values))

    def refusal(self, train: Iterable[Value], everywhere: Iterable[Value]) -> SourceError | None:
        if not any(map(self.names, train)):
            return SourceError(
                "no word is part of an entity", fix="mark some entities, with tags such as B-person and I-person"
            )
        return None


def entities(tags: Iterable[str]) -> list[Entity]:
    """The entities in tags of any of the usual schemes (IO, IOB, BIO, BIOES), as seqeval's default counts them:
    one begins where its kind changes, at B and S, and after E and S."""
    found: list[Entity] = []
    before, kind_before = OUTSIDE, ""
    for place, tag in enumerate(tags):
        mark, kind = split(tag)
        if mark != OUTSIDE:
            goes_on = kind == kind_before and mark not in "BSU" and before not in "OESUL"
            if goes_on:
                found[-1] = found[-1]._replace(last=place)
            else:
                found.append(Entity(kind, place, place))
        before, kind_before = mark, kind
    return found


def split(tag: str) -> tuple[str, str]:
    """A tag's mark and its kind: ('B', 'person') of B-person; a kind alone is inside, a mark alone of the one kind."""
    if tag in ("", OUTSIDE):
        return OUTSIDE, ""
    mark, dash, kind = tag.partition("-")
    if mark not in MARKS:
        return "I", tag
    return mark, kind if dash else ENTITY


def in_bio(tags: Sequence[str]) -> list[str]:
    """The same entities in BIO."""
    plain = [OUTSIDE] * len(tags)
    for entity in entities(tags):
        plain[entity.first] = f"B-{entity.kind}"
        plain[entity.first + 1 : entity.last + 1] = [f"I-{entity.kind}"] * (entity.last - entity.first)
    return plain


def _is_tagging(text: str) -> bool:
    try:
        return bool(_read(text))
    except ValueError:
        return False


def _read(text: str) -> Value:
    try:
        words = [Word(int(start), int(end), str(tag)) for start, end, tag in json.loads(text)]
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"'{text[:60]}' is no list of words with tags") from error
    tags = in_bio([word.tag for word in words])
    return tuple(word._replace(tag=tag) for word, tag in zip(words, tags, strict=True))


def spans(words: Sequence[Any], tags: Iterable[str]) -> list[tuple[int, int, str]]:
    """The entities' places in the text, in characters, with their kinds; `words` have a start and an end."""
    return [(words[one.first].start, words[one.last].end, one.kind) for one in entities(tags)]
