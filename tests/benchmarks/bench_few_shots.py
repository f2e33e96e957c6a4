"""How `contrastive` does with few rows a class, beside `feature-extraction` and, where its figures are given, SetFit.

    python tests/benchmarks/bench_few_shots.py SHARED [--sets sst2 trec] [--shots 8 16] [--seeds 0 1 2]
        [--setfit FIGURES.json] [--save-shots FOLDER]

SHARED is the folder that holds data/. Of each set the same rows are drawn by the seed for all
who are compared, and the whole test is measured. `--save-shots` writes them down, a folder
`NAME-SHOTS-SEED` with train.csv and test.csv (`text,label`), for who is not run here: SetFit
needs an environment of its own (it wants an older Transformers). Its figures are a list of
{"name", "shots", "seed", "accuracy", "seconds"}. Seconds are those of features and training,
on this machine, as busy as it is; nothing is asserted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from datasets import DatasetDict

from hftransfer import Recipe, fine_tune
from tests.benchmarks.target_sets import TargetSet, image_sets, text_sets

STRATEGIES = ("feature-extraction", "contrastive")


def some(whole: TargetSet, shots: int, seed: int) -> DatasetDict:
    """As many rows of each class, and the whole test."""
    splits = whole.splits()
    order = np.random.default_rng([seed, shots]).permutation(len(whole.labels[0]))
    classes = [order[whole.labels[0][order] == label][:shots] for label in np.unique(whole.labels[0])]
    return DatasetDict(train=splits["train"].select(np.concatenate(classes)), test=splits["test"])


def save(parts: DatasetDict, folder: Path) -> None:
    """Two tables, for others to read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in parts.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            names = rows.features["label"].names
            writer.writerows((row["text"], names[row["label"]]) for row in rows)


def measured(parts: DatasetDict, strategy: str, backbone: str | None, seed: int) -> dict[str, float]:
    """The accuracy on the test, and the seconds of features and training."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HFTRANSFER_HOME"] = folder  # no features from before
        recipe = Recipe(backbone=backbone, strategy=strategy, seed=seed)
        report = fine_tune(parts, recipe, output=Path(folder) / "model").report
    spent = report["seconds"]
    return {"accuracy": report["metrics"]["accuracy"]["value"], "seconds": spent["features"] + spent["train"]}


def rows_of(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    sets = {**text_sets(options.shared), **image_sets(options.shared)}
    for name in options.sets:
        whole = sets[name]()
        for shots in options.shots:
            for seed in options.seeds:
                parts = some(whole, shots, seed)
                if options.save_shots and whole.modality == "text":
                    save(parts, options.save_shots / f"{name}-{shots}-{seed}")
                for strategy in STRATEGIES:
                    found = measured(parts, strategy, options.backbone, seed)
                    yield {"name": name, "shots": shots, "seed": seed, "by": strategy, **found}


def told(rows: Sequence[dict[str, object]]) -> None:
    """The mean over seeds of each cell, and its spread."""
    cells: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for row in rows:
        cells.setdefault((row["name"], row["shots"], row["by"]), []).append(row)
    for (name, shots, by), found in sorted(cells.items(), key=str):
        accuracy, seconds = ([float(str(row[key])) for row in found] for key in ("accuracy", "seconds"))
        spread = stdev(accuracy) if len(accuracy) > 1 else float("nan")
        print(f"{name:12} {shots:>3} a class  {by:20} {fmean(accuracy):.3f} ± {spread:.3f}  {fmean(seconds):7.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--sets", nargs="+", default=["sst2", "trec", "agnews_800"])
    parser.add_argument("--shots", nargs="+", type=int, default=[8, 16, 64])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--backbone")
    parser.add_argument("--setfit", type=Path, help="a JSON list of SetFit's figures on the same rows")
    parser.add_argument("--save-shots", type=Path)
    options = parser.parse_args()
    rows = []
    for row in rows_of(options):
        print(json.dumps(row), flush=True)
        rows.append(row)
    if options.setfit:
        rows += [{**row, "by": "SetFit"} for row in json.loads(options.setfit.read_text(encoding="utf-8"))]
    told(rows)


if __name__ == "__main__":
    main()
