"""Transfer learning on small data: labelled images or texts in, a fine-tuned model out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import strategies
    from .data import load_data
    from .errors import HFTransferError
    from .predictor import Predictor
    from .recipe import Recipe
    from .recommending import recommend
    from .tasks import Task
    from .values import Prediction, Report
    from .workflow import fine_tune

__version__ = "0.1.0"

_HOMES = {
    "fine_tune": "workflow",
    "recommend": "recommending",
    "Recipe": "recipe",
    "Task": "tasks",
    "Predictor": "predictor",
    "Prediction": "values",
    "Report": "values",
    "load_data": "data",
    "HFTransferError": "errors",
}

__all__ = [
    "HFTransferError",
    "Prediction",
    "Predictor",
    "Recipe",
    "Report",
    "Task",
    "fine_tune",
    "load_data",
    "recommend",
    "strategies",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: `import hftransfer` itself stays light."""
    if name == "strategies":
        return import_module(".strategies", __name__)
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
