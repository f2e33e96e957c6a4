"""The studio: a page over the jobs of this machine.

The web process loads no model: checks, training and predictions happen in processes of `jobs`.
"""

from __future__ import annotations

from . import boundaries
from .studio import create_app, launch

boundaries.draw()

__all__ = ["create_app", "launch"]
