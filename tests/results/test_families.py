"""Multi-label, regression and entity measures, against scikit-learn, SciPy and seqeval."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.metrics import precision_score, recall_score
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from transformers.trainer_utils import EvalPrediction

from hftransfer.errors import SourceError
from hftransfer.results.metrics import Evaluation, running
from hftransfer.results.multi_label import MultiLabelMetrics
from hftransfer.results.thresholds import best_of, tune
from hftransfer.tasks import get_task
from hftransfer.tasks.tokens import entities, in_bio
from hftransfer.values import Report

LABELS = ("a", "b", "c", "d")
TAGS = ("O", "B-loc", "I-loc", "B-per", "I-per")


def flags(rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = (generator.random((rows, 4)) < (0.5, 0.3, 0.1, 0.02)).astype(np.float32)
    scores = expit(generator.normal(size=truth.shape) * 1.2 + 3 * truth - 2)
    return scores.round(2).astype(np.float32), truth  # rounded: ties


def numbers(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.normal((1000, -3), (20, 0.1), (rows, 2))
    return (truth + generator.normal(0, (10, 0.1), truth.shape)).astype(np.float32), truth.astype(np.float32)


def sentences(rows: int = 200, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Tags of any order: what models give is no clean BIO."""
    generator = np.random.default_rng(seed)
    truth = [generator.choice(5, size=generator.integers(1, 12), p=(0.5, 0.15, 0.1, 0.15, 0.1)) for _ in range(rows)]
    given = [np.where(generator.random(len(row)) < 0.8, row, generator.integers(0, 5, len(row))) for row in truth]
    return [np.eye(5, dtype=np.float32)[row] for row in given], truth


def measured(task: str, labels: tuple[str, ...], scores, truth, *, batch: int = 32, **more) -> Report:
    with Evaluation(get_task(task), labels, **more) as evaluation:
        for start in range(0, len(truth), batch):
            evaluation.add(scores[start : start + batch], truth[start : start + batch])
        return evaluation.report()


def values(report: Report) -> dict[str, float]:
    return {name: interval.value for name, interval in report.metrics.items()}


def test_multi_label_figures_are_scikit_learns() -> None:
    scores, truth = flags()
    limits = dict(zip(LABELS, (0.5, 0.4, 0.3, 0.2), strict=True))
    report = measured("text-multi-label", LABELS, scores, truth, thresholds=limits)
    given = scores >= np.array(list(limits.values()), dtype=np.float32)
    assert values(report) == pytest.approx(
        {
            "f1_micro": f1_score(truth, given, average="micro"),
            "f1_macro": f1_score(truth, given, average="macro", zero_division=0),
            "f1_weighted": f1_score(truth, given, average="weighted", zero_division=0),
            "precision_micro": (given & (truth > 0)).sum() / given.sum(),
            "recall_micro": (given & (truth > 0)).sum() / truth.sum(),
            "subset_accuracy": accuracy_score(truth, given),
            "map": average_precision_score(truth, scores, average="macro"),
        },
        abs=1e-6,
    )
    assert report.per_label["d"]["threshold"] == pytest.approx(0.2)
    assert report.per_label["a"]["average_precision"] == pytest.approx(
        average_precision_score(truth[:, 0], scores[:, 0])
    )
    assert report.confusion == ()


def test_a_label_without_rows_counts_neither_for_nor_against() -> None:
    scores, truth = flags()
    truth[:, 3] = 0
    report = measured("text-multi-label", LABELS, scores, truth, thresholds={"d": 1.1})
    assert values(report)["map"] == pytest.approx(average_precision_score(truth[:, :3], scores[:, :3], average="macro"))
    assert values(report)["f1_macro"] == pytest.approx(f1_score(truth[:, :3], scores[:, :3] >= 0.5, average="macro"))


PLAIN = {
    "f1_macro": lambda truth, scores: f1_score(truth, scores >= 0.5, average="macro", zero_division=0),
    "subset_accuracy": lambda truth, scores: accuracy_score(truth, scores >= 0.5),
    "map": lambda truth, scores: average_precision_score(truth, scores, average="macro"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_multi_label_intervals_agree_with_a_plain_bootstrap(name: str) -> None:
    scores, truth = (side[:, :3] for side in flags(rows=200))
    found = measured("text-multi-label", LABELS[:3], scores, truth).metrics[name]
    drawn = [PLAIN[name](truth[rows], scores[rows]) for rows in np.random.default_rng(1).integers(0, 200, (250, 200))]
    low, high = np.percentile(drawn, (2.5, 97.5))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.25 * (high - low))


def test_regression_figures_are_scikit_learns_and_scipys() -> None:
    given, truth = numbers()
    report = measured("text-regression", ("x", "y"), given, truth)
    each = [
        {
            "mae": mean_absolute_error(truth[:, at], given[:, at]),
            "rmse": root_mean_squared_error(truth[:, at], given[:, at]),
            "r2": r2_score(truth[:, at], given[:, at]),
            "pearson": pearsonr(truth[:, at], given[:, at]).statistic,
            "spearman": spearmanr(truth[:, at], given[:, at]).statistic,
            "support": 300,
        }
        for at in range(2)
    ]
    assert report.per_label["x"] == pytest.approx(each[0], rel=1e-4)
    assert report.per_label["y"] == pytest.approx(each[1], rel=1e-4)
    for name, value in values(report).items():
        assert value == pytest.approx((each[0][name] + each[1][name]) / 2, rel=1e-4)
    assert len(report.points["x"]) == 300
    assert report.points["y"][0] == pytest.approx((float(truth[0, 1]), float(given[0, 1])))


@pytest.mark.parametrize("name", ["mae", "rmse", "r2", "pearson", "spearman"])
def test_regression_intervals_agree_with_a_plain_bootstrap(name: str) -> None:
    given, truth = (side[:, :1] for side in numbers(rows=200))
    found = measured("text-regression", ("x",), given, truth).metrics[name]
    generator = np.random.default_rng(1)
    plain = {
        "mae": mean_absolute_error,
        "rmse": root_mean_squared_error,
        "r2": r2_score,
        "pearson": lambda one, other: pearsonr(one, other).statistic,
        "spearman": lambda one, other: spearmanr(one, other).statistic,
    }[name]
    drawn = [plain(truth[rows, 0], given[rows, 0]) for rows in generator.integers(0, 200, (400, 200))]
    low, high = np.percentile(drawn, (2.5, 97.5))
    width = high - low
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.25 * width)


def test_numbers_that_are_all_alike_correlate_with_nothing() -> None:
    truth = np.array([[1.0], [2.0], [3.0]], dtype=np.float32)
    report = measured("text-regression", ("x",), np.full((3, 1), 2.0, dtype=np.float32), truth)
    assert values(report)["pearson"] == values(report)["spearman"] == 0.0
    assert values(report)["r2"] == pytest.approx(0.0)


def test_entity_figures_are_seqevals() -> None:
    scores, truth = sentences()
    report = measured("token-classification", TAGS, scores, truth)
    named = [[TAGS[tag] for tag in row] for row in truth], [[TAGS[row.argmax()] for row in rows] for rows in scores]
    assert values(report) == pytest.approx(
        {"precision": precision_score(*named), "recall": recall_score(*named), "f1": seqeval_f1(*named)}
    )
    assert set(report.per_label) == {"loc", "per"}
    assert report.rows == 200


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("B-a I-a O B-a", [("a", 0, 1), ("a", 3, 3)]),
        ("I-a I-a I-b O", [("a", 0, 1), ("b", 2, 2)]),
        ("B-a B-a I-a", [("a", 0, 0), ("a", 1, 2)]),
        ("S-a B-b E-b I-b", [("a", 0, 0), ("b", 1, 2), ("b", 3, 3)]),
        ("a a b O a", [("a", 0, 1), ("b", 2, 2), ("a", 4, 4)]),
        ("B-x-y I-x-y", [("x-y", 0, 1)]),
        ("O O", []),
    ],
)
def test_entities_of_every_scheme(tags: str, found: list[tuple[str, int, int]]) -> None:
    assert [tuple(one) for one in entities(tags.split())] == found
    assert [tuple(one) for one in entities(in_bio(tags.split()))] == found


def test_a_row_of_no_entities_is_no_error() -> None:
    truth = [np.zeros(3, dtype=int), np.array([1, 2])]
    report = measured("token-classification", TAGS, [np.eye(5, dtype=np.float32)[row] for row in truth], truth)
    assert values(report) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}


@pytest.mark.parametrize(
    ("task", "labels", "scores", "truth"),
    [
        ("text-multi-label", LABELS, np.zeros((2, 4)), np.full((2, 4), 0.5)),
        ("text-multi-label", LABELS, np.zeros((2, 3)), np.zeros((2, 3))),
        ("text-regression", ("x",), np.zeros((2, 1)), np.full((2, 1), np.nan)),
        ("token-classification", TAGS, [np.zeros((2, 5))], [np.zeros(3, dtype=int)]),
    ],
)
def test_what_does_not_fit_is_refused(task: str, labels, scores, truth) -> None:
    with Evaluation(get_task(task), labels) as evaluation, pytest.raises(ValueError, match="labels|fit"):
        evaluation.add(scores, truth)


@pytest.mark.parametrize("task", ["text-multi-label", "text-regression", "token-classification"])
def test_no_rows_are_no_report(task: str) -> None:
    with Evaluation(get_task(task), LABELS) as evaluation, pytest.raises(SourceError, match="no rows"):
        evaluation.report()


def follow(task: str, labels: tuple[str, ...], batches) -> dict[str, float]:
    follower = running(get_task(task), labels)
    for logits, truth in batches[:-1]:
        assert follower(EvalPrediction(logits, truth), compute_result=False) == {}
    figures = follower(EvalPrediction(*batches[-1]), compute_result=True)
    assert follower(EvalPrediction(*batches[-1]), compute_result=True) != figures  # begun anew
    return figures


def test_what_a_trainer_watches_are_the_same_figures() -> None:
    scores, truth = flags()
    logits = np.log(scores.clip(1e-6, 1 - 1e-6) / (1 - scores.clip(1e-6, 1 - 1e-6)))
    halves = [(logits[:250], truth[:250]), (logits[250:], truth[250:])]
    whole = values(measured("text-multi-label", LABELS, scores, truth))
    assert follow("text-multi-label", LABELS, halves)["map"] == pytest.approx(whole["map"], abs=1e-4)
    given, truth = numbers()
    halves = [(given[:200], truth[:200]), (given[200:], truth[200:])]
    whole = values(measured("text-regression", ("x", "y"), given, truth))
    assert follow("text-regression", ("x", "y"), halves)["r2"] == pytest.approx(whole["r2"], abs=1e-6)


def test_a_trainer_watches_entities_without_what_is_no_word() -> None:
    logits = np.eye(5, dtype=np.float32)[np.array([[3, 1, 2, 0], [0, 1, 0, 4]])]
    truth = np.array([[-100, 1, 2, -100], [0, 3, 0, -100]])
    figures = running(get_task("token-classification"), TAGS)(EvalPrediction(logits, truth), compute_result=True)
    assert figures == {"precision": 0.5, "recall": 0.5, "f1": 0.5}


def test_tuned_thresholds_beat_the_usual_one_on_other_rows() -> None:
    scores, truth = flags(rows=2000)
    limits = tune(scores[:1000], truth[:1000])
    tuned, usual = (
        values(measured("text-multi-label", LABELS, scores[1000:], truth[1000:], thresholds=given))["f1_macro"]
        for given in (dict(zip(LABELS, limits, strict=True)), {})
    )
    assert tuned > usual + 0.02


def test_a_threshold_is_the_one_of_the_best_f1() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.3, 0.2])
    truth = np.array([True, True, False, True, False])
    found = best_of(scores, truth)
    assert found == pytest.approx(0.25)
    assert best_of(scores, np.zeros(5, dtype=bool)) == 0.5


def test_a_label_of_few_rows_leans_towards_the_common_threshold() -> None:
    scores, truth = flags(rows=600)
    truth[:, 3] = 0
    truth[scores[:, 3].argmin(), 3] = 1  # its own best threshold would take every row
    own = best_of(scores[:, 3], truth[:, 3] > 0)
    assert tune(scores, truth)[3] > own + 0.1


def test_measures_take_rows_as_they_come() -> None:
    scores, truth = flags(rows=50)
    one, many = (measured("text-multi-label", LABELS, scores, truth, batch=size) for size in (50, 7))
    assert one == many
    assert MultiLabelMetrics.__doc__


def test_what_does_not_exist_is_null_in_json() -> None:
    same = np.full((4, 1), 2.0, dtype=np.float32)
    told = measured("text-regression", ("x",), same, same).to_json()
    assert told["metrics"]["r2"]["value"] is None and told["per_label"]["x"]["r2"] is None
    json.dumps(told, allow_nan=False)


def test_correlations_know_no_unit() -> None:
    truth = np.linspace(4e-7, 7e-7, 50, dtype=np.float32)[:, None]
    noise = np.random.default_rng(0).normal(0, 1e-8, truth.shape).astype(np.float32)
    small = values(measured("text-regression", ("x",), truth + noise, truth))
    large = values(measured("text-regression", ("x",), (truth + noise) * 1e9, truth * 1e9))
    assert small["pearson"] == pytest.approx(large["pearson"], abs=1e-3) and small["pearson"] > 0.9


@pytest.mark.parametrize("tags", ["B I O B", "B I O I", "S O"])
def test_marks_alone_are_of_one_kind(tags: str) -> None:
    assert {one.kind for one in entities(tags.split())} == {"entity"}
    assert len(entities(["B", "I", "O", "B"])) == 2
