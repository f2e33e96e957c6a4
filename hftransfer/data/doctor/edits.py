"""Places in a text replaced, and words with tags that keep theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from ...tasks.tokens import OUTSIDE, Word, split


class Edit(NamedTuple):
    """Characters `start` to `end`, and what stands there instead."""

    start: int
    end: int
    new: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits made; they are in order, and do not overlap."""
    parts, place = [], 0
    for edit in edits:
        parts += [text[place : edit.start], edit.new]
        place = edit.end
    return "".join([*parts, text[place:]])


def moved(words: Sequence[Word], edits: Sequence[Edit]) -> list[Word]:
    """The words where they stand after the edits.

    Those that an edit cuts become one, with the first entity's tag among them; one that is
    emptied is gone, and the entity that it began begins later.
    """
    kept: list[Word] = []
    before, last = -1, -1  # the edit that made the last word; the end of it
    for word in words:
        cut = next((n for n, edit in enumerate(edits) if edit.new and _overlap(edit, word)), -1)
        start, end = _shifted(word.start, edits, cut, True), _shifted(word.end, edits, cut, False)
        if cut >= 0 and cut == before:
            tag = kept[-1].tag if kept[-1].tag != OUTSIDE else word.tag
            kept[-1] = Word(kept[-1].start, max(end, last), tag)
        elif end > start:
            kept.append(Word(start, end, word.tag))
        before, last = cut, end
    return _begun(kept)


def moved_label(label: str, edits: Sequence[Edit]) -> str:
    """The same for a label as it is found: `[[start, end, tag], …]`."""
    words = [Word(int(start), int(end), str(tag)) for start, end, tag in json.loads(label)]
    return json.dumps([list(word) for word in moved(words, edits)], ensure_ascii=False)


def tags_words(label: str) -> bool:
    """Whether a label, as it is found, is of words with tags."""
    if not label.startswith("[["):
        return False
    try:
        return all(len(word) == 3 and isinstance(word[0], int) for word in json.loads(label))
    except (ValueError, TypeError, RecursionError):
        return False


def _overlap(edit: Edit, word: Word) -> bool:
    return edit.start < word.end and word.start < edit.end


def _shifted(place: int, edits: Sequence[Edit], cut: int, opens: bool) -> int:
    """Where a place in the old text is in the new one; inside what was replaced, its near end."""
    moved = place
    for number, edit in enumerate(edits):
        if edit.end <= place and not (number == cut and edit.end == place and opens):
            moved += len(edit.new) - (edit.end - edit.start)
        elif edit.start < place:  # inside
            moved += (edit.start if opens else edit.start + len(edit.new)) - place
    return moved


def _begun(words: list[Word]) -> list[Word]:
    """Every entity with a beginning: one whose first word is gone begins at the next."""
    tags: list[Word] = []
    for word in words:
        mark, kind = split(word.tag)
        goes_on = bool(tags) and split(tags[-1].tag)[1] == kind
        tags.append(word._replace(tag=f"B-{kind}") if mark == "I" and not goes_on else word)
    return tags
