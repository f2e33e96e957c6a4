"""Which backbone, which strategy, which values: asked for by name, or chosen by measuring."""

from .candidates import pick, promising
from .contest import Decision, decide
from .picking import facts, pick_backbone, with_language
from .run import Run
from .settled import Settled

__all__ = ["Decision", "Run", "Settled", "decide", "facts", "pick", "pick_backbone", "promising", "with_language"]
