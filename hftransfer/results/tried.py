"""What a run tried before it settled, as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..measures import written


@dataclass(frozen=True)
class Attempt:
    """A strategy or a set of values: `value` of validation with its interval, both empty where it was passed over."""

    name: str
    value: str
    interval: str
    time: str
    why: str
    taken: bool


def attempts(run: Mapping[str, Any]) -> list[Attempt]:
    """In the order in which they were tried."""
    return [_attempt(entry) for entry in run.get("tried") or []]


def _attempt(entry: Mapping[str, Any]) -> Attempt:
    metric = str(entry.get("metric"))
    value, low, high = (written(metric, entry.get(side)) for side in ("value", "low", "high"))
    seconds = f"{entry.get('seconds', 0):.0f} s" if value else ""
    interval, taken = f"{low} – {high}" if low else "", bool(entry.get("taken"))
    return Attempt(str(entry["name"]), value, interval, seconds, str(entry["why"]), taken)
