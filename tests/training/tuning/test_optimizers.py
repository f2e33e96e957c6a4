"""What takes the steps, and what is dropped meanwhile: by name, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hftransfer.errors import RecipeError
from hftransfer.recipe import Recipe
from hftransfer.training import Machine, run_phases
from hftransfer.training.progress import Leg
from hftransfer.training.tuning.optimizers import named, require_optimizer
from hftransfer.training.tuning.rows import rows_of
from hftransfer.training.tuning.trainer import Progress
from hftransfer.training.tuning.tune import tamed_dropout, trainer_for
from tests.training.test_phases import PROBE, phase, station

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", "AdamW"), ("SGD", "SGD"), ("adafactor", "Adafactor"), ("rmsprop", "RMSprop")]
)
def test_the_trainer_steps_with_what_is_named(name: str, kind: str, tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, optimizer=name)
    leg = Leg(backbone, data, phase(), recipe, Machine(CPU, torch.float32), tmp_path)
    require_optimizer(recipe, CPU)
    made = trainer_for(leg, rows_of(leg), Progress("it", print, lambda: False)).create_optimizer()
    assert type(made).__name__ == kind
    assert {group["lr"] for group in made.param_groups} > {1e-3, 5e-4}  # the rates stay those of the layers
    assert made.param_groups[0].get("momentum", 0.0) == (0.9 if kind == "SGD" else 0.0)


def test_an_unknown_name_lists_those_that_are_near() -> None:
    with pytest.raises(RecipeError, match="no optimizer 'adamq'") as refused:
        named(Recipe(optimizer="adamq"))
    assert refused.value.place == "--optimizer" and "adamw" in refused.value.fix


@pytest.mark.parametrize("name", ["galore_adamw", "adamw_torch_xla", "lomo"])
def test_one_that_cannot_be_made_is_refused_before_anything_is_trained(name: str, tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, optimizer=name)
    with pytest.raises(RecipeError, match=f"'{name}' cannot be used here") as refused:
        run_phases(backbone, data, [PROBE, phase()], recipe, tmp_path / "work")
    assert refused.value.place == "--optimizer" and not (tmp_path / "work").exists()


def test_dropout_is_set_while_inside_and_then_as_before(tmp_path: Path) -> None:
    backbone, data, recipe = station("text", tmp_path, dropout=0.35)
    dropouts = [module for module in backbone.model.modules() if isinstance(module, torch.nn.Dropout)]
    before = [module.p for module in dropouts]
    dropouts[0].p = before[0] = 0.8
    with tamed_dropout(backbone.model):
        assert dropouts[0].p == 0.2 and dropouts[1].p == before[1]
    heard: list[float] = []
    dropouts[-1].register_forward_hook(lambda module, *_: heard.append(module.p) if module.training else None)
    run_phases(backbone, data, [phase(epochs=1.0)], recipe, tmp_path / "work")
    assert set(heard) == {0.35}
    assert [module.p for module in dropouts] == before


def test_dropout_where_nothing_drops_is_refused(tmp_path: Path) -> None:
    backbone, data, recipe = station("convolution", tmp_path, dropout=0.3)
    with pytest.raises(RecipeError, match="no dropout") as refused:
        run_phases(backbone, data, [phase()], recipe, tmp_path)
    assert refused.value.place == "--dropout"
