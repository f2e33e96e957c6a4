"""Images that a visitor sorts into classes on the page, before they are data: a folder a class, on disk.

Nothing of them is in this process: whatever is shown or used is read from the folders.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import SourceError
from ...home import home
from ...jobs import supervisor
from ...jobs.store import new_id
from ..uploads import link
from ..words import say

KINDS = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
NAMES = "classes.json"
TABLE = "labels.csv"
FIRST, MOST = 2, 50  # classes to begin with, and at most
_LOCK = threading.Lock()  # the names are read, changed and written by one handler at a time
_OWNER = re.compile(r"(?:user-)?[0-9a-f]{32}")
_ID = re.compile(r"[\w-]{22}", re.ASCII)


@dataclass(frozen=True)
class Card:
    """A class in the making: its folder's name, its own name, and its files, oldest first."""

    id: str
    name: str
    files: tuple[str, ...] = ()


def begin(owner: str) -> str:
    """A draft with a few empty classes. Returns its id."""
    supervisor.require_room(owner)
    draft = new_id()
    _write(home("uploads", owner, draft), [Card(new_id(), say("cards.new", number=n + 1)) for n in range(FIRST)])
    return draft


def exists(owner: str, draft: str) -> bool:
    proper = isinstance(draft, str) and _OWNER.fullmatch(owner) and _ID.fullmatch(draft)
    return bool(proper) and (home("uploads") / owner / draft / NAMES).is_file()


def cards(owner: str, draft: str) -> list[Card]:
    """The classes in their order.

    Raises:
        SourceError: there is no such draft of this owner's.
    """
    room = _room(owner, draft)
    try:
        named = json.loads((room / NAMES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _gone() from None
    return [Card(id, name, _files(room / id)) for id, name in named]


def card(owner: str, draft: str, id: str) -> Card:
    """One of the classes.

    Raises:
        SourceError: there is none such.
    """
    found = next((card for card in cards(owner, draft) if card.id == id), None)
    if found is None:
        raise _gone()
    return found


def add(owner: str, draft: str) -> None:
    """One more class, empty.

    Raises:
        SourceError: there are as many as can be shown.
    """
    with _LOCK:
        there = cards(owner, draft)
        if len(there) >= MOST:
            raise SourceError(say("error.cards.many", most=MOST), fix=say("error.cards.many.fix"))
        _write(_room(owner, draft), [*there, Card(new_id(), say("cards.new", number=len(there) + 1))])


def rename(owner: str, draft: str, id: str, name: str) -> None:
    with _LOCK:
        changed = [Card(card.id, name.strip() if card.id == id else card.name) for card in cards(owner, draft)]
        _write(_room(owner, draft), changed)


def remove(owner: str, draft: str, id: str) -> None:
    """A class, and its images with it."""
    with _LOCK:
        there = cards(owner, draft)
        _write(_room(owner, draft), [card for card in there if card.id != id])
    if any(card.id == id for card in there):
        shutil.rmtree(_room(owner, draft) / id, ignore_errors=True)


def put(owner: str, draft: str, id: str, paths: Iterable[str]) -> None:
    """Images into a class: all of them, or none where one is of another kind.

    Raises:
        SourceError: a file is no image, or there is no such class.
    """
    files = [Path(path) for path in paths]
    for file in files:
        if file.suffix.lower() not in KINDS:
            raise SourceError(say("error.cards.kind", name=file.name), fix=say("error.cards.kind.fix"))
    folder = _class(owner, draft, id, sum(file.stat().st_size for file in files))
    place = len(_files(folder))
    for number, file in enumerate(files):
        link(file, folder / f"{place + number:05}-{new_id()[:6]}{file.suffix.lower()}")


def shoot(owner: str, draft: str, id: str, content: bytes) -> None:
    """A JPEG from the webcam into a class.

    Raises:
        SourceError: there is no such class.
    """
    folder = _class(owner, draft, id, len(content))
    part = _room(owner, draft) / f"{new_id()}.part"
    part.write_bytes(content)
    part.replace(folder / f"{len(_files(folder)):05}-{new_id()[:6]}.jpg")


def source(owner: str, draft: str) -> Path:
    """The classes as data: a folder of links with a table of labels, which no later change of the draft touches.

    Raises:
        SourceError: fewer than two classes have images, or one that has some has no name.
    """
    used = [card for card in cards(owner, draft) if card.files]
    names = {card.name for card in used}
    if len(names) < FIRST:
        raise SourceError(say("error.cards.few", count=len(names)), fix=say("error.cards.few.fix"))
    if not all(card.name for card in used):
        raise SourceError(say("error.cards.name"), fix=say("error.cards.name.fix"))
    room, target = _room(owner, draft), home("uploads", owner, new_id()) / "images"
    target.mkdir()
    with (target / TABLE).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("file_name", "label"))
        for number, card in enumerate(used):
            rows.writerows(_linked(room / card.id, target, number, card))
    return target


def _linked(folder: Path, target: Path, number: int, card: Card) -> Sequence[tuple[str, str]]:
    (target / str(number)).mkdir()
    for name in card.files:
        link(folder / name, target / str(number) / name)
    return [(f"{number}/{name}", card.name) for name in card.files]


def picture(owner: str, draft: str, id: str, name: str) -> Path | None:
    """The file of an image, if the draft has it."""
    with suppress(SourceError):
        found = next((card for card in cards(owner, draft) if card.id == id and name in card.files), None)
        return _room(owner, draft) / id / name if found else None
    return None


def _room(owner: str, draft: str) -> Path:
    if not exists(owner, draft):
        raise _gone()
    return home("uploads") / owner / draft


def _class(owner: str, draft: str, id: str, more: int) -> Path:
    """A class's folder, where there is room for so many bytes."""
    card(owner, draft, id)
    supervisor.require_room(owner, more)
    folder = _room(owner, draft) / id
    folder.mkdir(exist_ok=True)
    os.utime(folder.parent)  # a draft that is worked on is not old
    return folder


def _gone() -> SourceError:
    return SourceError(say("error.cards.gone"), fix=say("error.cards.gone.fix"))


def _files(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in folder.iterdir())) if folder.is_dir() else ()


def _write(room: Path, there: Sequence[Card]) -> None:
    part = room / f"{NAMES}.{new_id()}.part"
    part.write_text(json.dumps([[card.id, card.name] for card in there], ensure_ascii=False), encoding="utf-8")
    part.replace(room / NAMES)
