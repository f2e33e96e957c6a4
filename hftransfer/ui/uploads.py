"""Files that visitors give: moved out of Gradio's cache, which serves whatever lies in it."""

from __future__ import annotations

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
        SourceError: its name ends in none of `KINDS`.
    """
    if path.suffix.lower() not in KINDS:
        path.unlink(missing_ok=True)
        raise SourceError(say("error.file"), place=path.name, fix=say("error.file.fix", kinds=", ".join(KINDS)))
    room = home("uploads", owner)
    room.chmod(0o700)
    folder = home("uploads", owner, new_id())
    return _moved(path, folder) if path.suffix.lower() == ".zip" else _packed(path, folder)


def _moved(path: Path, folder: Path) -> Path:
    return Path(shutil.move(path, folder / path.name))


def _packed(table: Path, folder: Path) -> Path:
    """A zip with the table alone: what it names can then be found in there, and nowhere else on the server."""
    kept = folder / f"{table.name}.zip"
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(table, table.name)
    table.unlink()
    return kept


def nameless(text: str) -> str:
    """The text without the folders that uploads and jobs lie in: a visitor knows the file by its name."""
    places = "|".join(re.escape(escape(str(home(name)))) for name in ("uploads", "jobs", "web-cache"))
    return re.sub(rf"(?:{places})(?:/[\w-]+)*/", "", text)
