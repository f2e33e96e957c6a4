"""The measures of a classifier, against scikit-learn and against themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import EvalPrediction

from hftransfer.errors import SourceError
from hftransfer.results.classification import RunningClassification, quick
from hftransfer.results.intervals import interval
from hftransfer.results.metrics import Evaluation
from hftransfer.tasks import get_task
from hftransfer.values import Interval, Report

TASK = get_task("text-classification")


def simulated(rows: int, labels: int, *, seed: int = 0, skill: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, labels, rows)
    logits = generator.normal(size=(rows, labels))
    logits[np.arange(rows), truth] += skill
    return softmax(logits), truth


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def certain(given: list[int], labels: int) -> np.ndarray:
    return np.eye(labels, dtype=np.float32)[given]


def measured(scores: np.ndarray, truth: np.ndarray, *, batch: int = 32, seed: int = 0) -> Report:
    with Evaluation(TASK, [f"label {number}" for number in range(scores.shape[1])], seed=seed) as evaluation:
        for start in range(0, len(truth), batch):
            evaluation.add(scores[start : start + batch], truth[start : start + batch])
        return evaluation.report()


def expected(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    given = scores.argmax(axis=1)
    figures = {"accuracy": float((given == truth).mean())}
    for average in ("macro", "weighted"):
        values = precision_recall_fscore_support(truth, given, average=average, zero_division=0)
        for name, value in zip(("precision", "recall", "f1"), values, strict=False):
            figures[f"{name}_{average}"] = value
    present = np.unique(truth)
    if len(present) > 1:
        ranked = [1] if scores.shape[1] == 2 else present
        figures["roc_auc"] = np.mean([roc_auc_score(truth == label, scores[:, label]) for label in ranked])
    return figures


def coarse(rows: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    scores, truth = simulated(rows, labels)
    return scores.round(1), truth


CASES = {
    "two labels": simulated(200, 2),
    "ten labels": simulated(500, 10),
    "a hundred labels, few rows": simulated(150, 100),
    "scores that tie": coarse(300, 4),
    "a label without rows": (simulated(90, 3)[0], simulated(90, 3)[1] % 2),
    "a label neither true nor given": (certain([0, 1, 1, 0], 3), np.array([0, 1, 0, 0])),
    "perfect": (certain([0, 1, 2, 1], 3), np.array([0, 1, 2, 1])),
    "all wrong": (certain([1, 2, 0, 2], 3), np.array([0, 1, 2, 1])),
    "one label only": (simulated(40, 2)[0], np.zeros(40, dtype=int)),
    "one row": (certain([1], 2), np.array([1])),
}


@pytest.mark.parametrize("case", CASES)
def test_the_figures_are_those_of_scikit_learn(case: str) -> None:
    scores, truth = CASES[case]
    report = measured(scores, truth)
    wanted = expected(scores, truth)
    assert {name: figure.value for name, figure in report.metrics.items()} == pytest.approx(wanted, abs=1e-12)
    assert all(figure.low <= figure.value <= figure.high for figure in report.metrics.values())


@pytest.mark.parametrize("case", CASES)
def test_the_figures_of_each_label_are_those_of_scikit_learn(case: str) -> None:
    scores, truth = CASES[case]
    report = measured(scores, truth)
    numbers, given = range(scores.shape[1]), scores.argmax(axis=1)
    columns = precision_recall_fscore_support(truth, given, labels=numbers, zero_division=0)
    for place, label in enumerate(report.labels):
        names = ("precision", "recall", "f1", "support")
        assert report.per_label[label] == pytest.approx(
            dict(zip(names, (column[place] for column in columns), strict=True))
        )
    assert np.array_equal(report.confusion, confusion_matrix(truth, given, labels=numbers))
    assert report.rows == len(truth)


def test_the_macro_area_is_scikit_learns_one_against_the_rest() -> None:
    scores, truth = simulated(400, 5)
    assert measured(scores, truth).metrics["roc_auc"].value == pytest.approx(
        roc_auc_score(truth, scores.astype(float), multi_class="ovr"), abs=1e-12
    )


def test_no_area_for_scores_that_are_not_finite() -> None:
    scores, truth = simulated(50, 2)
    scores[3] = np.nan
    assert "roc_auc" not in measured(scores, truth).metrics


def test_the_report_does_not_depend_on_batches() -> None:
    scores, truth = simulated(333, 7)
    assert measured(scores, truth, batch=1) == measured(scores, truth, batch=50) == measured(scores, truth, batch=999)


def test_the_seed_moves_the_intervals_and_no_figure() -> None:
    scores, truth = simulated(100, 3)
    one, two = measured(scores, truth, seed=1), measured(scores, truth, seed=2)
    assert {name: figure.value for name, figure in one.metrics.items()} == {
        name: figure.value for name, figure in two.metrics.items()
    }
    assert one.metrics != two.metrics


def test_the_interval_of_accuracy_covers_the_truth() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for round_ in range(300):
        right = generator.random(100) < 0.8
        scores = certain([0 if hit else 1 for hit in right], 2)
        # Truth is label 0 throughout, so accuracy is the share of hits, and the area is left out.
        figure = measured(scores, np.zeros(100, dtype=int), batch=100, seed=round_).metrics["accuracy"]
        covered += figure.low <= 0.8 <= figure.high
    assert 0.90 <= covered / 300 <= 0.99


def test_the_interval_of_the_area_agrees_with_a_plain_bootstrap() -> None:
    scores, truth = simulated(150, 3)
    generator = np.random.default_rng(9)
    areas = []
    for _ in range(400):
        rows = generator.integers(0, len(truth), len(truth))
        areas.append(roc_auc_score(truth[rows], scores[rows].astype(float), multi_class="ovr"))
    figure = measured(scores, truth).metrics["roc_auc"]
    assert (figure.low, figure.high) == pytest.approx(tuple(np.percentile(areas, (2.5, 97.5))), abs=0.012)


def test_the_interval_of_macro_f1_agrees_with_a_plain_bootstrap() -> None:
    scores, truth = simulated(150, 4)
    generator = np.random.default_rng(9)
    values = []
    for _ in range(400):
        rows = generator.integers(0, len(truth), len(truth))
        values.append(expected(scores[rows], truth[rows])["f1_macro"])
    figure = measured(scores, truth).metrics["f1_macro"]
    assert (figure.low, figure.high) == pytest.approx(tuple(np.percentile(values, (2.5, 97.5))), abs=0.02)


def test_a_figure_lies_within_its_interval() -> None:
    assert interval(0.9, np.array([0.1, 0.2, np.nan])).high == 0.9
    assert interval(0.1, np.array([0.8, 0.9])).low == 0.1
    assert interval(0.5, np.array([np.nan])) == Interval(0.5, 0.5, 0.5)


def test_rows_wait_on_disk_not_in_memory() -> None:
    scores, truth = simulated(2000, 20)
    process = psutil.Process()
    with Evaluation(TASK, [str(number) for number in range(20)]) as evaluation:
        evaluation.add(scores, truth)
        before = process.memory_info().rss
        for _ in range(100):
            evaluation.add(scores, truth)
        grown = process.memory_info().rss - before
    assert grown < 4 * 2**20  # the 200,000 rows are 17 MB


def test_nothing_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scores, truth = simulated(50, 3)
    measured(scores, truth)
    left = Evaluation(TASK, "abc")
    left.add(scores, truth)
    assert list(tmp_path.iterdir())
    left.close()
    left.close()
    dropped = Evaluation(TASK, "abc")
    del dropped
    assert not list(tmp_path.iterdir())


def test_two_evaluations_at_once_do_not_mix() -> None:
    (scores, truth), (others, answers) = simulated(60, 3, seed=1), simulated(80, 3, seed=2)
    with Evaluation(TASK, "abc") as one, Evaluation(TASK, "abc") as two:
        one.add(scores, truth)
        two.add(others, answers)
        assert (one.report().rows, two.report().rows) == (60, 80)


def test_no_rows_are_refused_in_words() -> None:
    with Evaluation(TASK, "ab") as evaluation, pytest.raises(SourceError, match="no rows"):
        evaluation.add(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=int))
        evaluation.report()


@pytest.mark.parametrize(
    ("scores", "truth"), [(np.zeros((2, 3)), [0, 1]), (np.zeros((2, 2)), [0]), (np.zeros((2, 2)), [0, 2])]
)
def test_rows_that_do_not_fit_are_refused(scores: np.ndarray, truth: list[int]) -> None:
    with Evaluation(TASK, "ab") as evaluation, pytest.raises(ValueError):
        evaluation.add(scores, np.array(truth))


def test_evaluating_is_silent_and_reaches_for_nothing(tmp_path: Path) -> None:
    script = (
        "import numpy as np\n"
        "from hftransfer.results.metrics import Evaluation\n"
        "from hftransfer.tasks import get_task\n"
        "with Evaluation(get_task('text-classification'), 'ab') as evaluation:\n"
        "    evaluation.add(np.eye(2, dtype=np.float32), np.arange(2))\n"
        "    evaluation.report()\n"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_quick_figures() -> None:
    scores, truth = simulated(120, 4)
    figures, wanted = quick(scores, truth), expected(scores, truth)
    assert figures == pytest.approx(
        {
            "accuracy": wanted["accuracy"],
            "f1_macro": wanted["f1_macro"],
            "loss": log_loss(truth, scores.astype(float) / scores.sum(axis=1, keepdims=True, dtype=float)),
        },
        rel=1e-5,
    )


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor, lambda values: torch.tensor(values).to(torch.bfloat16)])
def test_running_figures_come_from_batches_and_start_anew(kind: object) -> None:
    scores, truth = simulated(96, 3, skill=2.0)
    running, right = RunningClassification(3), scores.argmax(axis=1)
    for answers in (truth, right):
        for start in (0, 32, 64):
            part = slice(start, start + 32)
            batch = EvalPrediction(predictions=(kind(scores[part]), None), label_ids=torch.tensor(answers[part]))  # type: ignore[operator]
            result = running(batch, compute_result=start == 64)
            assert bool(result) == (start == 64)
        wanted = expected(scores, answers)
        assert result == pytest.approx({name: wanted[name] for name in ("accuracy", "f1_macro")}, abs=0.03)
    assert expected(scores, truth)["accuracy"] < 0.9 < result["accuracy"]


def test_rows_without_a_label_do_not_count() -> None:
    batch = EvalPrediction(predictions=certain([0, 1, 1], 2), label_ids=np.array([0, 1, -100]))
    assert RunningClassification(2)(batch, compute_result=True)["accuracy"] == 1.0


def test_a_broken_off_evaluation_can_be_forgotten() -> None:
    running = RunningClassification(2)
    running(EvalPrediction(predictions=certain([0], 2), label_ids=np.array([1])), compute_result=False)
    running.reset()
    assert running(EvalPrediction(predictions=certain([0], 2), label_ids=np.array([0])))["accuracy"] == 1.0


class Echo(torch.nn.Module):
    """A model whose logits are its input."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        scaled = logits * self.scale
        return {"loss": torch.nn.functional.cross_entropy(scaled, labels), "logits": scaled}


def test_a_trainer_takes_running_figures(tmp_path: Path) -> None:
    scores, truth = simulated(70, 3)
    rows = [{"logits": row, "labels": label} for row, label in zip(scores, truth, strict=True)]
    arguments = TrainingArguments(
        str(tmp_path), use_cpu=True, report_to="none", batch_eval_metrics=True, disable_tqdm=True
    )
    trainer = Trainer(Echo(), arguments, compute_metrics=RunningClassification(3))
    wanted = expected(scores, truth)
    for _ in range(2):
        result = trainer.evaluate(rows)
        assert result["eval_accuracy"] == pytest.approx(wanted["accuracy"])
        assert result["eval_f1_macro"] == pytest.approx(wanted["f1_macro"])
