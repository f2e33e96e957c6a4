"""How much `feature-extraction` costs beside one forward pass over the same data.

    python tests/benchmarks/bench_feature_extraction.py SOURCE [--test SOURCE] [--backbone B]

The yardstick is a plain loop: read, process and run every row through the backbone once,
in the same precision and batches. Ratios of one run; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import torch
from transformers import set_seed

from hftransfer import Recipe, fine_tune, load_data
from hftransfer.models.backbones import load_backbone
from hftransfer.models.device import autocast, keep_memory, to_device
from hftransfer.models.inputs import encode
from hftransfer.models.sizes import fit_image_size
from hftransfer.tasks import get_task
from hftransfer.training import machine_for


def one_pass(source: str, recipe: Recipe) -> float:
    """Seconds of a plain loop over all splits, in the order of the rows."""
    data = load_data(source, recipe)
    task = get_task(data.task)
    backbone = fit_image_size(load_backbone(task, data.labels, recipe), data.splits["train"], recipe)
    machine = machine_for(recipe)
    model = to_device(backbone.model, machine.device)
    keep_memory()
    began = time.perf_counter()
    with torch.inference_mode(), autocast(machine.device, machine.dtype):
        for rows in data.splits.values():
            column = rows.select_columns([task.modality.column])
            for start in range(0, len(rows), recipe.batch_size):
                values = column[start : start + recipe.batch_size][task.modality.column]
                model(**{name: tensor.to(machine.device) for name, tensor in encode(backbone, values).items()})
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--test")
    parser.add_argument("--backbone")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    recipe = Recipe(backbone=options.backbone, test=options.test, strategy="feature-extraction")
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["HFTRANSFER_HOME"] = folder
            set_seed(0)
            single = one_pass(options.source, recipe)
            runs = [
                fine_tune(options.source, recipe, output=Path(folder) / f"m{at}").report["seconds"] for at in (1, 2)
            ]
        first, second = ({**run, "to_head": run["features"] + run["train"]} for run in runs)
        ratios = {
            "features + head / one pass": first["to_head"] / single,
            "whole run / one pass": first["total"] / single,
            "second features + head / first": second["to_head"] / first["to_head"],
        }
        print(json.dumps({"round": number, "one_pass": round(single, 2), "first": first, "second": second}))
        print(json.dumps({name: round(value, 2) for name, value in ratios.items()}), flush=True)


if __name__ == "__main__":
    main()
