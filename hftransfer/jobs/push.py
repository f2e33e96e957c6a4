"""The work of a `push` job: its source is a model's folder."""

from __future__ import annotations

from typing import Any

from ..errors import JobError
from ..predictor import Predictor
from .folders import OWN_TOKEN
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Publish the model, and prove that it works from there.

    Raises:
        JobError: it was given a token that is gone: this machine's own login is not what was meant.
    """
    if work.asked.get(OWN_TOKEN) and not work.own_token:
        raise JobError("the token that was given for this push is gone", fix="push again, with the token")
    predictor = Predictor.from_pretrained(work.source)
    private = bool(work.asked.get("private"))
    return predictor.push_to_hub(work.asked["repo"], private=private, on_event=work.listen).to_json()
