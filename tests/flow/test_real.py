"""Real data and real backbones: as good as expected, and the same wherever the model is used.

The floors are the figures expected of these sets and backbones; `full` is held to the
probe on the same rows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from transformers import pipeline

from hftransfer import Predictor, Recipe, fine_tune

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200)]


@dataclass(frozen=True)
class Case:
    source: str
    test: str | None
    backbone: str | None
    probe: float
    full: float


CASES = {
    "cifar10_small": Case("data/images/cifar10_small.zip", None, "models/mobilenet_v2_0.35_224", probe=0.65, full=0.72),
    "sst2": Case("data/text/sst2/train.tsv", "data/text/sst2/dev.tsv", None, probe=0.80, full=0.86),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: `full` starts from the probe's features."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module", params=CASES)
def models(request, shared: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Predictor]:
    case = CASES[request.param]
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTRANSFER_HOME", str(home))
        for strategy in ("feature-extraction", "full"):
            recipe = Recipe(
                strategy=strategy,
                backbone=str(shared / case.backbone) if case.backbone else None,
                test=str(shared / case.test) if case.test else None,
            )
            output = tmp_path_factory.mktemp(request.param) / strategy
            made[strategy] = fine_tune(str(shared / case.source), recipe, output=output)
    return made


def accuracy(model: Predictor) -> float:
    return model.report["metrics"]["accuracy"]["value"]


def case_of(model: Predictor) -> Case:
    return CASES["sst2" if model.task.modality.name == "text" else "cifar10_small"]


def test_accuracies_are_as_expected(models: dict[str, Predictor]) -> None:
    case = case_of(models["full"])
    assert accuracy(models["feature-extraction"]) >= case.probe
    assert accuracy(models["full"]) >= case.full
    assert accuracy(models["full"]) >= accuracy(models["feature-extraction"])


@pytest.mark.parametrize("strategy", ["feature-extraction", "full"])
def test_the_saved_folder_gives_the_same_figures_again(strategy: str, models, shared: Path) -> None:
    model = models[strategy]
    case = case_of(model)
    report = Predictor.from_pretrained(model.folder).evaluate(str(shared / (case.test or case.source)))
    for name, figure in model.report["metrics"].items():
        assert report.metrics[name].value == pytest.approx(figure["value"], abs=1e-6), name
    assert [list(row) for row in report.confusion] == model.report["confusion"]


@pytest.mark.parametrize("strategy", ["feature-extraction", "full"])
def test_plain_pipeline_agrees_on_real_inputs(strategy: str, models, shared: Path) -> None:
    model = models[strategy]
    case = case_of(model)
    samples = model.samples(str(shared / (case.test or case.source)), count=32)
    theirs = pipeline(model.task.name, model=str(model.folder), top_k=len(model.labels))(samples)
    for ours, answer in zip(model.predict(samples), theirs, strict=True):
        assert ours.scores == pytest.approx({row["label"]: row["score"] for row in answer}, abs=1e-5)


def test_a_model_goes_to_the_hub_and_comes_back(models: dict[str, Predictor], hub) -> None:
    model = models["feature-extraction"]
    inputs = ["a fine film"] if model.task.modality.name == "text" else []
    source = (
        "import json, sys\n"
        "from hftransfer import Predictor\n"
        "folder, inputs = sys.argv[1], json.loads(sys.argv[2])\n"
        "done = Predictor.from_pretrained(folder).push_to_hub('real', private=True)\n"
        "again = Predictor.from_pretrained('alice/real')\n"
        "same = again.predict(inputs) == Predictor.from_pretrained(folder).predict(inputs)\n"
        "print(json.dumps({**done.to_json(), 'same': same, 'labels': again.labels}))"
    )
    done = hub.child(source, model.folder, json.dumps(inputs), timeout=300)
    assert done["verified"] and done["same"] and done["labels"] == list(model.labels)
