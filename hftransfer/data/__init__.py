"""The data station: any source in, a `Dataset` out."""

from __future__ import annotations

from .images import open_image
from .sources import check, load_data, load_evaluation

__all__ = ["check", "load_data", "load_evaluation", "open_image"]
