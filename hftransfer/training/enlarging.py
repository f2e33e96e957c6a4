"""Train with rows that came without labels, before the strategy runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..data import load_unlabelled
from ..errors import OutputError
from ..values import Dataset
from .heads.labelling import enlarged, pseudo_labels, told_labels
from .progress import Leg

Once = Callable[[str, Callable[[], Any]], Any]  # what was chosen under a name before, else what is chosen now
NAME = "pseudo_labels"


def with_pseudo_labels(leg: Leg, once: Once) -> tuple[Dataset, dict[str, Any]]:
    """The data with the unlabelled rows in train that a probe is sure of, and what the report says of them.

    Args:
        leg: a probe on the data as it is.
        once: keeps the choice, so that a run that goes on learns from the same rows.

    Raises:
        HFTransferError: the source of unlabelled rows is at fault, or has changed since.
    """
    source = leg.recipe.pseudo_label
    if source is None:
        return leg.data, {}
    unlabelled = load_unlabelled(source, leg.task, leg.recipe, pairs=leg.data.pairs, on_event=leg.on_event)
    found = once(NAME, lambda: pseudo_labels(leg, unlabelled))
    if found["digest"] != unlabelled.digest:
        cause = "the rows without labels have changed since the run began"
        raise OutputError(cause, place=source, fix="begin a new run: this one cannot go on")
    data = enlarged(leg.data, unlabelled, found, leg.task.modality.column)
    return data, {"pseudo_labelled": told_labels(found, data.labels)}
