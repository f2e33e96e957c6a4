"""What the starters are worth: a logistic regression on frozen features, and full fine-tuning.

    python -m tests.benchmarks.bench_starters probe [--only SET] [--image NAME=FOLDER] [--text NAME=FOLDER]
    python -m tests.benchmarks.bench_starters full [--only SET]

Needs the folder of real data and models that HFTRANSFER_SHARED names. Compared are, in
accuracy on the test rows: the starter, the same network with random weights, a real
backbone (MobileNetV2 0.35; all-MiniLM-L6-v2), and a logistic regression on raw pixels or
TF-IDF. Full fine-tuning takes the product's rates and epochs for both, which were made for
pretrained weights. Prints a line of JSON a set, then the tables. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

from hftransfer import Recipe, fine_tune
from hftransfer.models.backbones import locate
from hftransfer.models.device import keep_memory
from hftransfer.models.inputs import encode
from hftransfer.models.sizes import fit_image_size
from hftransfer.models.starters import starter
from hftransfer.values import Backbone
from tests.benchmarks.starter_table import Measured, tables
from tests.benchmarks.target_sets import TargetSet, image_sets, text_sets

REAL = {"image": "models/mobilenet_v2_0.35_224", "text": "sentence-transformers/all-MiniLM-L6-v2"}
STRENGTHS = np.logspace(-5, 1, 7)
BATCH = 64
PIXELS = 32  # the side that raw images are shrunk to


def probed(train: np.ndarray, test: np.ndarray, rows: TargetSet) -> float:
    """Accuracy of a logistic regression on standardised features [N, D], its strength chosen by 3 folds."""
    model = make_pipeline(StandardScaler(), _regression(STRENGTHS))
    return _score(model, train, test, rows)


def _regression(strengths: Sequence[float]) -> LogisticRegressionCV:
    return LogisticRegressionCV(
        Cs=list(strengths),
        cv=3,
        max_iter=300,
        scoring="accuracy",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
        n_jobs=2,
    )


def _score(model, train, test, rows: TargetSet) -> float:
    model.fit(train, rows.labels[0])
    return round(100 * float(model.score(test, rows.labels[1])), 1)


def plain(rows: TargetSet) -> float:
    """Without any backbone: raw pixels at 32×32, or TF-IDF of words and pairs of words."""
    return PLAIN[rows.modality](rows)


def _pixels(rows: TargetSet) -> float:
    train, test = (
        np.stack([np.asarray(image.convert("RGB").resize((PIXELS, PIXELS))).ravel() / 255 for image in images])
        for images in rows.values
    )
    model = make_pipeline(StandardScaler(), PCA(min(300, len(train) - 1)), _regression(STRENGTHS))
    return _score(model, train, test, rows)


def _tfidf(rows: TargetSet) -> float:
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(words, MaxAbsScaler(), _regression(np.logspace(-2, 4, 7)))
    return _score(model, list(rows.values[0]), list(rows.values[1]), rows)


PLAIN: dict[str, Callable[[TargetSet], float]] = {"image": _pixels, "text": _tfidf}


def probe(place: str, rows: TargetSet, *, random: bool = False) -> float:
    """A backbone's accuracy as frozen features: the pooled map of images, the mean state of texts."""
    backbone = bare(place, rows, random=random)
    if random:
        settle(backbone, rows.values[0])
    train, test = (features(backbone, values) for values in rows.values)
    return probed(train, test, rows)


def bare(place: str, rows: TargetSet, *, random: bool) -> Backbone:
    """The backbone without a head, its images as large as the product would make them."""
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(place)
    model = (
        AutoModel.from_config(config, dtype=torch.float32)
        if random
        else AutoModel.from_pretrained(place, dtype="float32")
    )
    auto = AutoImageProcessor if rows.modality == "image" else AutoTokenizer
    backbone = Backbone(place, None, rows.modality, model.eval(), auto.from_pretrained(place), "")
    if rows.modality == "text":
        backbone.processor.model_max_length = min(256, config.max_position_embeddings)
        return backbone
    backbone.model.to(memory_format=torch.channels_last)
    return fit_image_size(backbone, rows.splits()["train"].select_columns(["image"]), Recipe())


def settle(backbone: Backbone, values: Sequence) -> None:
    """Let a random network's batch norms see the data once, or nothing would come out of it."""
    norms = [module for module in backbone.model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # a plain average over the batches
        norm.train()
    features(backbone, values)
    backbone.model.eval()


@torch.inference_mode()
def features(backbone: Backbone, values: Sequence) -> np.ndarray:
    """[N, D], in the order of the values."""
    parts = []
    for start in range(0, len(values), BATCH):
        batch = encode(backbone, list(values[start : start + BATCH]))
        with torch.autocast("cpu", torch.bfloat16):
            output = backbone.model(**batch)
        parts.append(POOLED[backbone.modality](output, batch).float().numpy())
    return np.concatenate(parts)


def _mean(output, batch) -> torch.Tensor:
    weights = batch["attention_mask"].unsqueeze(-1).float()
    return (output.last_hidden_state.float() * weights).sum(1) / weights.sum(1)


POOLED = {"image": lambda output, batch: output.pooler_output.flatten(1), "text": _mean}


def tuned(place: str, rows: TargetSet) -> float:
    """Accuracy of the product's own full fine-tuning, with its own choices."""
    model = fine_tune(rows.splits(), Recipe(backbone=place, strategy="full"))
    return round(100 * model.report["metrics"]["accuracy"]["value"], 1)


def untrained(place: str, rows: TargetSet, folder: Path) -> str:
    """The same network with random weights as a checkpoint, its batch norms settled, or it would stay at chance."""
    backbone = bare(place, rows, random=True)
    settle(backbone, rows.values[0])
    backbone.model.save_pretrained(folder)
    auto = AutoImageProcessor if rows.modality == "image" else AutoTokenizer
    auto.from_pretrained(place).save_pretrained(folder)
    return str(folder)


def probes(rows: TargetSet, options: argparse.Namespace, shared: Path) -> dict[str, float]:
    place = str(starter(rows.modality))
    real = shared / REAL[rows.modality]
    extra = dict(pair.split("=", 1) for pair in getattr(options, rows.modality))
    backbones = {"starter": place, "real": str(real) if real.exists() else locate(REAL[rows.modality]), **extra}
    wanted = options.columns or ["plain", "random", *backbones]
    jobs = {"plain": lambda: plain(rows), "random": lambda: probe(place, rows, random=True)}
    jobs |= {name: (lambda where=where: probe(where, rows)) for name, where in backbones.items()}
    return {name: jobs[name]() for name in wanted}


def tunings(rows: TargetSet, options: argparse.Namespace, shared: Path) -> dict[str, float]:
    place = str(starter(rows.modality))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HFTRANSFER_HOME"] = folder
        jobs = {
            "random": lambda: tuned(untrained(place, rows, Path(folder) / "random"), rows),
            "starter": lambda: tuned(place, rows),
        }
        return {name: jobs[name]() for name in options.columns or jobs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("probe", "full"))
    parser.add_argument("--only", action="append", default=[], help="a set's name; several times")
    parser.add_argument("--columns", action="append", default=[], help="plain, random, starter, real or a NAME")
    parser.add_argument("--image", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--text", action="append", default=[], metavar="NAME=FOLDER")
    options = parser.parse_args()
    shared = Path(os.environ["HFTRANSFER_SHARED"])
    keep_memory()
    measure = {"probe": probes, "full": tunings}[options.what]
    found = []
    for name, read in (image_sets(shared) | text_sets(shared)).items():
        if not options.only or name in options.only:
            rows, began = read(), time.perf_counter()
            figures = measure(rows, options, shared)
            print(json.dumps({"set": name, **figures, "seconds": round(time.perf_counter() - began)}), flush=True)
            found.append(Measured(name, rows.modality, rows.unseen, figures))
    print(f"\n{tables(found)}")


if __name__ == "__main__":
    main()
