"""Going on from a model of ours: what it scored on the new data before, and what is left of the old.

Where a model's data lies is noted in `HFTRANSFER_HOME`, not in the model's folder: that
may be given away, and paths are nobody's business.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .data import load_data
from .errors import HFTransferError
from .home import home
from .models.ours import REPORT
from .predictor import Predictor
from .predictor.scored import scored
from .recipe import Recipe
from .results.metrics import Evaluation
from .values import Dataset, Event, Known, Listener


def note_origin(source: Any, recipe: Recipe, data: Dataset, folder: Path) -> None:
    """Note where a model's data lies, for who goes on from it. Data that is no file or id is not kept."""
    if isinstance(source, (str, Path)):
        place = str(Path(source).absolute()) if Path(source).exists() else str(source)
        whole = {"source": place, "recipe": recipe.to_json(), "digest": data.digests[data.evaluated_on]}
        with suppress(OSError):  # the model is whole without
            _origin(folder).write_text(json.dumps(whole), encoding="utf-8")


def went_on(place: str, new: Predictor, data: Dataset, on_event: Listener) -> dict[str, Any]:
    """For the report: `before`, the old model's metrics on the new data, and `forgetting` (see there)."""
    old = Predictor.from_pretrained(place)
    return {"before": before(old, data, on_event), "forgetting": forgetting(old, new, on_event)}


def before(old: Predictor, data: Dataset, on_event: Listener) -> dict[str, Any]:
    """What the old model does on the new data's evaluated rows; a label that it does not know it never gives."""
    on_event(Event("evaluate", f"measuring {old.folder.name} on the new data, as it is"))
    rows = data.splits[data.evaluated_on]
    with Evaluation(old.task, data.labels, thresholds=old.thresholds) as evaluation:
        for _, scores, labels in scored(old, rows):
            evaluation.add(_widened(scores, len(data.labels)), labels)
        metrics = evaluation.report().metrics
    return {name: interval.to_json() for name, interval in metrics.items()}


def forgetting(old: Predictor, new: Predictor, on_event: Listener) -> dict[str, Any] | None:
    """What the new model does on the old one's evaluated rows, beside the old one; None where they are gone."""
    try:
        origin = json.loads(_origin(old.folder).read_text(encoding="utf-8"))
        recipe = Recipe.from_mapping(origin["recipe"])
        known = Known(new.folder.name, new.task.name, new.labels, new.pairs)
        data = load_data(origin["source"], recipe, known=known)
    except (OSError, ValueError, KeyError, HFTransferError):
        on_event(Event("evaluate", f"the data of {old.folder.name} is gone: what is forgotten is not known"))
        return None
    if data.digests[data.evaluated_on] != origin["digest"] or data.labels != new.labels:
        on_event(Event("evaluate", f"the data of {old.folder.name} has changed: what is forgotten is not known"))
        return None
    on_event(Event("evaluate", f"measuring what is left of {old.folder.name}"))
    after = new.measure(data.splits[data.evaluated_on]).metrics
    return {
        "source": data.name,
        "evaluated_on": data.evaluated_on,
        "rows": len(data.splits[data.evaluated_on]),
        "before": old.report.get("metrics") or {},
        "after": {name: interval.to_json() for name, interval in after.items()},
    }


def _widened(scores: Any, labels: int) -> Any:
    """With a score of nought for labels that the model lacks."""
    if isinstance(scores, list):
        return [_widened(row, labels) for row in scores]
    return np.pad(scores, ((0, 0), (0, labels - scores.shape[1])))


def _origin(folder: Path) -> Path:
    """A file by what the model's report says: the same wherever the folder is moved."""
    name = hashlib.blake2b((folder / REPORT).read_bytes(), digest_size=16).hexdigest()
    return home("origins") / f"{name}.json"
