"""The data station: any source in, a `Dataset` out."""

from __future__ import annotations

from .sources import check, load_data, load_evaluation

__all__ = ["check", "load_data", "load_evaluation"]
