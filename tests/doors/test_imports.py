"""What the doors promise: light imports, quick help, and a locked list of public names."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

import hftransfer

HEAVY = ("torch", "transformers", "datasets", "gradio", "numpy", "pandas", "huggingface_hub", "evaluate", "sklearn")
PUBLIC = [
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


def loaded_by(statement: str) -> set[str]:
    source = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "statement",
    [
        "import hftransfer",
        "import hftransfer.errors, hftransfer.values, hftransfer.tasks, hftransfer.recipe, hftransfer.output",
        "import hftransfer.cli",
        "from hftransfer import Recipe, Task, Prediction, Report, HFTransferError",
    ],
)
def test_light_floors_import_nothing_heavy(statement: str) -> None:
    assert not loaded_by(statement) & set(HEAVY)


def test_public_names_are_these_and_all_there() -> None:
    assert sorted(hftransfer.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(hftransfer, name) is not None
    assert set(PUBLIC) <= set(dir(hftransfer))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = hftransfer.nothing


def test_help_answers_at_once() -> None:
    """Against an empty interpreter on the same machine, as machines differ."""

    def best_of(*command: str) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, check=True)
            times.append(time.perf_counter() - began)
        return min(times)

    assert best_of("-m", "hftransfer", "--help") < best_of("-c", "import click, json, dataclasses, tomllib") + 0.2
