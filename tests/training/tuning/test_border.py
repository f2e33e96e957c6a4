"""The frozen border: what is below it runs once, and the model comes out as if it ran each time."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import datasets
import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2ForSequenceClassification, set_seed

from hftransfer.data import load_data
from hftransfer.models import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.strategies import Phase, Rates
from hftransfer.tasks import get_task
from hftransfer.training import run_phases
from hftransfer.training.tuning import border, states, tune
from hftransfer.training.tuning.batches import change_of
from hftransfer.training.tuning.border import find_border
from hftransfer.training.tuning.rates import trained_parameters
from hftransfer.training.tuning.rows import Rows
from hftransfer.values import Event
from tests.tiny import convolutional_backbone, image_backbone, pictures, text_backbone

from .families import FAMILIES, IMAGES, SIZE, VOCABULARY, batch_for

TOP = Phase("top", "layers", "trainer", rates=Rates(1e-2, 1e-2, 0.9), epochs=2.0, layers=1)
KEPT = "the frozen layers run once: their states are kept"
MAKERS = {"text": text_backbone, "image": image_backbone, "convolution": convolutional_backbone}
WORDS = {"good": ["lovely", "happy"], "bad": ["sad", "awful"]}


def texts(path: Path, rows: int = 16) -> Path:
    """Texts of unlike lengths, two classes."""
    chance = np.random.default_rng(0)
    with path.open("w") as file:
        out = csv.writer(file)
        out.writerow(["text", "label"])
        for label, words in WORDS.items():
            for number in range(rows):
                filler = ["a", "the", "day", "was"] * 4
                out.writerow([" ".join([*filler[: chance.integers(1, 15)], *words, str(number % 10)]), label])
    return path


class Stopped(Exception):
    """What ends a run amid its training."""


class Station:
    """A backbone and data, and runs of them."""

    def __init__(self, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kind, self.folder, self.monkeypatch = kind, folder, monkeypatch
        self.source = texts(folder / "t.csv") if kind == "text" else pictures(folder / "p.zip", images=12)
        same = {"augmentation": "none", "label_smoothing": 0.1}  # other labels, of the same inputs
        backbone = str(MAKERS[kind](folder / "b"))
        self.recipe = Recipe(backbone=backbone, batch_size=8, precision="fp32", patience=50, **same)
        self.heard: list[Event] = []
        self.calls: list[tuple[str, bool]] = []

    def run(self, name: str, phase: Phase = TOP, stop_at: int = 0, **choices: object) -> dict[str, torch.Tensor]:
        """The weights after a phase; calls of the lowest and of the topmost block are noted."""
        recipe = self.recipe.with_(**choices)
        set_seed(recipe.seed)
        data = load_data(self.source, recipe)
        backbone = load_backbone(get_task(data.task), data.labels, recipe)
        self.heard.clear()
        self.calls.clear()
        for place, module in zip(("low", "high"), self.blocks(backbone.model), strict=True):
            module.register_forward_hook(lambda *_, place=place: self.calls.append((place, self.training())))
        (self.folder / name).mkdir(exist_ok=True)

        def hear(event: Event) -> None:
            self.heard.append(event)
            if stop_at and event.step == stop_at and event.stage == "train":
                raise Stopped

        self.trained = run_phases(backbone, data, [phase], recipe, self.folder / name, hear)
        return {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}

    def training(self) -> bool:
        """Whether steps were made already."""
        return any(event.stage == "train" and event.step for event in self.heard)

    def blocks(self, model: torch.nn.Module) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Inside the lowest block and the topmost: what a shortcut past a block does not call."""
        if self.kind == "convolution":
            stages = model.resnet.encoder.stages
            return stages[0].layers[0].layer, stages[-1].layers[0].layer
        layers = model.bert.encoder.layer if self.kind == "text" else model.vit.layers
        return layers[0].attention, layers[-1].attention

    @property
    def told(self) -> set[str]:
        return {event.message for event in self.heard}

    def without(self, name: str, phase: Phase = TOP, **choices: object) -> dict[str, torch.Tensor]:
        """A run whose frozen layers run each time."""
        with self.monkeypatch.context() as patched:
            patched.setattr(tune, "change_of", lambda leg: replace(change_of(leg), moves=True))
            return self.run(name, phase, **choices)


@pytest.fixture
def station(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    return Station(request.param, tmp_path, monkeypatch)


def close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """A key's bias changes nothing: its gradient is rounding, which Adam makes steps of."""
    names = [name for name in one if not name.endswith(("key.bias", "k_proj.bias"))]
    return all(torch.allclose(one[name], other[name], atol=2e-5) for name in names)


@pytest.mark.parametrize(
    "station",
    [kind if kind == "text" else pytest.param(kind, marks=pytest.mark.slow) for kind in MAKERS],
    indirect=True,
)
def test_the_model_is_the_one_that_it_would_have_been(station: Station) -> None:
    """Frozen layers are called in one pass alone, and none of them in training; a run that is stopped goes on to
    the same model, and makes no pass again."""
    plain = station.without("plain")
    history = station.trained.history
    assert ("low", True) in station.calls and KEPT not in station.told
    kept = station.run("kept")
    assert KEPT in station.told
    assert ("low", True) not in station.calls and ("high", True) in station.calls
    assert ("low", False) in station.calls
    assert close(plain, kept)
    for one, other in zip(history, station.trained.history, strict=True):
        assert one == {name: pytest.approx(value, abs=1e-4) for name, value in other.items()}
    passes = sum(place == "low" for place, _ in station.calls)
    with pytest.raises(Stopped):
        station.run("again", stop_at=4)
    again = station.run("again")  # goes on from where it was stopped
    assert close(kept, again)
    assert min(event.step for event in station.heard if event.total) > 1
    assert not any(event.stage == "features" for event in station.heard)
    assert sum(place == "low" for place, _ in station.calls) < passes


@pytest.mark.slow
@pytest.mark.parametrize("station", ["text"], indirect=True)
def test_where_it_cannot_be_kept_the_layers_run_each_time(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large, or everything trains: said where it is a pity, and the result is the same."""
    plain = station.without("plain")
    monkeypatch.setattr(states, "MOST", 1000)
    assert close(plain, station.run("large"))
    assert any(
        message.startswith("the frozen layers run in every epoch: their states take") for message in station.told
    )
    assert ("low", True) in station.calls
    station.run("all", replace(TOP, trains="everything", layers=None, epochs=1.0))
    assert not any("frozen" in message for message in station.told)


@pytest.mark.slow
@pytest.mark.parametrize("station", ["text"], indirect=True)
def test_bf16_is_kept_where_training_is_in_it(station: Station, own_home: Path) -> None:
    """Half the size; and other weights below the border have a place of their own."""
    station.run("fp32", replace(TOP, epochs=1.0))
    size = {path: path.stat().st_size for path in (own_home / "features").glob("border-*")}
    assert len(size) == 2
    station.run("bf16", replace(TOP, epochs=1.0), precision="bf16")
    new = {path: path.stat().st_size for path in (own_home / "features").glob("border-*") if path not in size}
    assert len(new) == 2 and sum(new.values()) < 0.6 * sum(size.values())
    assert KEPT in station.told


def leg_of(model: torch.nn.Module, family: str, phase: Phase, head: tuple[str, ...]) -> SimpleNamespace:
    trained = trained_parameters(model, frozenset(head), phase)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name in trained
    machine = SimpleNamespace(device=torch.device("cpu"))
    return SimpleNamespace(backbone=SimpleNamespace(model=model), machine=machine)


def rows_of(family: str, *, left: bool = False) -> Rows:
    """Rows of unlike lengths, which are padded on the right, or on the left."""
    if family in IMAGES:
        pixels = batch_for(family, 5)["pixel_values"]
        return Rows(list(range(5)), [], (lambda rows: {"pixel_values": pixels[rows]},) * 2)
    lengths = [4, 6, 7, 9, 11]
    ids = [torch.randint(5, VOCABULARY, (length,)).tolist() for length in lengths]
    table = datasets.Dataset.from_dict({"input_ids": ids, "length": lengths})

    def collate(rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        wide = max(len(row["input_ids"]) for row in rows)
        side = (lambda ids: [0] * (wide - len(ids)) + ids) if left else (lambda ids: ids + [0] * (wide - len(ids)))
        padded = torch.tensor([side(row["input_ids"]) for row in rows])
        return {"input_ids": padded, "attention_mask": (padded > 0).long()}

    return Rows(table, table, (collate, collate))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_border_is_found_in_every_family(name: str) -> None:
    """At the end of the last frozen block, and all before is passed, the input's layer too; for the head, above all."""
    torch.manual_seed(0)
    family = FAMILIES[name]
    model = family.make()
    border = find_border(leg_of(model, name, TOP, family.head), rows_of(name))
    assert border is not None and family.layers[-2].startswith(f"{border.last.name}.")
    assert not any(layer.startswith(f"{border.last.name}.") for layer in family.layers[-1:])
    passed = {call.name for call in border.passed}
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert border.ragged == (name not in IMAGES)
    run = {name for name in frozen if not name.startswith((*passed, border.last.name))}
    # A timm ViT adds a token of its own to what its input's layer makes, and minds if it is there already.
    assert not run if name != "timm-vit" else not any("blocks" in name for name in run)
    model.requires_grad_(False)
    head = find_border(leg_of(model, name, replace(TOP, trains="head"), family.head), rows_of(name))
    assert head is not None and head.last.ended > border.last.ended


def test_a_device_that_is_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a layer minds says that it cannot be cut there; what the memory minds says nothing of the layer."""
    model = FAMILIES["bert"].make()
    leg = leg_of(model, "bert", TOP, FAMILIES["bert"].head)
    for error, answer in ((ValueError, None), (torch.OutOfMemoryError, torch.OutOfMemoryError)):

        def full(*_: object, error: type[Exception] = error) -> None:
            raise error

        monkeypatch.setattr(border, "made_at", full)
        with pytest.raises(answer) if answer else nullcontext():
            assert find_border(leg, rows_of("bert")) is None


def test_padding_that_changes_states_is_noticed() -> None:
    """GPT-2 counts places from the padding on: on the left, a row alone is another than in a batch."""
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=VOCABULARY, n_embd=8, n_layer=3, n_head=2, n_positions=32, pad_token_id=0, initializer_range=0.5
    )
    config.bos_token_id = config.eos_token_id = None
    model = GPT2ForSequenceClassification(config)
    leg = leg_of(model, "gpt2", TOP, ("score",))
    right = find_border(leg, rows_of("gpt2"))
    assert right is not None and right.last.name == "transformer.h.1"
    assert {type(module).__name__ for module in right.dropouts} == {"Dropout"}
    assert find_border(leg, rows_of("gpt2", left=True)) is None


def test_what_reaches_over_the_border_is_noticed() -> None:
    """A layer above that reads a lower one too, or a trained norm that the frozen layers use."""
    torch.manual_seed(0)
    family = FAMILIES["bert"]
    model = family.make()
    layer, lower = model.bert.encoder.layer[2], model.bert.encoder.layer[0]
    seen: list[torch.Tensor] = []
    lower.register_forward_hook(lambda module, args, output: seen.append(output))
    layer.register_forward_pre_hook(lambda module, args: (args[0] + 5 * seen[-1], *args[1:]))
    leg = leg_of(model, "bert", TOP, family.head)
    border = find_border(leg, rows_of("bert"))
    assert border.last.name == "bert.encoder.layer.1" and border.passed == ()
    for parameter in model.bert.embeddings.LayerNorm.parameters():
        parameter.requires_grad = True
    assert find_border(leg, rows_of("bert")) is None
    assert SIZE["num_hidden_layers"] == 3
