"""The work of a `push` job: its source is a model's folder."""

from __future__ import annotations

from typing import Any

from ..predictor import Predictor
from .work import Work


def run(work: Work) -> dict[str, Any]:
    """Publish the model, and prove that it works from there."""
    predictor = Predictor.from_pretrained(work.source)
    private = bool(work.asked.get("private"))
    return predictor.push_to_hub(work.asked["repo"], private=private, on_event=work.listen).to_json()
