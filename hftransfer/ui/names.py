"""Names on the Hub as visitors may write them: what is none is told before anybody is asked."""

from __future__ import annotations

import re

_PART = r"\w[\w.-]{0,95}"
MODEL = re.compile(rf"{_PART}/{_PART}", re.ASCII)
BACKBONE = re.compile(rf"(?:{_PART}/)?{_PART}", re.ASCII)  # the oldest have no owner
DATA = re.compile(rf"{_PART}/{_PART}(?::[\w.-]{{1,96}})?", re.ASCII)  # and perhaps a config
