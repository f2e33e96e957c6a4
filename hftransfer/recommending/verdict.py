"""What trying backbones came to: scores side by side, and the one to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..errors import BackboneError, HFTransferError
from ..measures import written

NOISE = 1.0  # standard errors of the difference from the best (the rule of Breiman et al. 1984)


@dataclass(frozen=True)
class Candidate:
    """A backbone, with its cross-validated score and 95 % interval; or why it could not be tried.

    Attributes:
        size_mb: of the model that training would save.
        latency_ms: the median time of one prediction on this machine.
        seconds: that trying it took.
    """

    backbone: str
    score: float | None = None
    low: float | None = None
    high: float | None = None
    size_mb: float | None = None
    latency_ms: float | None = None
    seconds: float = 0.0
    error: HFTransferError | None = None

    @property
    def cost(self) -> float:
        """What it asks of whoever uses it: space times time."""
        return (self.size_mb or 0.0) * (self.latency_ms or 0.0)

    def to_json(self) -> dict[str, Any]:
        plain = asdict(replace(self, error=None))
        del plain["error"]
        return {**plain, **({"error": self.error.to_json()} if self.error else {})}


@dataclass(frozen=True)
class Recommendation:
    """The candidates, the best score first; which to take, and why.

    Attributes:
        metric: what the scores are.
        rows: that they were measured on.
        note: what is to be known of the choice of candidates, if anything.
    """

    candidates: tuple[Candidate, ...]
    choice: str
    why: str
    metric: str
    rows: int
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        candidates = [candidate.to_json() for candidate in self.candidates]
        return {"candidates": candidates, "choice": self.choice, "why": self.why}


@dataclass(frozen=True)
class Tried:
    """A candidate with its score on each resample of the rows, the same ones for all."""

    candidate: Candidate
    resampled: np.ndarray


def concluded(tried: Sequence[Tried], metric: str, rows: int) -> Recommendation:
    """The cheapest of those that are as good as the best, but for noise.

    Raises:
        HFTransferError: none has a score: the first one's error.
    """
    scored = [one for one in tried if one.candidate.score is not None]
    if not scored:
        raise tried[0].candidate.error or BackboneError("no backbone could be tried", place="--backbone")
    best = max(scored, key=_score)
    able = [one for one in scored if _score(best) - _score(one) <= NOISE * _spread(best, one)]
    taken = min(able, key=lambda one: (one.candidate.cost, -_score(one)))
    ranked = sorted((one.candidate for one in tried), key=lambda one: -np.inf if one.score is None else -one.score)
    ranked.sort(key=lambda one: one.score is None)
    why = _why(taken.candidate, best.candidate, len(scored), metric)
    return Recommendation(tuple(ranked), taken.candidate.backbone, why, metric, rows)


def _score(one: Tried) -> float:
    return float(one.candidate.score or 0.0)


def _spread(one: Tried, other: Tried) -> float:
    """The standard error of the difference of two scores, of the same rows."""
    difference = one.resampled - other.resampled
    return float(np.nanstd(difference)) if np.isfinite(difference).any() else 0.0


def _why(taken: Candidate, best: Candidate, scored: int, metric: str) -> str:
    reached = written(metric, taken.score)
    size, time = f"{taken.size_mb:.0f}", f"{taken.latency_ms:.0f}"
    if scored == 1:
        return f"it is the only one that could be tried: {metric} {reached}, {size} MB, {time} ms a prediction"
    if taken is best:
        return f"it has the best {metric}, {reached}, and none that is as good but for noise is smaller and faster"
    top = written(metric, best.score)
    return (
        f"its {metric}, {reached}, is that of the best ({best.backbone}, {top}) but for noise, "
        f"at less: {size} MB, {time} ms a prediction"
    )
