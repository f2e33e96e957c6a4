"""Classes of unequal size: what they weigh, which rows are drawn, and what a task cannot have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from hftransfer.data import load_data
from hftransfer.errors import RecipeError
from hftransfer.models import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.strategies import Phase, Rates
from hftransfer.tasks import get_task
from hftransfer.training import Leg, probing, refuse, run_phases
from hftransfer.training.balancing import (
    class_weights,
    drawn,
    drawn_count,
    flag_weights,
    groups_of,
    row_weights,
    watched,
)
from hftransfer.training.heads.solvers import Binary, Multinomial
from hftransfer.training.heads.solving import Split
from hftransfer.training.heads.weighing import balanced
from hftransfer.training.tuning.losses import loss_of, weights_of
from hftransfer.training.tuning.sampling import BalancedSampler
from hftransfer.training.tuning.trainer import PhaseTrainer
from hftransfer.values import Backbone, Dataset
from tests.tiny import TEXTS, text_backbone

UNEQUAL = np.array([0] * 50 + [1] * 7 + [2] * 20)


def blobs(seed: int = 0) -> Split:
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(7).normal(size=(3, 5))
    features = centres[UNEQUAL] + 1.5 * generator.normal(size=(len(UNEQUAL), 5))
    return Split(features.astype(np.float32), UNEQUAL)


def test_weights_are_those_of_scikit_learn() -> None:
    assert class_weights(UNEQUAL, 4)[:3] == pytest.approx(
        compute_class_weight("balanced", classes=np.arange(3), y=UNEQUAL)
    )
    train = blobs()
    weight, bias = Multinomial(train.features, UNEQUAL, 3, row_weights(UNEQUAL, 3)).fit(0.3)
    plain = LogisticRegression(C=0.3, class_weight="balanced", max_iter=1000).fit(train.features, UNEQUAL)
    assert weight == pytest.approx(plain.coef_, abs=2e-3) and bias == pytest.approx(plain.intercept_, abs=2e-3)


def test_a_flag_that_is_rare_weighs_as_much_as_its_absence() -> None:
    train = blobs()
    flags = np.stack([UNEQUAL == 1, UNEQUAL > 0], 1).astype(np.float32)
    assert flag_weights(flags) == pytest.approx([70 / 7, 50 / 27])
    weight, bias = Binary(train.features, flags, 2, row_weights(flags, 2)).fit(0.3)
    for at in range(2):
        counts = {0: 1.0, 1: flag_weights(flags)[at]}
        plain = LogisticRegression(C=0.3, class_weight=counts, tol=1e-8, max_iter=1000)
        plain.fit(train.features, flags[:, at])
        assert weight[at] == pytest.approx(plain.coef_[0], abs=2e-3)
        assert bias[at] == pytest.approx(plain.intercept_[0], abs=2e-3)


def test_an_epoch_has_as_many_rows_of_each_class() -> None:
    over, under = (drawn(UNEQUAL, how, np.random.default_rng(0)) for how in ("over", "under"))
    assert np.bincount(UNEQUAL[over]).tolist() == [50, 50, 50] and set(over) == set(range(len(UNEQUAL)))
    assert np.bincount(np.bincount(over)[UNEQUAL == 1]).argmax() in (7, 8)  # none far more often than another
    assert np.bincount(UNEQUAL[under]).tolist() == [7, 7, 7] and len(set(under)) == 21
    assert [drawn_count(UNEQUAL, how) for how in ("over", "under")] == [150, 21]


def test_rows_with_several_labels_are_drawn_by_the_rarest() -> None:
    flags = np.array([[1, 0], [1, 0], [1, 1], [0, 0], [1, 0]])
    assert groups_of(flags).tolist() == [0, 0, 1, 2, 0]


@pytest.mark.parametrize("how", ["weights", "over", "under"])
def test_validation_keeps_its_rows_and_weighs_them(how: str) -> None:
    train, validation = blobs(), blobs(1)
    even, watched = balanced(train, validation, 3, Recipe(balance=how))
    counts = np.bincount(even.labels, weights=even.weights)
    assert counts == pytest.approx(np.full(3, counts[0]))
    assert watched.features is validation.features
    assert np.bincount(UNEQUAL, weights=watched.weights) == pytest.approx(np.full(3, len(UNEQUAL) / 3))


def test_what_has_no_classes_is_refused() -> None:
    for task, how, fine in (
        ("text-regression", "weights", False),
        ("token-classification", "weights", True),
        ("token-classification", "over", False),
        ("image-multi-label", "under", True),
    ):
        if fine:
            refuse(get_task(task), Recipe(balance=how))
        else:
            with pytest.raises(RecipeError, match="balance") as refused:
                refuse(get_task(task), Recipe(balance=how))
            assert refused.value.place == "--balance"
    for choice in ({"generate": 50}, {"pseudo_label": "some.txt"}):
        for task in ("text-regression", "token-classification"):
            with pytest.raises(RecipeError, match="text-regression|token-classification"):
                refuse(get_task(task), Recipe(**choice))
    assert watched(get_task("text-classification"), Recipe(balance="over")) == "f1_macro"
    assert watched(get_task("text-classification"), Recipe()) == "accuracy"


def test_the_trainers_loss_weighs_classes_and_passes_over_what_has_no_label(tmp_path: Path) -> None:
    logits = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 0, 1, 0, 1])

    def found(truth: torch.Tensor, given: torch.Tensor = logits, **choices: object) -> torch.Tensor:
        loss = loss_of(leg_of(tmp_path, **choices))
        assert loss is not None
        return loss({"logits": given}, truth)

    weights = torch.from_numpy(weights_of(leg_of(tmp_path).data)).float()
    assert weights[0] > 3 * weights[1]  # 8 rows to 40
    apart = functional.cross_entropy(logits, labels, reduction="none") * weights[labels]
    assert found(labels, balance="weights") == pytest.approx(apart.mean())
    some = torch.where(torch.arange(6) < 4, labels, -100)
    assert found(some[None], logits[None], balance="weights") == pytest.approx(apart[:4].mean())
    shares = functional.one_hot(labels, 2).float()
    smoothed = functional.cross_entropy(logits, labels, label_smoothing=0.2, reduction="none")
    both = (smoothed * weights[labels]).sum() / weights[labels].sum()
    assert found(shares, balance="weights", label_smoothing=0.2) == pytest.approx(both)
    assert loss_of(leg_of(tmp_path)) is None


def test_rows_of_like_length_stand_together_and_an_epoch_can_be_had_again() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, len(UNEQUAL)).tolist()
    sampler = BalancedSampler(UNEQUAL, "over", 5, 8, lengths)
    first, epochs = list(sampler), []
    for epoch in (1, 0):
        sampler.set_epoch(epoch)
        epochs.append(list(sampler))
    assert epochs[1] == first != epochs[0] and len(first) == len(sampler) == 150
    assert np.bincount(UNEQUAL[first]).tolist() == [50, 50, 50]
    own = [np.ptp([lengths[place] for place in first[start : start + 8]]) for start in range(0, 144, 8)]
    loose = list(BalancedSampler(UNEQUAL, "over", 5, 8))
    other = [np.ptp([lengths[place] for place in loose[start : start + 8]]) for start in range(0, 144, 8)]
    assert np.mean(own) < np.mean(other) / 2


def station(folder: Path, **choices: object) -> tuple[Backbone, Dataset, Recipe]:
    lines = [
        f"{text.format(n=n)},{label}" for label, text in TEXTS.items() for n in range(40 if label == "good" else 8)
    ]
    (folder / "t.csv").write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    recipe = Recipe(backbone=str(text_backbone(folder / "b")), batch_size=8, precision="fp32", **choices)
    data = load_data(folder / "t.csv", recipe)
    return load_backbone(get_task(data.task), data.labels, recipe), data, recipe


def leg_of(folder: Path, **choices: object) -> Leg:
    return probing(*station(folder, **choices))


class Cut(Exception):
    pass


@pytest.mark.slow
def test_a_run_that_goes_on_meets_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut in the middle of an epoch of what is drawn, where the last checkpoint is in the middle of one, too."""
    met: list[list[int]] = []
    compute = PhaseTrainer.compute_loss

    def noted(self: PhaseTrainer, model: torch.nn.Module, inputs: dict[str, torch.Tensor], *args, **kwargs):
        if model.training:
            if len(met) == noted.last:  # type: ignore[attr-defined]
                raise Cut
            met.append(inputs["labels"].tolist())
        return compute(self, model, inputs, *args, **kwargs)

    noted.last = -1  # type: ignore[attr-defined]
    monkeypatch.setattr(PhaseTrainer, "compute_loss", noted)
    phase = Phase("full", trains="everything", solver="trainer", rates=Rates(1e-3, 1e-3), epochs=3.0)
    weights, orders = [], []
    for room, cuts in (("whole", (-1,)), ("twice", (7, -1))):
        met.clear()
        for cut in cuts:
            noted.last = cut  # type: ignore[attr-defined]
            torch.manual_seed(0)
            (tmp_path / room).mkdir(exist_ok=True)
            backbone, data, recipe = station(tmp_path / room, balance="over", patience=100)
            try:
                run_phases(backbone, data, [phase], recipe, tmp_path / room / "work")
            except Cut:
                del met[5:]  # the checkpoint is that of step 5
        weights.append(backbone.model.state_dict())
        orders.append([*met])
    assert orders[0] == orders[1] and len(orders[0]) == 15
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    flat = [label for batch in orders[0] for label in batch]
    assert 0.4 < np.mean(flat) < 0.6  # of 8 rows to 40
    assert replace(data, name="").rows["train"] < len(flat)
