"""The data station: any source in, a `Dataset` out."""

from __future__ import annotations

from .copies import keys_of, units_of
from .doctor.repair import repair, repairable
from .inputs import as_pair, read_inputs
from .labels.encoded import Words, counted, labels_of
from .pictures.images import open_image
from .preview import examples
from .sources import check, described, load_data, load_evaluation
from .unlabelled import load_unlabelled, require_path

__all__ = [
    "Words",
    "as_pair",
    "check",
    "counted",
    "described",
    "examples",
    "keys_of",
    "labels_of",
    "load_data",
    "load_evaluation",
    "load_unlabelled",
    "require_path",
    "units_of",
    "open_image",
    "read_inputs",
    "repair",
    "repairable",
]
