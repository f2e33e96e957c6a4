"""Going on from a model of ours: what it scored on the new data before, and what is left of the old.

Where a model's data lies is noted in `HFTRANSFER_HOME`, not in the model's folder: that
may be given away, and paths are nobody's business.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .data import load_data
from .errors import HFTransferError
from .home import home
from .models.ours import REPORT
from .predictor import Predictor
from .predictor.scored import scored
from .recipe import Recipe
from .results.metrics import Evaluation
from .tasks import get_task
from .values import SPLITS, Dataset, Event, Known, Listener

if TYPE_CHECKING:
    import datasets


def note_origin(source: Any, recipe: Recipe, data: Dataset, folder: Path) -> None:
    """Note where a model's data lies, for who goes on from it. Data that is no file or id is not kept."""
    if isinstance(source, (str, Path)):
        others = {split: _lasting(getattr(recipe, split)) for split in SPLITS[1:] if getattr(recipe, split)}
        asked = recipe.with_(**others).to_json()
        whole = {"source": _lasting(source), "recipe": asked, "digest": data.digests[data.evaluated_on]}
        with suppress(OSError):  # the model is whole without
            _origin(folder).write_text(json.dumps(whole), encoding="utf-8")


def went_on(recipe: Recipe, new: Predictor, data: Dataset, on_event: Listener) -> dict[str, Any]:
    """For the report: `before`, what the old model does on the new data's evaluated rows, and `forgetting`: what
    both do on the old one's, None where these are gone.

    Rows that either model was trained on or chosen by are left out of each, and `rows` says how many were measured.
    """
    old = Predictor.from_pretrained(str(recipe.backbone), revision=recipe.revision, device=recipe.device)
    past = _past(old, new, on_event)
    on_event(Event("evaluate", f"measuring {old.folder.name} on the new data, as it is"))
    fresh = _unseen(data, past) if past else data.splits[data.evaluated_on]
    told: dict[str, Any] = {"before": _measured(old, fresh, data.labels), "forgetting": None}
    if past is None:
        return told
    on_event(Event("evaluate", f"measuring what is left of {old.folder.name}"))
    rows = _unseen(past, data)
    sides = {side: _measured(model, rows, new.labels) for side, model in (("before", old), ("after", new))}
    return {**told, "forgetting": {"source": past.name, "evaluated_on": past.evaluated_on, "rows": len(rows), **sides}}


def _past(old: Predictor, new: Predictor, on_event: Listener) -> Dataset | None:
    """The old model's data, its labels encoded as the new model's; None where it is gone, or another by now."""
    try:
        origin = json.loads(_origin(old.folder).read_text(encoding="utf-8"))
        known = Known(new.folder.name, new.task.name, new.labels, new.pairs)
        data = load_data(origin["source"], Recipe.from_mapping(origin["recipe"]), known=known)
    except (OSError, ValueError, KeyError, HFTransferError):
        on_event(Event("evaluate", f"the data of {old.folder.name} is gone: what is forgotten is not known"))
        return None
    if data.digests[data.evaluated_on] != origin["digest"] or data.labels != new.labels:
        on_event(Event("evaluate", f"the data of {old.folder.name} has changed: what is forgotten is not known"))
        return None
    return data


def _unseen(data: Dataset, other: Dataset) -> datasets.Dataset:
    """The evaluated rows of a data set that the other's training and validation have not."""
    rows = data.splits[data.evaluated_on]
    seen = {name for split in ("train", "validation") for name in _names(other, split)}
    return rows.select([place for place, name in enumerate(_names(data, data.evaluated_on)) if name not in seen])


def _names(data: Dataset, split: str) -> Iterator[bytes]:
    """A name for the input of each row, by its content."""
    column = get_task(data.task).modality.column
    for batch in data.splits[split].select_columns([column]).with_format("arrow").iter(1000):
        for value in batch[column].to_pylist():
            content = value["bytes"] if isinstance(value, dict) else json.dumps(value).encode()
            yield hashlib.blake2b(content, digest_size=16).digest()


def _measured(model: Predictor, rows: datasets.Dataset, labels: tuple[str, ...]) -> dict[str, Any]:
    """A model's metrics, over labels of which it may lack the last ones: those it never gives. Empty without rows."""
    if not len(rows):
        return {}
    with Evaluation(model.task, labels, thresholds=model.thresholds) as evaluation:
        for _, scores, truth in scored(model, rows):
            evaluation.add(_widened(scores, len(labels)), truth)
        metrics = evaluation.report().metrics
    return {name: interval.to_json() for name, interval in metrics.items()}


def _lasting(source: str | Path) -> str:
    """A path as it is found from any folder; other sources as they are."""
    return str(Path(source).absolute()) if Path(source).exists() else str(source)


def _widened(scores: Any, labels: int) -> Any:
    """With a score of nought for labels that the model lacks."""
    if isinstance(scores, list):
        return [_widened(row, labels) for row in scores]
    return np.pad(scores, ((0, 0), (0, labels - scores.shape[1])))


def _origin(folder: Path) -> Path:
    """A file by what the model's report says: the same wherever the folder is moved."""
    name = hashlib.blake2b((folder / REPORT).read_bytes(), digest_size=16).hexdigest()
    return home("origins") / f"{name}.json"
