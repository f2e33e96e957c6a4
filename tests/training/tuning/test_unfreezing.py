"""Gradual unfreezing: from the top, group by group, each at its rate, on a slanted triangle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import set_seed

from hftransfer.data import load_data
from hftransfer.models import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.strategies import Facts, GradualUnfreezing, Phase, Rates
from hftransfer.tasks import get_task
from hftransfer.training import layer_count, run_phases
from hftransfer.training.tuning import tune
from hftransfer.training.tuning.batches import Change
from hftransfer.training.tuning.rates import layer_depths, parameter_groups, trained_parameters
from hftransfer.training.tuning.schedules import slanted
from hftransfer.training.tuning.trainer import PhaseTrainer, still_modules
from tests.tiny import table, text_backbone

from .families import FAMILIES, batch_for

RATES = Rates(backbone=1e-2, head=3e-2, decay=0.5)


def top(layers: int | None, **more: object) -> Phase:
    return Phase(f"top-{layers}", "layers", "trainer", rates=RATES, epochs=1.0, layers=layers, **more)


@pytest.mark.parametrize("name", FAMILIES)
def test_one_step_moves_the_top_groups_alone_each_at_its_rate(name: str) -> None:
    """For one, two and all layers, and for everything, of each family."""
    torch.manual_seed(0)
    family = FAMILIES[name]
    model, count = family.make(), len(family.layers)
    head = frozenset(family.head)
    assert layer_count(model) == count
    for phase in (top(1), top(2), top(count), top(count + 5), Phase("all", "everything", "trainer", rates=RATES)):
        layers = min(phase.layers or count, count)
        trained = trained_parameters(model, head, phase)
        model.requires_grad_(True)
        for parameter_name, parameter in model.named_parameters():
            parameter.requires_grad = parameter_name in trained
        groups = parameter_groups(model, head, RATES, weight_decay=0.0)
        optimizer = torch.optim.AdamW(groups)
        before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        model.eval()(**batch_for(name)).loss.backward()
        asked = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
        optimizer.step()
        optimizer.zero_grad()
        moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
        rate = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
        for parameter_name, parameter in model.named_parameters():
            expected = expected_rate(family, parameter_name, layers, everything=phase.trains == "everything")
            assert rate.get(id(parameter)) == (expected and pytest.approx(expected)), (phase.name, parameter_name)
            assert parameter_name not in moved or expected, (phase.name, parameter_name)
        assert moved and asked <= trained


def expected_rate(family, parameter: str, layers: int, *, everything: bool) -> float | None:
    """By the table of families: None for what is frozen."""
    if parameter.rsplit(".", 1)[0] in family.head:
        return RATES.head
    if parameter.startswith(family.after) and family.after:
        return RATES.backbone
    count = len(family.layers)
    above = next((count - at for at, layer in enumerate(family.layers, 1) if parameter.startswith(layer)), count)
    frozen = above >= layers and not everything
    return None if frozen else RATES.backbone * RATES.decay**above


def test_stages_and_embeddings_find_their_layer() -> None:
    """A stage's entrance goes with its first block; a table of embeddings is the input's wherever it stands."""
    depths = layer_depths(FAMILIES["swin"].make())
    assert depths["swin.encoder.layers.0.downsample.reduction.weight"] == 1
    model = FAMILIES["bert"].make()
    model.bert.encoder.positions = torch.nn.Embedding(4, 8)
    model.bert.encoder.norm = torch.nn.LayerNorm(8)
    depths = layer_depths(model)
    assert (depths["bert.encoder.positions.weight"], depths["bert.encoder.norm.weight"]) == (0, 3)


def test_the_triangle_is_the_papers() -> None:
    """Howard and Ruder 2018, section 3.2, with cut_frac 0.1 and ratio 32."""
    steps, cut_frac, ratio = 200, 0.1, 32
    cut = int(steps * cut_frac)
    factor = slanted(steps, cut)
    for t in range(steps + 1):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
        assert factor(t) == pytest.approx((1 + p * (ratio - 1)) / ratio), t
    assert factor(cut) == 1.0 == max(map(factor, range(steps)))
    for odd_steps, rise in ((7, 1), (1, 0), (5, 5), (107, 10)):
        assert all(1 / 32 - 1e-9 <= slanted(odd_steps, rise)(step) <= 1 for step in range(odd_steps + 2))


def test_from_the_head_down_in_a_few_stages_that_cost_no_more_than_full() -> None:
    recipe = Recipe(epochs=6)
    probe, *stages = GradualUnfreezing().phases(Facts("attention", 1000, 3, layers=12), recipe)
    assert probe.trains == "head"
    assert [stage.layers for stage in stages] == [4, 8, None] and stages[-1].trains == "everything"
    assert {stage.schedule for stage in stages} == {"slanted"}
    assert sum(stage.epochs for stage in stages) == pytest.approx(6)
    assert all(stage.rates.decay < 1 for stage in stages)
    for layers in (0, 1, 2):
        *_, last = GradualUnfreezing().phases(Facts("convolution", 1000, 3, layers=layers), recipe)
        assert last.trains == "everything"


def test_what_is_frozen_holds_still_and_the_rest_does_not() -> None:
    model = FAMILIES["bert"].make()
    trained = trained_parameters(model, frozenset(["classifier"]), top(1))
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name in trained
    model.train()
    for module in still_modules(model):
        module.eval()
    bert = model.bert
    still = (bert.embeddings.dropout, bert.encoder.layer[0].attention.self.dropout, bert.encoder.layer[1])
    assert not any(module.training for module in still)
    assert bert.encoder.layer[2].output.dropout.training and model.dropout.training
    model.requires_grad_(True)
    assert not list(still_modules(model))
    resnet = FAMILIES["resnet"].make()
    assert all(isinstance(module, torch.nn.BatchNorm2d) for module in still_modules(resnet))


def test_phase_by_phase_through_the_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each phase moved, at what rates, on what schedule, in what arithmetic, and that its dropout below held
    still."""
    seen: list[dict[str, object]] = []
    train, modes = PhaseTrainer.train, []

    def noted(self: PhaseTrainer, *args: object, **kwargs: object) -> object:
        layer, dtypes = self.unwrapped.bert.encoder.layer, set()
        handles = [
            part.output.dropout.register_forward_hook(
                lambda module, *_, at=at: modes.append((at, module.training, self.model.training))
            )
            for at, part in enumerate(layer)
        ]
        dense = layer[1].intermediate.dense
        handles.append(dense.register_forward_hook(lambda module, args, made: dtypes.add(made.dtype)))
        before = {name: parameter.detach().clone() for name, parameter in self.unwrapped.named_parameters()}
        answer = train(self, *args, **kwargs)
        after = self.unwrapped.named_parameters()
        moved = {name for name, parameter in after if not torch.equal(parameter, before[name])}
        rates = sorted({group["initial_lr"] for group in self.optimizer.param_groups})
        factor = self.lr_scheduler.lr_lambdas[0]
        seen.append({"moved": moved, "rates": rates, "factor": factor, "steps": self.state.max_steps})
        seen[-1]["modes"] = {(at, mode) for at, mode, training in modes if training}
        seen[-1]["dtypes"] = dtypes
        modes.clear()
        for handle in handles:
            handle.remove()
        return answer

    monkeypatch.setattr(PhaseTrainer, "train", noted)
    monkeypatch.setattr(tune, "change_of", lambda leg: Change((), moves=True))  # no shortcut past what is frozen
    recipe = Recipe(backbone=str(text_backbone(tmp_path / "b")), batch_size=8, precision="bf16")
    set_seed(1)
    data = load_data(table(tmp_path / "t.csv", rows=10), recipe)
    backbone = load_backbone(get_task(data.task), data.labels, recipe)
    phases = [top(1, schedule="slanted"), Phase("all", "everything", "trainer", rates=RATES, epochs=1.0)]
    run_phases(backbone, data, phases, recipe, tmp_path)
    first, second = seen
    assert first["dtypes"] == second["dtypes"] == {torch.bfloat16}
    assert all(name.startswith(("bert.encoder.layer.1.", "bert.pooler.", "classifier.")) for name in first["moved"])
    assert any(name.startswith("bert.encoder.layer.1.") for name in first["moved"])
    assert first["rates"] == pytest.approx([1e-2, 3e-2])
    assert first["modes"] == {(0, False), (1, True)}
    steps = first["steps"]
    assert first["factor"](0) == pytest.approx(slanted(steps, round(0.1 * steps))(0)) and first["factor"](steps) > 0
    assert any(name.startswith("bert.embeddings.") for name in second["moved"])
    assert second["rates"] == pytest.approx([2.5e-3, 5e-3, 1e-2, 3e-2])
    assert second["modes"] == {(0, True), (1, True)}
    assert second["factor"](second["steps"]) == pytest.approx(0.0)  # a cosine's end
