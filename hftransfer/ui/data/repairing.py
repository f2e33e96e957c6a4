"""One button on data that was checked: a clean copy of it is made, and gone on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ...errors import HFTransferError, SourceError
from ...jobs import supervisor
from ...jobs.states import ENDED, Job, State
from ...jobs.store import Store
from ...recipe import Recipe
from .. import uploads
from ..labels import label
from ..languages.messages import translated
from ..page import owner_of, seen
from ..pieces import count, plain, sentence
from ..words import say

NAME = "repaired"
LOOKED_AT = 20  # of an owner's newest checks, where a copy is looked for


def button() -> gr.Button:
    return gr.Button(label("data.repair"), size="md", visible=False, elem_id="repair")


def offered(job: Job | None, copy: Job | None = None) -> gr.Button:
    """The button, where there is something to repair, and no copy is being made."""
    there = job is not None and job.state is State.DONE and bool((job.result or {}).get("repairable"))
    return gr.Button(visible=there and (copy is None or copy.state in ENDED))


def copy_of(job: Job | None) -> Job | None:
    """The newest check of a copy that was made, or is being made, of what a check found."""
    if job is None or not (job.result or {}).get("repairable"):
        return None
    later = Store().listed(job.owner, kind="check", most=LOOKED_AT)
    return next((other for other in later if _original(other).get("check") == job.id), None)


def _original(job: Job) -> Mapping[str, Any]:
    """What a check's data is a copy of; nothing where it is none, or nobody knows any more."""
    try:
        return supervisor.request(job).get("original") or {}
    except (HFTransferError, OSError, ValueError):
        return {}


def begin(id: str, secret: str | None) -> None:
    """Have the data of a check repaired into its visitor's uploads, and the copy checked.

    Raises:
        SourceError: nothing was checked, or there is no room for a copy.
    """
    before = seen(id, secret, kind="check")
    if before is None or not (before.result or {}).get("repairable"):
        raise SourceError(say("error.repair"), fix=say("error.repair.fix"))
    owner, asked = owner_of(secret), supervisor.request(before)
    copy = uploads.place(owner, _size(asked["source"])) / NAME
    original = {"source": asked["source"], "recipe": asked["recipe"], "check": before.id}
    recipe = Recipe(task=(before.result or {})["task"], redact=bool(asked["recipe"].get("redact")))
    supervisor.submit(str(copy), recipe, owner, kind="check", name=before.name, asked={"original": original})


def done(found: Mapping[str, Any]) -> str:
    """What was repaired in the data that is shown, and which rows are not in it."""
    return _repaired(found.get("repaired") or ()) + _left_out(found.get("left_out") or {})


def _left_out(lost: Mapping[str, Any]) -> str:
    """The first of the rows that the copy lacks, folded."""
    if not lost.get("count"):
        return ""
    rows = "".join(
        f"<li><b>{plain(row['place'])}</b> <span>{plain(sentence(translated(row['reason'])))}</span></li>"
        for row in lost["first"]
    )
    more = lost["count"] - len(lost["first"])
    rest = f'<p class="hft-hint">{plain(say("data.more", count=more))}</p>' if more > 0 else ""
    title = plain(say("data.leftout", count=lost["count"]))
    return f'<details class="hft-folded"><summary>{title}</summary><ul class="hft-problems">{rows}</ul>{rest}</details>'


def _repaired(repaired: Sequence[Mapping[str, Any]]) -> str:
    items = "".join(
        f'<li class="hft-info"><b>{plain(sentence(translated(row["done"])))}</b> '
        f"<span>{plain(row['code'])}: {count(row['count'])}</span></li>"
        for row in repaired
    )
    return f'<h3>{plain(say("data.repaired"))}</h3><ul class="hft-problems">{items}</ul>' if items else ""


def _size(source: str) -> int:
    path = Path(source)
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
