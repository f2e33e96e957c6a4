"""What draws a model back to its source, and what keeps its weights small and few: as the formulas say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hftransfer.models import dissect
from hftransfer.models.inputs import example
from hftransfer.strategies import Phase, Rates, SourcePenalty
from hftransfer.training.progress import Leg
from hftransfer.training.tuning.penalties import penalty_of
from hftransfer.training.tuning.tune import trainable
from tests.training.test_phases import phase, station
from hftransfer.training import Machine, run_phases
