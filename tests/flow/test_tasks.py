"""Every task, from data to a model that plain Transformers loads and agrees with."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import pipeline

from hftransfer import Predictor, Recipe, fine_tune, load_data
from hftransfer.errors import SourceError
from hftransfer.tasks import TASKS, Task
from tests.tiny import COLOURS, image_backbone, picture, text_backbone

GLAD = {"lovely": 1.5, "happy": 1.0, "sad": -1.0, "awful": -1.5}
ROWS = 200
WORDS = [*GLAD, *"0123456789"]


def texts(rows: int, seed: int = 0) -> list[list[str]]:
    generator = np.random.default_rng(seed)
    return [["the", "day", "was", *generator.choice(WORDS, 4)] for _ in range(rows)]


def jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def several(folder: Path) -> Path:
    rows = [{"text": " ".join(words), "label": sorted(set(words) & set(GLAD))} for words in texts(ROWS)]
    return jsonl(folder / "t.jsonl", rows)


def number(folder: Path) -> Path:
    rows = [{"text": " ".join(words), "score": 100 + joy(words)} for words in texts(ROWS)]
    return jsonl(folder / "t.jsonl", rows)


def entities(folder: Path) -> Path:
    return jsonl(folder / "t.jsonl", [{"text": " ".join(words), "label": tagged(words)} for words in texts(ROWS)])


def tagged(words: list[str]) -> list[list[object]]:
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    return [
        [int(end) - len(word), int(end), "B-mood" if word in GLAD else "O"]
        for word, end in zip(words, ends, strict=True)
    ]


def images(folder: Path, label: Callable[[int, int], object]) -> Path:
    """Pictures of two colours, one on the other: `label` is told how many rows are of the first."""
    rows = []
    for at in range(120):
        high, low = np.random.default_rng(at).integers(0, 17, 2)
        whole = np.asarray(Image.open(io.BytesIO(picture("amber", at)))).copy()
        whole[high:] = np.asarray(Image.open(io.BytesIO(picture("indigo", at))))[high:]
        whole[high + low :] = 0
        Image.fromarray(whole).save(folder / f"{at}.png")
        rows.append({"image": f"{at}.png", "label": label(int(high), int(low))})
    return jsonl(folder / "t.jsonl", rows)


def colours(folder: Path) -> Path:
    names = sorted(COLOURS)
    return images(folder, lambda high, low: [name for name, size in zip(names, (high, low), strict=True) if size > 8])


def height(folder: Path) -> Path:
    return images(folder, lambda high, low: high * 2.5)


def pairs(folder: Path) -> Path:
    """Two texts each, and how much gladder the second is."""
    words = np.random.default_rng(0).choice(sorted(GLAD), (ROWS, 2))
    rows = [
        {"text": f"the day was {one} {n % 10}", "text_pair": f"a {two} day", "score": GLAD[two] - GLAD[one]}
        for n, (one, two) in enumerate(words)
    ]
    return jsonl(folder / "t.jsonl", rows)


def joy(words: list[str]) -> float:
    return sum(GLAD.get(word, 0) for word in words)


SOURCES = {
    "text-multi-label": (text_backbone, several),
    "text-regression": (text_backbone, number),
    "token-classification": (text_backbone, entities),
    "image-multi-label": (image_backbone, colours),
    "image-regression": (image_backbone, height),
}
BEST = {"multi-label": "map", "regression": "r2", "tokens": "f1"}
ALL = pytest.mark.parametrize("name", SOURCES)


def trained(name: str, folder: Path, strategy: str = "feature-extraction", **more: object) -> tuple[Predictor, Path]:
    make, write = SOURCES[name]
    wide = {"width": 64} if make is text_backbone else {}
    folder.mkdir(exist_ok=True)
    source = write(folder)
    recipe = Recipe(backbone=str(make(folder / "backbone", **wide)), strategy=strategy, batch_size=8, **more)
    return fine_tune(source, recipe, output=folder / "model"), source


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Predictor, Path]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTRANSFER_HOME", str(tmp_path_factory.mktemp("home")))
        return {
            name: trained(name, tmp_path_factory.mktemp("task"), "full", epochs=3, learning_rate=1e-3)
            for name in SOURCES
        }


@ALL
def test_it_is_found_in_the_data_and_said(name: str, models) -> None:
    report = models[name][0].report
    assert report["task"] == name
    assert any(problem["code"] == "recognised-task" and name in problem["message"] for problem in report["problems"])


@ALL
def test_it_learns(name: str, models) -> None:
    predictor, _ = models[name]
    figure = predictor.report["metrics"][BEST[predictor.task.target.name]]
    assert figure["value"] > 0.7
    assert figure["low"] <= figure["value"] <= figure["high"]


@ALL
def test_the_saved_folder_is_evaluated_to_the_same_figures(name: str, models) -> None:
    predictor, source = models[name]
    test = {"test": predictor_rows(predictor, source)}
    again = Predictor.from_pretrained(predictor.folder)
    assert again.task.name == name
    for metric, interval in again.measure(test["test"]).metrics.items():
        assert interval.value == pytest.approx(predictor.report["metrics"][metric]["value"], abs=1e-6)


def predictor_rows(predictor: Predictor, source: Path):
    return load_data(source).splits["test"]


@pytest.mark.parametrize("name", ["text-multi-label", "text-regression"])
def test_plain_pipeline_gives_the_same_scores_of_texts(name: str, models) -> None:
    predictor, _ = models[name]
    inputs = ["the day was lovely 3", "sad awful day"]
    theirs = pipeline(predictor.task.pipeline, model=str(predictor.folder), top_k=None)(inputs)
    for ours, answer in zip(predictor.predict(inputs), theirs, strict=True):
        assert ours.scores == pytest.approx({row["label"]: row["score"] for row in answer}, abs=1e-5)


@pytest.mark.parametrize("name", ["image-multi-label", "image-regression"])
def test_plain_pipeline_gives_the_same_scores_of_images(name: str, models) -> None:
    predictor, source = models[name]
    inputs = [str(source.parent / "3.png"), str(source.parent / "4.png")]
    theirs = pipeline(predictor.task.pipeline, model=str(predictor.folder))(inputs, top_k=len(predictor.labels))
    for ours, answer in zip(predictor.predict(inputs), theirs, strict=True):
        assert ours.scores == pytest.approx({row["label"]: row["score"] for row in answer}, abs=1e-5)


def test_plain_pipeline_finds_the_same_entities(models) -> None:
    predictor, _ = models["token-classification"]
    inputs = ["the day was lovely 3 happy", "sad", "a day"]
    ask = pipeline("token-classification", model=str(predictor.folder), aggregation_strategy="first")
    for text, answer in zip(inputs, predictor.predict(inputs), strict=True):
        theirs = [(row["entity_group"], row["start"], row["end"]) for row in ask(text)]
        assert [(row["label"], row["start"], row["end"]) for row in answer.prediction] == theirs
        assert all(row["text"] == text[row["start"] : row["end"]] for row in answer.prediction)


@pytest.fixture(scope="module")
def pair_model(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    folder = tmp_path_factory.mktemp("pairs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTRANSFER_HOME", str(folder / "home"))
        recipe = Recipe(backbone=str(text_backbone(folder / "b", width=64)), strategy="full", epochs=4, batch_size=8)
        return fine_tune(pairs(folder), recipe.with_(learning_rate=1e-3), output=folder / "model")


def test_pairs_of_texts_are_compared(pair_model: Predictor) -> None:
    predictor = Predictor.from_pretrained(pair_model.folder)
    assert predictor.task.name == "text-regression" and predictor.pairs
    assert predictor.report["metrics"]["pearson"]["value"] > 0.5
    glad, sad = "the day was lovely 1", "the day was awful 1"
    ask = pipeline("text-classification", model=str(predictor.folder))
    for one, two in ((sad, glad), (glad, sad)):
        ours = predictor.predict([[one, two]])[0]
        assert ours.prediction == pytest.approx(ask({"text": one, "text_pair": two})["score"], abs=1e-5)
        written = [f"{one}\t{two}", json.dumps([one, two])]
        assert [answer.prediction for answer in predictor.predict(written)] == pytest.approx([ours.prediction] * 2)
    answers = predictor.predict([(sad, glad), (glad, sad)])
    assert answers[0].prediction > answers[1].prediction


def test_one_text_is_no_pair(pair_model: Predictor) -> None:
    with pytest.raises(SourceError, match="no pair of texts"):
        pair_model.predict("the day was lovely")


def test_labels_hold_from_their_thresholds_on(models) -> None:
    predictor, _ = models["text-multi-label"]
    config = json.loads((predictor.folder / "config.json").read_text(encoding="utf-8"))
    assert set(config["thresholds"]) == set(GLAD)
    answer = predictor.predict("the day was lovely happy")
    assert answer.prediction == [name for name, score in answer.scores.items() if score >= config["thresholds"][name]]
    assert set(answer.prediction) == {"lovely", "happy"}


def test_numbers_come_in_their_own_unit(models) -> None:
    predictor, _ = models["text-regression"]
    low, high = (predictor.predict(text).prediction for text in ("the day was sad awful", "the day was lovely happy"))
    assert predictor.labels == ("score",)
    assert 90 < low < 100 < high < 110


def test_a_task_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of another name runs from end to end: nobody asks what a task is called."""
    known = TASKS["text-multi-label"]
    monkeypatch.delitem(TASKS, known.name)
    monkeypatch.setitem(TASKS, "text-moods", dataclasses.replace(known, name="text-moods"))
    predictor, source = trained_as("text-moods", several(tmp_path), tmp_path)
    assert predictor.report["task"] == "text-moods"
    assert set(predictor.predict("the day was lovely happy").prediction) <= set(GLAD)


def trained_as(name: str, source: Path, folder: Path) -> tuple[Predictor, Path]:
    recipe = Recipe(backbone=str(text_backbone(folder / "backbone")), strategy="feature-extraction")
    return fine_tune(source, recipe, output=folder / "model"), source


def test_no_code_names_a_task() -> None:
    """Only the table does: what else there is asks the row."""
    here = Path(__file__).parents[2] / "hftransfer"
    names = set(TASKS) - {task.pipeline for task in TASKS.values()}  # those are Transformers' own, and named as such
    named = [
        str(file.relative_to(here))
        for file in here.rglob("*.py")
        if file.parent.name != "tasks" and any(f'"{name}"' in file.read_text(encoding="utf-8") for name in names)
    ]
    assert named == []


def test_the_table_is_what_it_says() -> None:
    assert all(isinstance(task, Task) and task.name == name for name, task in TASKS.items())
