"""Files that visitors give: copied out of Gradio's cache, which serves whatever lies in it, and empties itself.

Two visitors who give the same file share its place in the cache, so none takes it away.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from html import escape
from pathlib import Path

from ..errors import SourceError
from ..home import home
from ..jobs.store import new_id
from .words import say

KINDS = (".zip", ".csv", ".tsv", ".jsonl", ".parquet")


def keep(path: Path, owner: str) -> Path:
    """The file, taken into a folder of its own below its owner's.

    Raises:
        SourceError: its name ends in none of `KINDS`, or there is no room for it.
    """
    if path.suffix.lower() not in KINDS:
        raise SourceError(say("error.file"), place=path.name, fix=say("error.file.fix", kinds=", ".join(KINDS)))
    try:
        home("uploads", owner).chmod(0o700)
        kept = home("uploads", owner, new_id()) / f"{path.stem}.zip"
        return _copied(path, kept) if path.suffix.lower() == ".zip" else _packed(path, kept)
    except OSError as error:
        why = error.strerror or str(error)
        raise SourceError(say("error.keep", why=why), place=path.name, fix=say("error.room.fix")) from error


def _copied(path: Path, kept: Path) -> Path:
    """The same bytes: by a second name where the disk has them, as Gradio only ever replaces or deletes its own."""
    try:
        os.link(path, kept)
    except OSError:
        shutil.copyfile(path, kept)
    return kept


def _packed(table: Path, kept: Path) -> Path:
    """A zip with the table alone: what it names can then be found in there, and nowhere else on the server."""
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        archive.write(table, table.name)
    return kept


def nameless(text: str) -> str:
    """The text without the folders that uploads and jobs lie in: a visitor knows the file by its name."""
    places = "|".join(re.escape(escape(str(home(name)))) for name in ("uploads", "jobs", "web-cache"))
    return re.sub(rf"(?:{places})(?:/[\w-]+)*/", "", text)
