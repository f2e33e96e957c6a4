"""What is wrong with rows: what is set aside and told, and what cannot be used at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..errors import SourceError
from ..tasks import recognise, task_for
from ..values import Problem


class Aside(NamedTuple):
    """A row that was not taken: why, where it stands, and its label where it has one."""

    code: str
    origin: str
    label: str | None


TOLD = {
    "unreadable-image": ("no image that can be decoded", "replace or delete the files"),
    "truncated-image": ("an image file that ends too soon", "copy or download the files again"),
    "oversized-image": ("an image of too many pixels", "make the images smaller, or raise HFTRANSFER_MAX_PIXELS"),
    "missing-image": ("no image at the path", "add the images, or correct their paths in the table"),
    "missing-label": ("no label", "fill the labels in, or delete the rows; write [] where none of several holds"),
    "empty-text": ("no text", "fill the texts in, or delete the rows"),
    "malformed-row": ("not as many cells as columns", "look for missing quotes or stray delimiters"),
    "bad-span": (
        "a span that is empty, leaves the text, or overlaps another",
        "give spans by characters, counted from 0, the end after the last one",
    ),
    "uneven-tags": ("not as many tags as words", "give each word of the row a tag"),
    "unreadable-label": ("a label of another kind", "correct the labels, or name their task with --task"),
    "split-leakage": (
        "the same or nearly the same as rows of validation or test",
        "nothing needs to be done: test is whole",
    ),
    "unknown-label": ("a label that train does not have", "add examples of it to train, or correct the label"),
}
LOST = (
    "unreadable-image",
    "truncated-image",
    "oversized-image",
    "missing-image",
    "malformed-row",
    "bad-span",
    "uneven-tags",
)
SHOWN = 5
LEAST_A_CLASS = 2  # rows, of a class that lost some
MOST_LOST = 0.5


def told(asides: Sequence[Aside]) -> tuple[Problem, ...]:
    """A warning for each reason, with a count and the first places."""
    counts = Counter(aside.code for aside in asides)
    return tuple(_told(code, [aside.origin for aside in asides if aside.code == code]) for code in counts)


def _told(code: str, origins: Sequence[str]) -> Problem:
    reason, fix = TOLD[code]
    return Problem(code, "warning", first_few(origins), f"{counted_rows(len(origins))} set aside: {reason}", fix)


def first_few(places: Sequence[str]) -> str:
    return ", ".join(places[:SHOWN]) + (", …" if len(places) > SHOWN else "")


def counted_rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def enough(place: str, modality: str, kept: Mapping[str, int], asides: Sequence[Aside]) -> None:
    """Refuse a source that has lost too much.

    Args:
        kept: how many rows of each label, as it was found, are usable.

    Raises:
        SourceError: nothing is left, or so much is broken that what is left says little.
    """
    if not sum(kept.values()):
        raise SourceError(f"no row can be used: {_why(asides)}", place=place, fix=_fix(asides))
    broken = [aside for aside in asides if aside.code in LOST]
    if len(broken) > MOST_LOST * (len(broken) + sum(kept.values())):
        raise SourceError(f"most rows cannot be used: {_why(broken)}", place=place, fix=_fix(broken))
    if recognise(modality, kept)[0] != task_for(modality):  # a number or a set of labels may well be a row's alone
        return
    for label in sorted({aside.label for aside in broken if aside.label is not None}):
        if kept.get(label, 0) < LEAST_A_CLASS:
            lost = [aside for aside in broken if aside.label == label]
            left = "1 row" if kept.get(label) else "no row"
            raise SourceError(f"class '{label}' has {left} left: {_why(lost)}", place=place, fix=_fix(lost))


def _why(asides: Sequence[Aside]) -> str:
    return "; ".join(f"{problem.message} ({problem.where})" for problem in told(asides)) or "it has no rows"


def _fix(asides: Sequence[Aside]) -> str:
    return "; ".join(problem.fix for problem in told(asides)) or "give a source with rows"


def tiny_classes(counts: Mapping[str, int], least: int) -> Iterator[Problem]:
    """A warning for each class with too few rows to be in every split."""
    for label, count in counts.items():
        if count < least:
            yield Problem(
                "tiny-class",
                "warning",
                label,
                f"class '{label}' has {count} row{'s' * (count > 1)}: it cannot be learned and measured",
                f"add examples until there are at least {least}",
            )
