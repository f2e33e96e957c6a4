"""Which backbone, which strategy, which values: asked for by name, or chosen by measuring."""

from .candidates import foreseen, patience, promising
from .contest import Decision, decide
from .heeding import probes_beside
from .picking import facts, pick_backbone, with_language
from .refusing import require
from .run import Run
from .settled import Settled

__all__ = [
    "Decision",
    "Run",
    "Settled",
    "decide",
    "facts",
    "foreseen",
    "patience",
    "pick_backbone",
    "probes_beside",
    "promising",
    "require",
    "with_language",
]
