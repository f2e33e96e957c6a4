"""What is told of images that are used: how they were read, and what of them was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ...values import Problem
from ..checks import SHOWN, first_few

# The code, what happened to the images, and what to do about it.
SAID = {
    "wrong-extension": (
        "wrong-extension",
        "read as what they hold, which is not what their names say",
        "rename them, so that other programs can read them too",
    ),
    "animated-image": (
        "animated-image",
        "the first of several frames or pages was taken",
        "save the others as images of their own if they are to count",
    ),
    "rotated-image": (
        "rotated-image",
        "turned upright, as their EXIF orientation says",
        "there is nothing to do; where some lie on their side, their cameras were wrong",
    ),
    "transparent": (
        "converted-image",
        "what is transparent was made white",
        "put them on another background if that is what the model will see",
    ),
    "deep": (
        "converted-image",
        "greys of 16 bits or more were scaled to 8",
        "scale them yourself if the examples look too dark or too bright",
    ),
    "cmyk": (
        "converted-image",
        "turned from CMYK into RGB, without a colour profile",
        "save them as RGB if their colours look wrong",
    ),
    "palette": (
        "converted-image",
        "turned from a palette into RGB",
        "there is nothing to do: no colour is lost",
    ),
    "colours": (
        "converted-image",
        "turned from another colour space into RGB",
        "save them as RGB if their colours look wrong",
    ),
}


class Remarks:
    """Counts remarks as rows go by, and keeps their first places: memory does not grow with the rows."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._places: dict[str, list[str]] = {}

    def add(self, remarks: Iterable[str], place: str) -> None:
        for remark in remarks:
            self._counts[remark] += 1
            places = self._places.setdefault(remark, [])
            if len(places) <= SHOWN:
                places.append(place)

    def told(self) -> Iterator[Problem]:
        """An info for each, in the order of the table."""
        for remark in filter(self._counts.__contains__, SAID):
            code, what, fix = SAID[remark]
            images = "1 image" if self._counts[remark] == 1 else f"{self._counts[remark]} images"
            yield Problem(code, "info", first_few(self._places[remark]), f"{images}: {what}", fix)
