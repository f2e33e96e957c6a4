"""Reports of the kinds that have not one label of several, as `fine_tune` hands them on."""

from __future__ import annotations

from typing import Any

import numpy as np

SHARED: dict[str, Any] = {
    "model": "mine",
    "backbone": "some/backbone",
    "strategy": "full",
    "evaluated_on": "test",
    "rows": {"train": 800, "validation": 100, "test": 200},
    "seconds": {"total": 12.5, "load": 1.0, "train": 7.0, "evaluate": 0.5},
    "source": "mine.csv",
    "recipe": {"strategy": "full", "epochs": None, "seed": 42},
    "versions": {"torch": "2.15"},
}
FEELINGS = {"joy": 0.31, "anger": 0.5, "愤怒": 0.45, "no <b>feeling</b>": 0.22}
KINDS = ("person", "place", "creative-work")


def bounds(value: float, width: float = 0.05) -> dict[str, float]:
    return {"value": value, "low": value - width, "high": value + width}


def _row(at: int, **more: float) -> dict[str, float]:
    return {
        "precision": 0.8 - at / 10,
        "recall": 0.7 - at / 20,
        "f1": 0.75 - at / 14,
        "support": 80.0 - 20 * at,
        **more,
    }


def multi_label(**changes: Any) -> dict[str, Any]:
    """Four labels in 200 rows: 80, 60, 40 and 20 of them."""
    found = enumerate(FEELINGS.items())
    metrics = {"f1_micro": 0.71, "f1_macro": 0.66, "map": 0.74, "subset_accuracy": 0.52, "precision_micro": 0.7}
    return {
        **SHARED,
        "task": "text-multi-label",
        "labels": list(FEELINGS),
        "label_rows": dict(zip(FEELINGS, (320, 240, 160, 80), strict=True)),
        "metrics": {name: bounds(value) for name, value in metrics.items()},
        "per_label": {
            name: _row(at, average_precision=0.8 - at / 15, threshold=threshold) for at, (name, threshold) in found
        },
        "confusion": [],
        "history": [
            {"phase": "full", "step": step, "loss": 1 / step, "eval_loss": 1.1 / step, "eval_map": 1 - 0.5 / step}
            for step in range(1, 6)
        ],
        **changes,
    }


def regression(*names: str, **changes: Any) -> dict[str, Any]:
    """Numbers between -90 and 90 that are missed by about 8."""
    names = names or ("angle",)
    noise = np.random.default_rng(0)
    truth = noise.uniform(-90, 90, (len(names), 200))
    given = truth * 0.96 + noise.normal(0, 8, truth.shape)
    metrics = {"rmse": 8.4321, "mae": 6.3, "r2": 0.974, "pearson": 0.988, "spearman": 0.986}
    return {
        **SHARED,
        "task": "image-regression",
        "labels": list(names),
        "label_rows": dict.fromkeys(names, 800),
        "metrics": {name: bounds(value, value / 20) for name, value in metrics.items()},
        "per_label": {name: {**metrics, "support": 200.0} for name in names},
        "confusion": [],
        "points": {name: np.stack(pair, axis=1) for name, *pair in zip(names, truth, given, strict=True)},
        "history": [
            {"phase": "full", "step": step, "loss": 1 / step, "eval_loss": 1.1 / step, "eval_r2": 0.9 - 2 / step}
            for step in range(1, 6)
        ],
        **changes,
    }


def entities(**changes: Any) -> dict[str, Any]:
    """Three kinds, of 80, 60 and 40 entities."""
    metrics = {"precision": 0.72, "recall": 0.64, "f1": 0.678}
    return {
        **SHARED,
        "task": "token-classification",
        "labels": ["O", *(f"{mark}-{kind}" for kind in KINDS for mark in "BI")],
        "label_rows": dict(zip(KINDS, (320, 240, 160), strict=True)),
        "metrics": {name: bounds(value) for name, value in metrics.items()},
        "per_label": {kind: _row(at) for at, kind in enumerate(KINDS)},
        "confusion": [],
        "aggregation": "first",
        **changes,
    }


STORIES = {"multi_label": multi_label, "regression": regression, "entities": entities}
