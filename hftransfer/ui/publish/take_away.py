"""What goes into the zip beside the model, so that it runs: a script, and what to install for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCRIPT = '''"""Ask the model in this folder: `pip install -r requirements.txt`, then `python predict.py {example}`."""

import sys
from pathlib import Path

from transformers import pipeline

classify = pipeline("{task}", model=str(Path(__file__).parent / "model"))
for given in sys.argv[1:]:
    for answer in classify(given):
        print(f"{{given}}: {{answer['label']}} {{answer['score']:.1%}}")
'''
NEEDED = {"image": ("transformers", "torch", "torchvision", "pillow"), "text": ("transformers", "torch")}


def extras(model: Path) -> dict[str, str]:
    """Texts by their names in the zip, for a model of ours; none where its report cannot be read."""
    try:
        report: dict[str, Any] = json.loads((model / "report.json").read_text(encoding="utf-8"))
        task = str(report["task"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    images = task.startswith("image")
    versions = report.get("versions") or {}
    needed = [
        f"{name}>={versions[name]}" if name in versions else name for name in NEEDED["image" if images else "text"]
    ]
    script = SCRIPT.format(task=task, example="photo.jpg" if images else '"a text"')
    return {"predict.py": script, "requirements.txt": "\n".join(needed) + "\n"}
