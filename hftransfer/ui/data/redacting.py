"""A box on texts that name persons: what names them is left out, in this check, in a copy and in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from ...errors import HFTransferError
from ...jobs import supervisor
from ...jobs.states import Job
from ..labels import label

TOLD = "personal-data"


def box() -> gr.Checkbox:
    return gr.Checkbox(label=label("data.redact"), visible=False, container=False, elem_id="redact")


def offered(job: Job | None) -> gr.Checkbox:
    """The box, where persons were found, or would be without it; a copy made without them has none to show."""
    asked = _asked(job)
    chosen = bool(asked.get("recipe", {}).get("redact"))
    found = any(problem.get("code") == TOLD for problem in ((job and job.result) or {}).get("problems", ()))
    return gr.Checkbox(value=chosen, visible=found or (chosen and "original" not in asked))


def _asked(job: Job | None) -> Mapping[str, Any]:
    """What a check was asked; nothing where nobody knows any more."""
    try:
        return {} if job is None else supervisor.request(job)
    except (HFTransferError, OSError, ValueError):
        return {}
