"""A model of ours as something to go on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import BackboneError
from ..output import MARKER
from ..values import Known

REPORT = "report.json"


def known_of(name: str | None) -> Known | None:
    """What a model of ours in a folder can do already; None for any other backbone.

    Raises:
        BackboneError: its files are damaged.
    """
    folder = Path(name).expanduser() if name else None
    if folder is None or not (folder / MARKER).is_file():
        return None
    config, report = _read(folder / "config.json"), _read(folder / REPORT)
    labels = tuple(label for _, label in sorted(config["id2label"].items(), key=lambda pair: int(pair[0])))
    return Known(folder.name, str(report["task"]), labels, bool(config.get("text_pair")))


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fix = "restore the file, or train the model again"
        raise BackboneError(f"the model's {file.name} cannot be read", place=str(file), fix=fix) from error
    return found
