"""The doctor: what is wrong with rows that can be read, and what can be done about it."""

from __future__ import annotations

from .diagnosis import Diagnosis, diagnose
from .duplicates import ALONE

__all__ = ["ALONE", "Diagnosis", "diagnose"]
