"""A loaded model, its labels and its scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..models.device import keep_memory
from ..tasks import Task
from ..values import Backbone


@dataclass(frozen=True)
class Ready:
    """A model that gives scores. All that it says is computed in fp32."""

    task: Task
    labels: tuple[str, ...]
    backbone: Backbone

    @property
    def thresholds(self) -> dict[str, float]:
        """From which score on each label holds, as its config says; empty where it does not."""
        return dict(getattr(self.backbone.model.config, "thresholds", None) or {})

    @property
    def pairs(self) -> bool:
        """Whether an input is two texts."""
        return bool(getattr(self.backbone.model.config, "text_pair", False))

    def scores(self, batch: dict[str, torch.Tensor]) -> np.ndarray:
        """The scores of an encoded batch, float32 of shape [B, labels], or [B, T, labels] where words have them."""
        keep_memory()
        model = self.backbone.model
        with torch.inference_mode():
            logits = model(**{name: tensor.to(model.device) for name, tensor in batch.items()}).logits
        return ACTIVATIONS[self.task.target.activation](logits.float()).cpu().numpy()


ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "softmax": lambda logits: logits.softmax(-1),
    "sigmoid": torch.sigmoid,
    "identity": lambda logits: logits,
}
