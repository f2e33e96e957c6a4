"""What is decided on, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..recipe import Recipe
from ..training import Until
from ..values import Backbone, Dataset, Listener
from .settled import Settled


@dataclass(frozen=True)
class Run:
    """One run, ready to be trained.

    Attributes:
        work: its folder for what it needs meanwhile; `settled` lies there.
        over: asked now and then; once it says yes, training ends with the best so far. It knows what is left.
    """

    backbone: Backbone
    data: Dataset
    recipe: Recipe
    work: Path
    settled: Settled
    on_event: Listener
    over: Until
