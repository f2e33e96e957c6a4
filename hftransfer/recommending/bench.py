"""Heads on a backbone's features, each scored on rows that it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..models.anatomy import Anatomy, dissect
from ..models.inputs import example
from ..models.surgery import views_of
from ..models.views import View
from ..results.metrics import running
from ..strategies.feature_extraction import PROBE
from ..tasks import Task
from ..training.heads.folds import OF
from ..training.heads.probe import UNITS, features_of
from ..training.heads.solving import HeadProblem, Split, compare, solve
from ..training.progress import Leg
from ..training.rows import IGNORED
from .rows import FOLDS

RESAMPLES = 200
CONTENDERS = 3  # views that go on being compared


@dataclass(frozen=True)
class Bench:
    """A candidate's features of all drawn rows, on which heads are solved.

    Attributes:
        features: [units, views, width]; a unit is a row, or a token where words have labels.
        labels: of the units.
        owners: the row of each unit.
    """

    task: Task
    names: tuple[str, ...]
    anatomy: Anatomy
    views: tuple[View, ...]
    features: np.ndarray
    labels: np.ndarray
    owners: np.ndarray

    @classmethod
    def of(cls, leg: Leg) -> Bench:
        """Read the features, as the probe does."""
        backbone, data = leg.backbone, leg.data
        batch = {name: tensor.to(leg.machine.device) for name, tensor in example(backbone).items()}
        anatomy = dissect(backbone.model, batch, backbone.name)
        views = views_of(backbone.model, anatomy, batch, PROBE.depth)
        features = [features_of(leg, anatomy, name, views) for name in data.splits]
        labels = [UNITS[leg.task.target.unit](backbone, data, name) for name in data.splits]
        starts = np.cumsum([0, *map(len, data.splits.values())])
        owners = [OF[leg.task.target.unit](leg, name) + start for name, start in zip(data.splits, starts, strict=False)]
        return cls(leg.task, data.labels, anatomy, views, *map(np.concatenate, (features, labels, owners)))

    def scores(self, folds: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """The logits of each unit by a head that never saw its row, [units, outputs]; and the views that were best.

        All views are compared on the first part, the best of them on the others.
        """
        part, logits, chosen = folds[self.owners], np.zeros((len(self.labels), len(self.names))), []
        views: Sequence[int] = range(len(self.views))
        for fold in range(FOLDS):
            held, choosing = part == fold, part == (fold + 1) % FOLDS
            problems = {at: self._problem(at, ~(held | choosing), choosing) for at in views}
            if len(problems) > 1:
                views = sorted(problems, key=lambda at: compare(problems[at]))[:CONTENDERS]
            solved = solve(problems[views[0]])
            logits[held] = solved.logits(self.features[held, views[0]])
            chosen.append(views[0])
        return logits, chosen

    def _problem(self, at: int, seen: np.ndarray, unseen: np.ndarray) -> HeadProblem:
        known = np.ones(len(self.labels), dtype=bool) if self.labels.ndim > 1 else self.labels != IGNORED
        train, validation = (
            Split(self.features[side & known, at], self.labels[side & known]) for side in (seen, unseen)
        )
        return HeadProblem(train, validation, len(self.names), self.anatomy.activation, self.task.target.solver)

    def judged(self, logits: Sequence[np.ndarray], seed: int) -> tuple[float, np.ndarray]:
        """The task's main figure, and what it is on rows drawn again with replacement; the mean over repeats."""
        tables = [self._by_row(one) for one in (*logits, self.labels)]
        rows = self.owners[-1] + 1
        draws = np.random.default_rng(seed).integers(0, rows, (RESAMPLES, rows))
        figures = [[self._figure(one[draw], tables[-1][draw]) for draw in draws] for one in tables[:-1]]
        whole = float(np.mean([self._figure(one, tables[-1]) for one in tables[:-1]]))
        return whole, np.mean(figures, axis=0)

    def _figure(self, logits: np.ndarray, truth: np.ndarray) -> float:
        watch = running(self.task, self.names)
        watch.add(logits, truth)
        with suppress(KeyError):
            return float(watch.result()[self.task.target.best])
        return float("nan")

    def _by_row(self, values: np.ndarray) -> np.ndarray:
        """Units as rows: [rows, longest, …] where a row has several, filled up with what is ignored."""
        if self.task.target.unit == "row":
            return values
        counts = np.bincount(self.owners)
        places = np.concatenate([np.arange(count) for count in counts])
        table = np.full((len(counts), counts.max(), *values.shape[1:]), IGNORED, dtype=values.dtype)
        table[self.owners, places] = values
        return table
