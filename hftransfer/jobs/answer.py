"""The inference process: `python -m hftransfer.jobs.answer`, spoken to by `inference.Inference`.

A line `{"model": DIR, "inputs": [...]}` is answered by `{"predictions": [...]}`, one
`{"texts": FILE}` by `{"texts": [...]}`, and any by `{"error": {...}}`. The two models asked for last stay loaded.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from ..data import read_inputs
from ..errors import HFTransferError
from ..predictor import Predictor


def main() -> None:
    replies = _private_output()
    for line in sys.stdin:
        replies.write(json.dumps(reply(json.loads(line))) + "\n")
        replies.flush()


def reply(question: dict[str, Any]) -> dict[str, Any]:
    """The answer to one question, an error included: nothing that is asked ends the process."""
    try:
        if "texts" in question:
            how = {"pair": True} if question.get("pair") else {}
            return {"texts": read_inputs(Path(question["texts"]), most=question["most"], **how)}
        predictor = _loaded(question["model"], _version(question["model"]))
        answers = predictor.predict(question["inputs"]) if question["inputs"] else []
        return {"predictions": [answer.to_json() for answer in answers]}
    except HFTransferError as error:
        return {"error": error.to_json()}
    except Exception:
        traceback.print_exc()
        cause = "the model could not answer, for a reason that was not foreseen"
        return {
            "error": {
                "kind": "JobError",
                "cause": cause,
                "place": question.get("model", ""),
                "fix": "see inference.log",
            }
        }


@lru_cache(maxsize=2)
def _loaded(model: str, version: int) -> Predictor:
    return Predictor.from_pretrained(model)


def _version(model: str) -> int:
    """A folder that was trained anew is another model."""
    config = Path(model) / "config.json"
    return config.stat().st_mtime_ns if config.exists() else 0


def _private_output() -> TextIO:
    """Standard output for answers alone: what a library prints goes to the log."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return private


if __name__ == "__main__":
    main()
