"""What a card says of each shape of label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Run = Mapping[str, Any]


@dataclass(frozen=True)
class About:
    """Words for one shape.

    `does` is a sentence from a run and the name of its inputs; `named` are the labels as people call them;
    `counted` heads the table of how many there are of each (none where that tells nothing); `columns` are the
    first and the last head of the table of figures; `text` is an example to try on the Hub.
    """

    does: Callable[[Run, str], str]
    limit: str
    heading: str = "Labels"
    named: Callable[[Run], Sequence[str]] = lambda run: run.get("labels") or ()
    counted: tuple[str, str] | tuple[()] = ("label", "rows")
    columns: tuple[str, str] = ("label", "rows")
    text: str = "I would like to know more about this, thank you."


def _kinds(run: Run) -> list[str]:
    """What entities are called, without the marks of their first and further words."""
    kinds = (label.partition("-")[2] for label in run.get("labels") or ())
    return list(dict.fromkeys(kind for kind in kinds if kind))


def _many(run: Run) -> int:
    return len(run.get("labels") or ())


def _numbers(run: Run, inputs: str) -> str:
    one, several = f"Answers {inputs} with a number.", f"Answers {inputs} with {_many(run)} numbers."
    return one if _many(run) == 1 else several


ABOUT = {
    "class": About(
        does=lambda run, inputs: f"Sorts {inputs} into {_many(run)} classes.",
        limit="Every input gets one of the labels, even one that belongs to none; a high score is no promise.",
    ),
    "flags": About(
        does=lambda run, inputs: f"Gives {inputs} any of {_many(run)} labels: none, one or several.",
        limit="A label is given where its score reaches its threshold, which was chosen on validation rows.",
    ),
    "numbers": About(
        does=_numbers,
        limit="Every input gets a number, even one that has none; outside the range of its data expect little.",
        heading="Numbers",
        counted=(),
        columns=("number", "rows"),
    ),
    "tags": About(
        does=lambda run, inputs: f"Finds entities of {len(_kinds(run))} kinds in {inputs}.",
        limit="It marks what looks like the entities that it learned, and knows no other kinds.",
        heading="Kinds of entities",
        named=_kinds,
        counted=("kind", "entities"),
        columns=("kind", "entities"),
        text="Ada Lovelace moved from London to Paris in 1843, and Mr. Babbage wrote to her there.",
    ),
}
