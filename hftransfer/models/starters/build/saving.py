"""What a build leaves behind: checkpoints to go on from, and the starter itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import PreTrainedModel

Tell = Callable[[str], None]  # hears a line now and then


@dataclass(frozen=True)
class Checkpoint:
    """A run's state in one file, replaced whole; another plan's is not read."""

    path: Path
    plan: Any

    def begun(self) -> bool:
        return self._state() is not None

    def _state(self) -> dict[str, Any] | None:
        state = torch.load(self.path, weights_only=True) if self.path.exists() else None
        return state if state and state["plan"] == repr(self.plan) else None

    def load(self, parts: Mapping[str, Any]) -> dict[str, float]:
        """Fill the parts and return the counters; none where there is nothing to go on from."""
        state = self._state()
        if state is None:
            return {}
        for name, part in parts.items():
            part.load_state_dict(state["parts"][name])
        return dict(state["counters"])

    def save(self, parts: Mapping[str, Any], **counters: float) -> None:
        states = {name: part.state_dict() for name, part in parts.items()}
        unfinished = self.path.with_suffix(".part")
        torch.save({"parts": states, "plan": repr(self.plan), "counters": counters}, unfinished)
        unfinished.replace(self.path)


def save_starter(model: PreTrainedModel, processor: Any, folder: Path) -> Path:
    """A plain Transformers checkpoint in fp16, half the size; loaded in fp32 it loses nothing that matters.

    Its files replace those of an earlier one when all are written; a README.md stays.
    """
    halved = copy.deepcopy(model).eval().half().to(memory_format=torch.contiguous_format)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as part:
        halved.save_pretrained(part)
        processor.save_pretrained(part)
        for file in Path(part).iterdir():
            file.chmod(0o644)  # the weights' file is its owner's alone until it is whole
            file.replace(folder / file.name)
    return folder
