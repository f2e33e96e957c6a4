"""What whoever runs the machine allows: by environment variables, read whenever they are needed."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import JobError

AT_ONCE, PER_OWNER, HOURS = "HFTRANSFER_JOBS_AT_ONCE", "HFTRANSFER_JOBS_PER_OWNER", "HFTRANSFER_JOB_HOURS"


@dataclass(frozen=True)
class Limits:
    """`at_once` trainings on this machine; `per_owner` waiting or running; `seconds` of one, None for no end."""

    at_once: int
    per_owner: int
    seconds: float | None

    def kinds(self) -> dict[str, int]:
        """How many jobs of a kind run at once: what is short, or waits for the Hub, need not wait for training."""
        return {"check": 1, "plan": 1, "push": 2, "train": self.at_once}


def limits() -> Limits:
    """The limits that are set, and defaults for the others.

    Raises:
        JobError: a setting is no number.
    """
    hours = os.environ.get(HOURS)
    return Limits(
        at_once=int(_number(AT_ONCE, "1", whole=True)),
        per_owner=int(_number(PER_OWNER, "20", whole=True)),
        seconds=_number(HOURS, hours) * 3600 if hours else None,
    )


def _number(name: str, default: str, *, whole: bool = False) -> float:
    text = os.environ.get(name) or default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number < 0 or (whole and not text.isdecimal()):
        example = "a whole number such as 1" if whole else "a number such as 1.5"
        raise JobError(f"'{text}' is no number that fits", place=name, fix=f"set it to {example}")
    return number
