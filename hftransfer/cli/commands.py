"""The commands."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..output import claim
from ..recipe import Recipe
from ..terminal import Terminal, lines
from .jobs import detach, jobs
from .options import CONTEXT, JSON, Grouped, make_recipe, recipe_options, show

DATA = ("task", "text_column", "text_pair_column", "image_column", "label_column", "redact", "seed")
# What changes which rows are read, and how: given alike to `train`, it finds the features there.
READING = (
    *("validation", "test", "validation_share", "test_share", "image_size", "max_length", "batch_size"),
    *("precision", "device"),
)
WENT_ON = ("before", "forgetting")  # of a run that goes on from a model of ours
ASKED = ("cross_validation", "pseudo_labelled")  # of a run that was asked for them
TOLD = ("tried", "advice")  # to people; programs find them in report.json


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="hftransfer")
def cli() -> None:
    """Turn your labelled images or texts into a fine-tuned Hugging Face model.

    SOURCE is a folder or zip of class folders, a CSV, TSV, JSONL, Parquet or CoNLL table, a Hub
    data set, or sample:digits, sample:helpdesk. MODEL is a folder or a Hub repository.
    """


@cli.command()
@click.argument("source")
@click.option(
    "--repair",
    "copy",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write a clean copy there, and say what was done. SOURCE is not touched.",
)
@recipe_options(DATA)
@JSON
def check(source: str, copy: Path | None, as_json: bool, **choices: Any) -> None:
    """Say what a source holds and what is wrong with it."""
    from ..data import check as check_source
    from ..data import repair

    recipe = make_recipe(choices)
    with Terminal() as terminal:
        if copy is None:
            found = check_source(source, recipe, on_event=terminal)
        else:
            found = repair(source, recipe, copy, on_event=terminal)
    show(found, as_json, lines.repaired if copy else lines.checked)


@cli.command(cls=Grouped)
@click.argument("source")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The model's folder.")
@click.option("--config", type=click.Path(), help="A recipe in JSON, TOML or YAML; options override it.")
@click.option("--overwrite", is_flag=True, help="Replace a model of ours that lies there.")
@click.option(
    "--detach", "detached", is_flag=True, help="Run in the background; `hftransfer jobs` shows how far it is."
)
@recipe_options([entry.name for entry in fields(Recipe)])
@JSON
def train(
    source: str, output: Path, config: str | None, overwrite: bool, detached: bool, as_json: bool, **choices: Any
) -> None:
    """Fine-tune a model on a source."""
    recipe = make_recipe(choices, config)
    claim(output, overwrite=overwrite)
    if detached:
        return detach(source, recipe, output, overwrite=overwrite, as_json=as_json)
    from ..workflow import fine_tune

    with Terminal() as terminal:
        model = fine_tune(source, recipe, output=output, overwrite=overwrite, on_event=terminal)
    run = {**model.report, "model": str(output)}
    names = ("model", "task", "backbone", "strategy", "labels", "evaluated_on", "rows", "metrics", "seconds")
    more = () if as_json else TOLD
    show({name: run[name] for name in (*names, *WENT_ON, *ASKED, *more) if name in run}, as_json, lines.trained)


@cli.command(cls=Grouped)
@click.argument("source")
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    help="A backbone to try; again for others. By default those at hand, and what the Hub has that fits.",
)
@recipe_options((*DATA, *READING))
@JSON
def recommend(source: str, backbones: tuple[str, ...], as_json: bool, **choices: Any) -> None:
    """Try several backbones on a source, and say which fits: how good, how large, how fast here."""
    from ..recommending import recommend as try_backbones

    recipe = make_recipe(choices)
    with Terminal() as terminal:
        found = try_backbones(source, recipe, backbones, on_event=terminal)
    human = partial(lines.recommended, metric=found.metric, rows=found.rows)
    show(found.to_json(), as_json, human)


@cli.command(cls=Grouped)
@click.argument("source")
@click.option("--config", type=click.Path(), help="A recipe in JSON, TOML or YAML; options override it.")
@recipe_options([entry.name for entry in fields(Recipe)])
@JSON
def plan(source: str, config: str | None, as_json: bool, **choices: Any) -> None:
    """Say what a training would take: rows, steps, time and memory, by a few steps that are timed."""
    from ..planning import plan as plan_run
    from ..planning import since_start

    recipe, start = make_recipe(choices, config), since_start()
    with Terminal() as terminal:
        planned = plan_run(source, recipe, start=start, on_event=terminal)
    show(planned.to_json(), as_json, lines.planned)


@cli.command()
@click.argument("model")
@click.argument("source")
@recipe_options((*DATA, "device"))
@JSON
def evaluate(model: str, source: str, as_json: bool, **choices: Any) -> None:
    """Measure a model on a source's test split, or on all of its rows."""
    from ..predictor import Predictor

    recipe = make_recipe(choices)
    with Terminal() as terminal:
        predictor = Predictor.from_pretrained(model, device=recipe.device, on_event=terminal)
        report = predictor.evaluate(source, recipe, on_event=terminal)
    show(report.to_json(), as_json, lines.evaluated)


@cli.command()
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True)
@recipe_options(("device",))
@JSON
def predict(model: str, inputs: tuple[str, ...], as_json: bool, **choices: Any) -> None:
    """Answer inputs: texts, or images' paths."""
    from ..predictor import Predictor

    with Terminal() as terminal:
        predictor = Predictor.from_pretrained(model, on_event=terminal, **choices)
    for answer in predictor.iter_predict(inputs):
        show(answer.to_json(), as_json, lines.predicted)


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("repo")
@click.option("--private", is_flag=True, help="Create the repository as a private one.")
@click.option("--create-pr", is_flag=True, help="Open a pull request instead of committing.")
@click.option("--data", help="A source whose inputs the proof is made with; they are never published.")
@recipe_options(DATA)
@JSON
def push(
    model: Path, repo: str, private: bool, create_pr: bool, data: str | None, as_json: bool, **choices: Any
) -> None:
    """Publish a model on the Hub, and prove that it works from there."""
    from ..predictor import Predictor

    with Terminal() as terminal:
        predictor = Predictor.from_pretrained(model)
        samples = predictor.samples(data, make_recipe(choices)) if data else ()
        done = predictor.push_to_hub(repo, private=private, create_pr=create_pr, samples=samples, on_event=terminal)
    show(done.to_json(), as_json, lines.pushed)


@cli.command()
@click.option("--host", default=None, help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, default=None, help="The port.  [default: the first free one from 7860]")
def studio(host: str | None, port: int | None) -> None:
    """Open the studio: upload, fine-tune and try in the browser."""
    from ..ui import launch

    launch(host=host, port=port)


cli.add_command(jobs)
