"""Files that visitors give: moved out of Gradio's cache, which serves whatever lies in it."""

from __future__ import annotations

import re
import shutil
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
    kept = home("uploads", owner, new_id()) / path.name
    shutil.move(path, kept)
    return kept


def nameless(text: str) -> str:
    """The text without the folders that uploads and jobs lie in: a visitor knows the file by its name."""
    places = "|".join(re.escape(escape(str(home(name)))) for name in ("uploads", "jobs", "web-cache"))
    return re.sub(rf"(?:{places})(?:/[\w-]+)*/", "", text)
