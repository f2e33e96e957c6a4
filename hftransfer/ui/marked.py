"""Entities in their text, inputs of all kinds, and numbers on their scale, as HTML: whatever users wrote is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .pieces import plain

COLOURS = 8  # of kinds of entities, in studio.css; more of them share
Entity = Mapping[str, Any]


def marked(text: str, entities: Sequence[Entity], kinds: Sequence[str]) -> str:
    """The text, each entity in the colour of its kind, which stands behind it."""
    parts, place = [], 0
    for entity in sorted(entities, key=lambda entity: int(entity["start"])):
        start, end = max(place, int(entity["start"])), int(entity["end"])
        parts += [plain(text[place:start]), _mark(text[start:end], entity, kinds)]
        place = max(place, end)
    return f'<span class="hft-marked">{"".join([*parts, plain(text[place:])])}</span>'


def _mark(text: str, entity: Entity, kinds: Sequence[str]) -> str:
    kind = str(entity["label"])
    colour = list(kinds).index(kind) % COLOURS if kind in kinds else 0
    sure = f' title="{entity["score"]:.1%}"' if entity.get("score") is not None else ""
    return f'<mark class="hft-kind-{colour}"{sure}>{plain(text)}<small>{plain(kind)}</small></mark>'


def pair_of(first: Any, second: Any) -> str:
    """Two texts that belong together, one below the other."""
    return f'<span class="hft-pair"><q>{plain(first)}</q><q>{plain(second)}</q></span>'


def kinds_of(labels: Sequence[str]) -> list[str]:
    """The kinds that tags name: `B-person` and `I-person` are one."""
    return list(dict.fromkeys(kind for label in labels if (kind := str(label).partition("-")[2])))


def short(value: float) -> str:
    """A number with as many digits as are worth reading."""
    return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3e}"
