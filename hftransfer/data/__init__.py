"""The data station: any source in, a `Dataset` out."""

from __future__ import annotations

from .doctor.repair import repair, repairable
from .inputs import as_pair, read_inputs
from .labels.encoded import Words, counted, labels_of
from .pictures.images import open_image
from .preview import examples
from .sources import check, described, load_data, load_evaluation

__all__ = [
    "Words",
    "as_pair",
    "check",
    "counted",
    "described",
    "examples",
    "labels_of",
    "load_data",
    "load_evaluation",
    "open_image",
    "read_inputs",
    "repair",
    "repairable",
]
