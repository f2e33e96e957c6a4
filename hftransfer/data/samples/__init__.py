"""Small data sets that come with the package, or with scikit-learn."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from ...errors import SourceMissing
from ...recipe import Recipe
from ..rows import ALL, Found, Row, digest
from ..tables.delimited import read_delimited
from ..tables.reading import found_in

PREFIX = "sample:"
ENLARGED = 4  # times the scans' 8 pixels, drawn smoothly: networks that know photos take squares for edges
MARGIN = 1  # pixel of a scan; some digits touch its border


def read_sample(source: str, recipe: Recipe) -> Found:
    """The rows of `sample:NAME`. Raises SourceMissing for a name that is none."""
    reader = SAMPLES.get(source.removeprefix(PREFIX))
    if reader is None:
        names = ", ".join(PREFIX + name for name in SAMPLES)
        raise SourceMissing(f"there is no sample '{source}'", place=source, fix=f"choose one of: {names}")
    return reader(recipe)


def _digits(recipe: Recipe) -> Found:
    """1,797 handwritten digits, scanned at 8×8 in 17 greys, with a margin and enlarged to 40×40."""
    return Found("sample:digits", "sample:digits", "image", digest("digits", ENLARGED, MARGIN), {ALL: _digit_rows})


def _digit_rows() -> Iterator[Row]:
    scans, labels = load_digits(return_X_y=True)
    for number, (scan, label) in enumerate(zip(scans, labels, strict=True)):
        greys = np.round(scan.reshape(8, 8) * (255 / 16)).astype(np.uint8)
        framed = Image.fromarray(np.pad(greys, MARGIN))
        picture = framed.resize((framed.width * ENLARGED, framed.height * ENLARGED), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        picture.save(file, "PNG")
        yield Row(file.getvalue(), str(label), f"digits/{number:04d}.png")


def _helpdesk(recipe: Recipe) -> Found:
    """Short messages to a help desk, in five intents."""
    name, file = "sample:helpdesk", files(__name__) / "helpdesk.csv"
    table = read_delimited("helpdesk.csv", lambda: io.BytesIO(file.read_bytes()))
    return found_in(name, name, {ALL: [table]}, recipe, key=digest(file.read_text("utf-8")), load=None)


SAMPLES = {"digits": _digits, "helpdesk": _helpdesk}
