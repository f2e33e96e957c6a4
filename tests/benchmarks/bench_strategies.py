"""Every strategy on the same sets, backbones and seeds: accuracy with its interval, and seconds.

    python -m tests.benchmarks.bench_strategies SHARED --out runs.jsonl [--sets sst2@8 …] [--strategies full …]

SHARED holds data/ and models/. `NAME@K` is a set with K training rows a class, drawn by the
seed; the test rows are always the same. Runs that are in the file are not made again, so
that a long comparison can go on. The table gives the mean accuracy over seeds in %, with
half the width of its 95 % interval (of the test rows and the seeds), and the mean seconds
of the whole run, the features of no earlier one at hand: of the clock, or, which a busy machine
changes less, of the processor. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from hftransfer import HFTransferError, Recipe, fine_tune
from hftransfer.recipe import STRATEGIES
from tests.benchmarks.target_sets import TargetSet, image_sets, parted, text_sets

SETS = ("sst2@8", "sst2@16", "sst2@64", "sst2", "trec", "agnews@64", "cifar10_small", "digits", "hotel@500")
TEXT = "sentence-transformers/all-MiniLM-L6-v2"
IMAGE = "models/mobilenet_v2_1.0_224_imagenet"
TESTED = 1000  # rows at most


def sets_of(shared: Path) -> dict[str, Callable[[], TargetSet]]:
    texts = shared / "data" / "text"
    return {
        **image_sets(shared),
        **text_sets(shared),
        "agnews": lambda: _agnews(texts / "agnews_7600" / "test.csv"),
        "hotel": lambda: _hotel(texts / "chnsenticorp_hotel" / "ChnSentiCorp_htl_all.csv"),
    }


def _agnews(path: Path) -> TargetSet:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    texts, labels = [f"{row[1]}. {row[2]}" for row in rows], [row[0] for row in rows]
    return parted("agnews", "text", texts, labels, test_size=TESTED)


def _hotel(path: Path) -> TargetSet:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in list(csv.reader(file))[1:] if len(row) == 2 and row[1].strip()]
    return parted("hotel", "text", [row[1] for row in rows], [row[0] for row in rows], test_size=TESTED)


def drawn(whole: TargetSet, shots: int | None, seed: int) -> TargetSet:
    """The set with so many training rows a class, and not more test rows than are needed to tell."""
    chance = np.random.default_rng(seed)
    train, test = whole.labels
    rows = np.arange(len(train))
    if shots:
        parts = [chance.permutation(rows[train == label])[:shots] for label in np.unique(train)]
        rows = np.sort(np.concatenate(parts))
    tested = np.linspace(0, len(test) - 1, min(TESTED, len(test))).astype(int)
    values = ([whole.values[0][row] for row in rows], [whole.values[1][row] for row in tested])
    return replace(whole, values=values, labels=(train[rows], test[tested]))


def one(data: TargetSet, strategy: str, seed: int, backbone: str, more: dict[str, Any]) -> dict[str, Any]:
    """A whole run with nothing cached, in a home of its own."""
    recipe = Recipe(backbone=backbone, strategy=strategy, seed=seed, **more)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HFTRANSFER_HOME"] = folder
        began, worked = time.perf_counter(), time.process_time()
        try:
            report = fine_tune(data.splits(), recipe, output=Path(folder) / "model").report
        except HFTransferError as error:
            return {"refused": str(error)}
        taken, worked = time.perf_counter() - began, time.process_time() - worked
    return {
        **report["metrics"]["accuracy"],
        "rows": report["rows"],
        "seconds": round(taken, 1),
        "cpu_seconds": round(worked, 1),
        "chosen": report["strategy"],
        "train_seconds": report["seconds"]["train"] + report["seconds"]["features"],
    }


def runs(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Those of the file, and the missing ones as they are made."""
    file, known = Path(options.out), {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        row = json.loads(line)
        known[row["set"], row["strategy"], row["seed"]] = row
    readers = sets_of(Path(options.shared))
    backbones = {"text": options.text, "image": options.image or str(Path(options.shared).absolute() / IMAGE)}
    for wanted in options.sets:
        name, _, shots = wanted.partition("@")
        whole = None
        for seed in range(options.seeds):
            for strategy in options.strategies:
                row = known.get((wanted, strategy, seed))
                if row is None and not options.table:
                    whole = whole or readers[name]()
                    data = drawn(whole, int(shots) if shots else None, seed)
                    made = one(data, strategy, seed, backbones[data.modality], json.loads(options.recipe))
                    row = {"set": wanted, "strategy": strategy, "seed": seed, **made}
                    with file.open("a", encoding="utf-8") as out:
                        out.write(json.dumps(row) + "\n")
                    print(json.dumps(row), flush=True)
                if row:
                    yield row


def table(rows: list[dict[str, Any]], sets: list[str], strategies: list[str], clock: str) -> str:
    """In Markdown, a column a set."""
    lines = [["strategy", *sets], ["---"] * (len(sets) + 1)]
    for strategy in strategies:
        cells = [
            _cell([row for row in rows if (row["set"], row["strategy"]) == (name, strategy) and "value" in row], clock)
            for name in sets
        ]
        lines.append([strategy, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(found: list[dict[str, Any]], clock: str) -> str:
    if not found:
        return "-"
    values = [100 * row["value"] for row in found]
    within = mean(100 * (row["high"] - row["low"]) / 2 for row in found)
    between = 1.96 * stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{mean(values):.1f} ± {(within**2 + between**2) ** 0.5:.1f} ({mean(row[clock] for row in found):.0f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared")
    parser.add_argument("--out", required=True, help="a file of runs, one JSON object a line")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--strategies", nargs="+", default=[*(name for name in STRATEGIES if name != "auto"), "auto"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--text", default=TEXT, help="the backbone for texts, and --image for images")
    parser.add_argument("--image")
    parser.add_argument("--recipe", default="{}", help="more choices, as JSON")
    parser.add_argument("--table", action="store_true", help="only tell what the file has")
    parser.add_argument("--clock", choices=("seconds", "cpu_seconds"), default="seconds")
    options = parser.parse_args()
    print(table(list(runs(options)), options.sets, options.strategies, options.clock))


if __name__ == "__main__":
    main()
