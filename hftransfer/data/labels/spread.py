"""Where the numbers of a regression lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...tasks import get_task
from ...values import Dataset
from .encoded import labels_of

BINS = 24


def spreads(data: Dataset) -> dict[str, dict[str, Any]]:
    """Of each number the least, the quarters, the largest (`quarters`), and how many rows there are in each of
    equal steps between (`counts`); nothing where labels are no numbers."""
    if get_task(data.task).target.shape != "numbers":
        return {}
    values = np.concatenate([labels_of(rows) for rows in data.splits.values()])
    return {name: _spread(column) for name, column in zip(data.labels, values.T, strict=True)}


def _spread(column: np.ndarray) -> dict[str, Any]:
    counts, _ = np.histogram(column, bins=BINS)
    quarters = np.percentile(column, (0, 25, 50, 75, 100))
    return {
        "quarters": [float(f"{value:.6g}") for value in quarters],
        "counts": counts.tolist(),
    }  # they came as float32
