"""Whole runs on tiny models: data in, a model out that plain Transformers loads and agrees with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import pipeline

from hftransfer import Predictor, Recipe, fine_tune
from hftransfer.errors import BackboneError, OutputError, SourceError, SourceMissing
from tests.tiny import convolutional_backbone, image_backbone, pictures, table, text_backbone

KINDS = {
    "text": (text_backbone, lambda folder: table(folder / "t.csv")),
    "image": (image_backbone, lambda folder: pictures(folder / "p.zip")),
    "convolution": (convolutional_backbone, lambda folder: pictures(folder / "p.zip")),
}
TRAIN_KEYS = {"model", "task", "backbone", "strategy", "labels", "evaluated_on", "rows", "metrics", "seconds"}


def run(kind: str, folder: Path, strategy: str = "full", **more) -> tuple[Predictor, Path]:
    make, write = KINDS[kind]
    folder.mkdir(exist_ok=True)
    source = write(folder)
    recipe = Recipe(backbone=str(make(folder / "backbone")), strategy=strategy, epochs=2, batch_size=8)
    return fine_tune(source, recipe, output=folder / "model", **more), source


def inputs_of(kind: str) -> list:
    if kind == "text":
        return ["the day was lovely happy 3", "a sad awful day", "unseen words", "the 1 2 3 " * 30]
    noise = np.random.default_rng(0).integers(0, 255, (48, 32, 3), dtype=np.uint8)
    grey = Image.fromarray(noise[..., 0])
    clear = Image.fromarray(noise).convert("RGBA")
    return [Image.fromarray(noise), grey, clear, Image.new("RGB", (300, 20), (240, 170, 20))]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[Predictor, Path]]:
    """Every kind of backbone by every strategy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFTRANSFER_HOME", str(tmp_path_factory.mktemp("home")))
        return {
            (kind, strategy): run(kind, tmp_path_factory.mktemp(kind), strategy)
            for kind in KINDS
            for strategy in ("feature-extraction", "full")
        }


ALL = pytest.mark.parametrize("kind", KINDS)
BOTH = pytest.mark.parametrize("strategy", ["feature-extraction", "full"])


@ALL
@BOTH
def test_plain_pipeline_gives_the_same_labels_and_scores(kind: str, strategy: str, models) -> None:
    predictor, _ = models[kind, strategy]
    inputs = inputs_of(kind)
    options = {"truncation": True} if kind == "text" else {}
    theirs = pipeline(predictor.task.name, model=str(predictor.folder), top_k=None)(inputs, **options)
    for ours, answer in zip(predictor.predict(inputs), theirs, strict=True):
        scores = {row["label"]: row["score"] for row in answer}
        assert ours.scores == pytest.approx(scores, abs=1e-5)
        assert ours.prediction == max(scores, key=scores.get)
        assert ours.score == max(ours.scores.values())


@ALL
@BOTH
def test_the_saved_folder_is_evaluated_to_the_same_figures(kind: str, strategy: str, models) -> None:
    predictor, _ = models[kind, strategy]
    again = Predictor.from_pretrained(predictor.folder)
    report = predictor.report
    assert report["evaluated_on"] == "test"
    with_split = again.evaluate(models[kind, strategy][1])  # every row, as the source has no test split
    assert with_split.rows == sum(report["rows"].values())
    rows = [report["confusion"][i][j] for i in range(2) for j in range(2)]
    assert sum(rows) == report["rows"]["test"]
    assert report["metrics"]["accuracy"]["value"] == 1.0  # one word, one colour gives the class away


@ALL
def test_a_report_tells_what_few_rows_of_validation_were_used_for(kind: str, models) -> None:
    probed, tuned = (models[kind, strategy][0].report for strategy in ("feature-extraction", "full"))
    told = (
        f"{probed['rows']['validation']} rows of validation were too few to choose by: the model learned from them too"
    )
    assert told in probed["notes"] and told not in tuned["notes"]
    assert not any(piece["code"] == "few-validation" for piece in probed["advice"])


@ALL
def test_a_report_lies_beside_the_model(kind: str, models) -> None:
    predictor, _ = models[kind, "full"]
    report = json.loads((predictor.folder / "report.json").read_text())
    assert set(report) >= TRAIN_KEYS
    assert set(report["seconds"]) == {"total", "load", "features", "train", "evaluate"}
    assert report["seconds"]["total"] >= sum(report["seconds"][name] for name in ("load", "train", "evaluate"))
    assert Recipe.load(predictor.folder / "recipe.json").strategy == "full"
    for name in ("README.md", "report.html", "confusion_matrix.png", "learning_curve.png", "model.safetensors"):
        assert (predictor.folder / name).stat().st_size > 0
    assert str(predictor.folder.parent) not in (predictor.folder / "README.md").read_text()


def test_a_model_needs_nothing_of_ours(models) -> None:
    """Loaded in a process that cannot import hftransfer."""
    predictor, _ = models["text", "feature-extraction"]
    source = (
        "import sys; sys.modules['hftransfer'] = None\n"
        "from transformers import pipeline\n"
        f"print(pipeline('text-classification', model={str(predictor.folder)!r})('sad awful')[0]['label'])"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "bad"


def test_one_input_or_many_and_paths_or_pictures(models, tmp_path: Path) -> None:
    predictor, _ = models["image", "full"]
    path = tmp_path / "amber.png"
    Image.new("RGB", (32, 32), (240, 170, 20)).save(path)
    one = predictor.predict(path)
    assert one.prediction == "amber" and one.input == str(path)
    many = predictor.predict([str(path), Image.open(path)] * 20)
    assert len(many) == 40 and {answer.prediction for answer in many} == {"amber"}


def test_an_image_turned_by_exif_is_seen_upright(models, tmp_path: Path) -> None:
    predictor, _ = models["image", "full"]
    half = Image.new("RGB", (32, 32), (240, 170, 20))
    half.paste((70, 60, 220), (0, 0, 32, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    half.save(tmp_path / "turned.jpg", exif=exif, quality=100)
    theirs = pipeline("image-classification", model=str(predictor.folder), top_k=None)(str(tmp_path / "turned.jpg"))
    ours = predictor.predict(tmp_path / "turned.jpg")
    assert ours.scores == pytest.approx({row["label"]: row["score"] for row in theirs}, abs=1e-5)


def test_unreadable_inputs_are_named(models, tmp_path: Path) -> None:
    predictor, _ = models["image", "full"]
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(SourceError, match="no image") as caught:
        predictor.predict(tmp_path / "broken.png")
    assert caught.value.place.endswith("broken.png")
    with pytest.raises(SourceMissing):
        predictor.predict(tmp_path / "absent.png")


def test_nothing_is_left_of_a_run_that_fails(tmp_path: Path) -> None:
    before = set(tmp_path.iterdir()) | {tmp_path / "home"}
    source = table(tmp_path / "t.csv")
    with pytest.raises(BackboneError):
        fine_tune(source, Recipe(backbone=str(tmp_path / "absent")), output=tmp_path / "model")
    assert set(tmp_path.iterdir()) - before == {source}


def test_an_output_that_holds_anything_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(OutputError):
            fine_tune("no such source", output=tmp_path / "mine", overwrite=overwrite)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_overwrite_replaces_a_model_only_when_the_new_one_is_whole(tmp_path: Path) -> None:
    predictor, source = run("text", tmp_path, "feature-extraction")
    marker = predictor.folder / "config.json"
    before = marker.stat().st_ino
    with pytest.raises(SourceMissing):
        fine_tune(tmp_path / "absent.csv", output=predictor.folder, overwrite=True)
    assert marker.stat().st_ino == before
    fine_tune(
        source,
        Recipe(backbone=str(tmp_path / "backbone"), strategy="feature-extraction"),
        output=predictor.folder,
        overwrite=True,
    )
    assert marker.stat().st_ino != before
    assert {path.name for path in tmp_path.iterdir()} == {"backbone", "home", "model", "t.csv"}


def test_save_copies_a_model_that_answers_alike(models, tmp_path: Path) -> None:
    predictor, _ = models["text", "full"]
    copy = Predictor.from_pretrained(predictor.save(tmp_path / "copy"))
    assert copy.predict("a happy day") == predictor.predict("a happy day")
    with pytest.raises(OutputError, match="already there"):
        predictor.save(predictor.folder)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="no Transformers model"):
        Predictor.from_pretrained(tmp_path)
    with pytest.raises(BackboneError, match="no such folder"):
        Predictor.from_pretrained(tmp_path / "absent")


def test_the_same_run_twice_gives_the_same_figures(tmp_path: Path) -> None:
    one, source = run("text", tmp_path)
    again = fine_tune(source, Recipe.load(one.folder / "recipe.json"), output=tmp_path / "again")
    for name in ("metrics", "confusion", "history"):
        assert one.report[name] == again.report[name]


@pytest.mark.parametrize(
    "change",
    [
        {"problem_type": "something_else"},
        {"id2label": {"0": "same", "1": "same"}},
    ],
)
def test_a_head_for_something_else_is_refused(change: dict, models, tmp_path: Path) -> None:
    """Its scores would be read wrongly."""
    folder = models["text", "full"][0].save(tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(BackboneError, match="give a model for one of|the model is a"):
        Predictor.from_pretrained(folder)


def test_a_long_text_is_cut_even_if_its_tokenizer_knows_no_limit(models, tmp_path: Path) -> None:
    folder = models["text", "full"][0].save(tmp_path / "copy")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config.pop("model_max_length")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert Predictor.from_pretrained(folder).predict("the day " * 500).prediction in ("good", "bad")


def test_what_is_no_text_is_refused(models) -> None:
    with pytest.raises(SourceError, match="None is no text"):
        models["text", "full"][0].predict([None])
