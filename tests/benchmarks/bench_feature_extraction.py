"""How much `feature-extraction` costs beside one forward pass over the same data.

    python tests/benchmarks/bench_feature_extraction.py SOURCE [--test SOURCE] [--backbone B]

The yardstick is a plain loop: read, process and run every row through the backbone once,
in the same precision and batches (train and validation as the features are computed, the
evaluated split in fp32). Ratios of one run; nothing is asserted.
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
from hftransfer.models.device import autocast, keep_memory, to_device
from hftransfer.models.inputs import encode
from hftransfer.models.loading import load_backbone
from hftransfer.models.sizes import fit_image_size
from hftransfer.tasks import get_task
from hftransfer.training import machine_for


def one_pass(source: str, recipe: Recipe) -> dict[str, float]:
    """Seconds of a plain loop by split, in the order of the rows."""
    data = load_data(source, recipe)
    task = get_task(data.task)
    backbone = fit_image_size(load_backbone(task, data.labels, recipe), data.splits["train"], recipe)
    machine = machine_for(recipe)
    model = to_device(backbone.model, machine.device)
    keep_memory()
    spent = {}
    for name, rows in data.splits.items():
        column = rows.select_columns([task.modality.column])
        dtype = torch.float32 if name == data.evaluated_on else machine.dtype
        began = time.perf_counter()
        with torch.inference_mode(), autocast(machine.device, dtype):
            for start in range(0, len(rows), recipe.batch_size):
                values = column[start : start + recipe.batch_size][task.modality.column]
                model(**{key: tensor.to(machine.device) for key, tensor in encode(backbone, values).items()})
        spent[name] = time.perf_counter() - began
    return spent


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
            models = [fine_tune(options.source, recipe, output=Path(folder) / name) for name in ("first", "second")]
            first, second = (model.report["seconds"] for model in models)
        fitted = single["train"] + single["validation"]
        solved = first["features"] + first["train"]
        ratios = {
            "features + head / one pass over the same rows": solved / fitted,
            "features + head + evaluation / one pass over all rows": (solved + first["evaluate"])
            / sum(single.values()),
            "whole run / one pass over all rows": first["total"] / sum(single.values()),
            "second features + head / first": (second["features"] + second["train"]) / solved,
        }
        print(json.dumps({"round": number, "one_pass": single, "first": first, "second": second}))
        print(json.dumps({name: round(value, 2) for name, value in ratios.items()}), flush=True)


if __name__ == "__main__":
    main()
