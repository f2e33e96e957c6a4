"""Adapters: what they are put on, what stays as it is, and that merged they are the same model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

from hftransfer.checkpoints import ADAPTER, FINISHED, best, room_of
from hftransfer.models import dissect
from hftransfer.models.inputs import example
from hftransfer.models.surgery import reshape
from hftransfer.models.views import View
from hftransfer.recipe import Recipe
from hftransfer.strategies import Adapter, Phase, Rates
from hftransfer.training import run_phases
from hftransfer.training.tuning.adapters import Adapted
from hftransfer.values import Backbone, Dataset, Event
from tests.training.test_phases import MAKERS, PROBE, copied, station

AUTO = {
    "text": AutoModelForSequenceClassification,
    "image": AutoModelForImageClassification,
    "convolution": AutoModelForImageClassification,
}


def phase(**more: object) -> Phase:
    given = {"rates": Rates(3e-3, 3e-3), "epochs": 3.0, "adapter": Adapter(rank=4)} | more
    return Phase("lora", trains="adapters", solver="trainer", **given)  # type: ignore[arg-type]


def begun(kind: str, tmp_path: Path) -> tuple[Backbone, Dataset, Recipe]:
    """After a probe; of the text backbone a layer is left, and one that pools by the mean."""
    backbone, data, recipe = station(kind, tmp_path, patience=99)
    if kind == "text":
        reshape(backbone.model, dissect(backbone.model, example(backbone), "it"), View(1, "mean"))
        return backbone, data, recipe
    run_phases(backbone, data, [PROBE], recipe, tmp_path / "probe")
    return backbone, data, recipe


class Killed(Exception):
    pass


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT's
@pytest.mark.parametrize("kind", MAKERS)
def test_a_run_with_adapters(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is frozen stays to the last bit, merged equals unmerged, a kill changes nothing, PEFT reads the adapter."""
    seen: dict[str, torch.Tensor] = {}
    settle = Adapted.settle

    def noted(self: Adapted) -> None:
        apart.update(copied(self.model))
        with torch.inference_mode():
            seen["apart"] = self.model.eval()(**batch).logits
            settle(self)
            seen["merged"] = self.model(**batch).logits

    monkeypatch.setattr(Adapted, "settle", noted)
    apart: dict[str, torch.Tensor] = {}
    heard: list[Event] = []
    backbone, data, recipe = begun(kind, tmp_path)
    before, batch = copied(backbone.model), example(backbone)
    anatomy = dissect(backbone.model, batch, "it")
    run_phases(backbone, data, [phase()], recipe, tmp_path / "whole", heard.append)
    after = copied(backbone.model)

    plain = {name: name.replace(".base_layer.", ".") for name in apart if ".lora_" not in name}
    head = tuple(f"{name}." for name in anatomy.trained)
    assert {name for name in plain if not torch.equal(apart[name], before[plain[name]])} == {
        name for name in plain if name.startswith(head)
    }
    assert any(".lora_B" in name and tensor.any() for name, tensor in apart.items())
    assert torch.allclose(seen["apart"], seen["merged"], atol=1e-5, rtol=0)
    assert after.keys() == before.keys() and not hasattr(backbone.model, "peft_config")
    assert any("of the weights train" in event.message for event in heard)

    room = room_of(tmp_path / "whole", 0, "lora") / FINISHED
    code = re.search(r"```python\n(.*?)```", (room / ADAPTER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    (tmp_path / ADAPTER).symlink_to(room / ADAPTER)
    found: dict[str, torch.nn.Module] = {}
    exec(code[1], found)
    with torch.inference_mode():
        assert torch.allclose(found["model"](**batch).logits, seen["merged"], atol=1e-5, rtol=0)

    def die(event: Event) -> None:
        if event.total and event.step > 2 * event.total // 3:
            raise Killed

    killed, *_ = begun(kind, tmp_path)
    with pytest.raises(Killed):
        run_phases(killed, data, [phase()], recipe, tmp_path / "killed", die)
    kept = best(tmp_path / "killed")  # what a job that ends here has
    assert kept is not None and kept.name.startswith("checkpoint-")
    assert AUTO[kind].from_pretrained(kept).state_dict().keys() == before.keys()
    killed, *_ = begun(kind, tmp_path)
    run_phases(killed, data, [phase()], recipe, tmp_path / "killed")
    assert all(torch.equal(tensor, after[name]) for name, tensor in killed.model.state_dict().items())
