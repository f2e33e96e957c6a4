"""A model of ours as something to go on from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from ..errors import BackboneError
from ..output import MARKER
from ..values import Known
from .backbones import BY_NAME, is_local, is_starter

REPORT = "report.json"


def known_of(name: str | None, revision: str | None = None) -> Known | None:
    """What a model of ours can do already, in a folder or on the Hub; None for any other backbone.

    Raises:
        BackboneError: its files are damaged.
    """
    found = _files(name, revision) if name else None
    if found is None:
        return None
    config, report = _read(found / "config.json"), _read(found / REPORT)
    labels, task = config.get("id2label"), report.get("task")
    if not isinstance(labels, Mapping) or not isinstance(task, str):
        raise _damaged(found / REPORT)
    ordered = tuple(str(label) for _, label in sorted(labels.items(), key=lambda pair: int(pair[0])))
    return Known(Path(str(name)).name, task, ordered, bool(config.get("text_pair")))


def _files(name: str, revision: str | None) -> Path | None:
    """The folder that holds a model's config and report; of the Hub these alone are fetched."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder if (folder / MARKER).is_file() else None
    if name in BY_NAME or is_starter(name):
        return None
    try:
        alone = is_local(name, "text", revision)
        for file in (MARKER, REPORT, "config.json"):
            there = hf_hub_download(name, file, revision=revision, local_files_only=alone)
    except (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OSError,
    ):  # whoever loads it tells what is wrong
        return None
    return Path(there).parent


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(file) from error
    if not isinstance(found, dict):
        raise _damaged(file)
    return found


def _damaged(file: Path) -> BackboneError:
    fix = "restore the file, or train the model again"
    return BackboneError(f"the model's {file.name} cannot be read", place=str(file), fix=fix)
