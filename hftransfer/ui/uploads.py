"""Files that visitors give: copied out of Gradio's cache, which serves whatever lies in it, and empties itself.

Two visitors who give the same file share its place in the cache, so none takes it away.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ..errors import HFTransferError, SourceError
from ..home import home
from ..jobs import supervisor
from ..jobs.store import new_id
from .words import say

TABLES = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".conll", ".conllu", ".bio", ".iob", ".iob2")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
KINDS = (*ARCHIVES, *TABLES)
_ID = re.compile(r"[\w-]{22}")  # as `new_id` makes them
OFFERED = (*KINDS, ".gz", ".bz2", ".xz")  # a browser looks at what follows the last dot alone


def keep(path: Path, owner: str, *, kinds: Sequence[str] = KINDS, packed: Sequence[str] = TABLES) -> Path:
    """The file, taken into a folder of its own below its owner's.

    Args:
        packed: the kinds that a zip is made of.

    Raises:
        SourceError: its name ends in none of the kinds, or there is no room for it.
    """
    suffix = next((kind for kind in kinds if path.name.lower().endswith(kind)), None)
    if suffix is None:
        raise SourceError(say("error.file"), place=path.name, fix=say("error.file.fix", kinds=", ".join(kinds)))
    try:
        name = path.name[: -len(suffix)] + (".zip" if suffix in packed else suffix)
        kept = place(owner, path.stat().st_size) / name
        _packed(path, kept) if suffix in packed else link(path, kept)
    except HFTransferError:
        raise
    except OSError as error:
        raise _refused(path.name, error) from error
    return kept


def kept(owner: str, name: str) -> Path:
    """A file of the owner's by the names of its folder and its own, as the page gave them back.

    Raises:
        SourceError: there is none, or no more.
    """
    folder, _, file = name.partition("/")
    room = home("uploads", owner) / folder
    if not _ID.fullmatch(folder) or not room.is_dir() or file not in os.listdir(room):
        raise SourceError(say("error.upload"), fix=say("error.upload.fix"))
    return room / file


def keep_rows(text: str, owner: str) -> Path:
    """Pasted rows, as a zip with the table that they are: JSON lines, or cells with tabs or commas between them.

    Raises:
        SourceError: there is no room for it.
    """
    first = text.lstrip().partition("\n")[0]
    suffix = ".jsonl" if first.startswith("{") else ".tsv" if "\t" in first else ".csv"
    try:
        kept = place(owner, len(text)) / "rows.zip"
        with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"rows{suffix}", text)
    except HFTransferError:
        raise
    except OSError as error:
        raise _refused(say("data.pasted"), error) from error
    return kept


def place(owner: str, more: int) -> Path:
    """A new folder below the owner's, closed to others, where there is room for so many bytes."""
    supervisor.require_room(owner, more)
    home("uploads", owner).chmod(0o700)
    return home("uploads", owner, new_id())


def _refused(name: str, error: OSError) -> SourceError:
    why = error.strerror or str(error)
    return SourceError(say("error.keep", why=why), place=name, fix=say("error.room.fix"))


def _packed(table: Path, kept: Path) -> None:
    """A zip with the table alone: what it names can then be found in there, and nowhere else on the server."""
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        archive.write(table, table.name)


def link(path: Path, target: Path) -> None:
    """The same bytes: by a second name where the disk has them, as Gradio only ever replaces or deletes its own."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def nameless(text: str) -> str:
    """The text without the folders that uploads and jobs lie in: a visitor knows the file by its name."""
    places = "|".join(re.escape(escape(str(home(name)))) for name in ("uploads", "jobs", "web-cache"))
    known = re.sub(rf"(?:{places})(?:/[\w-]+)*/", "", text)
    return known.replace(escape(str(home())), "HFTRANSFER_HOME")
