"""What sources may be at most: by environment variables, read whenever they are needed."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

from ...errors import RecipeError

PIXELS, FILES = "HFTRANSFER_MAX_PIXELS", "HFTRANSFER_MAX_FILES"
UNPACKED, RATIO = "HFTRANSFER_MAX_UNPACKED_GB", "HFTRANSFER_MAX_RATIO"
DEFAULTS = {PIXELS: 90_000_000, FILES: 1_000_000, UNPACKED: 20, RATIO: 200}
RATIO_FROM = 10 * 2**20  # bytes; what is smaller may well shrink that much


@dataclass(frozen=True)
class Bounds:
    """Of an archive: how many `files`, how many bytes in all, and those for each byte that they take up packed."""

    files: float
    unpacked: float
    ratio: float

    def exceeded(self, unpacked: int, packed: int) -> bool:
        """Whether so many bytes out of so few are too many for what they are."""
        return unpacked > RATIO_FROM and unpacked > self.ratio * max(packed, 1)


def bounds() -> Bounds:
    """The bounds that are set, and defaults for the others.

    Raises:
        RecipeError: a setting is no number.
    """
    return Bounds(_number(FILES), _number(UNPACKED) * 2**30, _number(RATIO))


def most_pixels() -> float:
    """Of one image: more is a mistake, or an attack; some 360 MB once decoded.

    Raises:
        RecipeError: the setting is no number.
    """
    return _number(PIXELS)


def _number(name: str) -> float:
    text = os.environ.get(name) or str(DEFAULTS[name])
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < math.inf:
        raise RecipeError(
            f"'{text}' is no number that fits", place=name, fix=f"set it to a number such as {DEFAULTS[name]}"
        )
    return number
