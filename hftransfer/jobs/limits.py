"""What whoever runs the machine allows: by environment variables, read whenever they are needed."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from ..errors import JobError

AT_ONCE, PER_OWNER, HOURS = "HFTRANSFER_JOBS_AT_ONCE", "HFTRANSFER_JOBS_PER_OWNER", "HFTRANSFER_JOB_HOURS"
DISK, OWNER, FREE = "HFTRANSFER_DISK_GB", "HFTRANSFER_OWNER_GB", "HFTRANSFER_FREE_GB"
KEEP = "HFTRANSFER_KEEP_DAYS"
GB, DAY = 1e9, 86400.0
SHORT = 3600.0  # seconds that work which is no training may take
GRACE = 1800.0  # seconds in which a training whose time is over measures and saves what it has


@dataclass(frozen=True)
class Limits:
    """`at_once` trainings on this machine; `per_owner` waiting or running; `seconds` of one, None for no end.

    Bytes: of the whole `disk`'s jobs and uploads, and of one `owner`'s (None: no bound), and what stays `free`.
    `keep`: seconds for which a run that was cut short can be gone on with.
    """

    at_once: int
    per_owner: int
    seconds: float | None
    disk: float | None
    owner: float | None
    free: float
    keep: float

    def kinds(self) -> dict[str, int]:
        """How many jobs of a kind run at once: what is short, or waits for the Hub, need not wait for training."""
        return {"check": 1, "plan": 1, "recommend": 1, "push": 2, "train": self.at_once}

    def longest(self, kind: str) -> float:
        """Seconds after which work of a kind is stopped: it hangs, and others wait for its place."""
        given = math.inf if self.seconds is None else self.seconds
        return given + GRACE if kind == "train" else min(given + GRACE, SHORT)


def limits() -> Limits:
    """The limits that are set, and defaults for the others.

    Raises:
        JobError: a setting is no number.
    """
    return Limits(
        at_once=int(_number(AT_ONCE, "1", whole=True)),
        per_owner=int(_number(PER_OWNER, "20", whole=True)),
        seconds=_bound(HOURS, 3600),
        disk=_bound(DISK, GB),
        owner=_bound(OWNER, GB),
        free=_number(FREE, "0.5") * GB,
        keep=_number(KEEP, "30") * DAY,
    )


def _bound(name: str, unit: float) -> float | None:
    """None where nothing is set."""
    return _number(name, "") * unit if os.environ.get(name) else None


def _number(name: str, default: str, *, whole: bool = False) -> float:
    text = os.environ.get(name) or default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf or (whole and not text.isdecimal()):
        example = "a whole number such as 1" if whole else "a number such as 1.5"
        raise JobError(f"'{text}' is no number that fits", place=name, fix=f"set it to {example}")
    return number
