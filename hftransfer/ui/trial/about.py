"""What the page knows of a run's model before it asks: by its report and its config, which are JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...jobs.states import Job
from ...tasks import TASKS
from ..marked import kinds_of

USUAL = 0.5  # the threshold of a label that has none of its own


@dataclass(frozen=True)
class About:
    """`reach` is, of each number, the range of the true ones that the model was measured on."""

    shape: str = "class"
    images: bool = False
    pair: bool = False
    kinds: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    reach: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, job: Job | None) -> About:
        """What is known; a plain classifier of texts where nothing is."""
        told = (job.result if job is not None else None) or {}
        task = TASKS.get(str(told.get("task")))
        config = _config(job.model) if job is not None and job.model else {}
        return cls(
            shape=task.target.shape if task else "class",
            images=task is not None and task.modality.name == "image",
            pair=bool(config.get("text_pair") or told.get("text_pair")),
            kinds=tuple(kinds_of(told.get("labels") or ())),
            thresholds=config.get("thresholds") or {},
            reach=_reach(told.get("points") or {}),
        )

    def threshold(self, label: str) -> float:
        return self.thresholds.get(label, USUAL)


def _config(model: str) -> dict[str, Any]:
    try:
        config = json.loads((Path(model) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _reach(points: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    truths = {name: [pair[0] for pair in pairs if pair[0] is not None] for name, pairs in points.items()}
    return {name: (min(found), max(found)) for name, found in truths.items() if found}
