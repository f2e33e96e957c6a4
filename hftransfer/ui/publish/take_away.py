"""What goes into the zip beside the model, so that it runs: a script, and what to install for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import HFTransferError
from ...tasks import get_task
from ...usage import DENSE, script

NEEDED = {"image": ("transformers", "torch", "torchvision", "pillow"), "text": ("transformers", "torch")}


def extras(model: Path) -> dict[str, str]:
    """Texts by their names in the zip, for a model of ours; none where its report cannot be read."""
    try:
        report: dict[str, Any] = json.loads((model / "report.json").read_text(encoding="utf-8"))
        task = get_task(str(report["task"]))
    except (OSError, ValueError, KeyError, TypeError, HFTransferError):
        return {}
    versions = report.get("versions") or {}
    names = ("hftransfer",) if report.get("head") == DENSE else NEEDED[task.modality.name]
    needed = [f"{name}>={versions[name]}" if name in versions else name for name in names]
    head, aggregation = str(report.get("head") or ""), str(report.get("aggregation") or "")
    asked = script(task, pair=bool(report.get("text_pair")), aggregation=aggregation, head=head)
    return {"predict.py": asked, "requirements.txt": "\n".join(needed) + "\n"}
