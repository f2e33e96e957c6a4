"""The shell's door: commands, exit codes, JSON on standard output and nothing else there.

Heavy imports stand inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from .errors import HFTransferError, OutputError, RecipeError
from .home import home
from .output import claim
from .recipe import Recipe
from .terminal import Terminal, lines

DONE, OURS, THEIRS, STOPPED = 0, 1, 2, 130
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
DATA = ("task", "text_column", "image_column", "label_column", "seed")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code."""
    # Waiting threads that sleep cost nothing alone, and much less beside other work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as Ctrl-C does
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words, as_json="--json" in words))


def _run(words: list[str], *, as_json: bool) -> int:
    """The one place where errors become messages and exit codes."""
    try:
        cli.main(args=words, prog_name="hftransfer", standalone_mode=False)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (KeyboardInterrupt, click.Abort):
        return _fail(HFTransferError("stopped by the user"), as_json, STOPPED)
    except click.ClickException as error:
        return _fail(_usage(error), as_json, THEIRS)
    except HFTransferError as error:
        return _fail(error, as_json, THEIRS)
    except OSError as error:
        return _our_fault(as_json) if error.errno not in DISK else _fail(_disk(error), as_json, THEIRS)
    except Exception:
        return _our_fault(as_json)
    return DONE


def _fail(error: HFTransferError, as_json: bool, code: int) -> int:
    _say(f"hftransfer: {error}", err=True)
    if as_json:
        _say(json.dumps({"error": error.to_json()}, ensure_ascii=False))
    return code


def _say(text: str, *, err: bool = False) -> None:
    """Print; what no encoding can write (parts of odd file names) becomes a question mark."""
    click.echo(text.encode("utf-8", "replace").decode("utf-8"), err=err)


def _usage(error: click.ClickException) -> HFTransferError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "hftransfer"
    return RecipeError(error.format_message(), place=path, fix=f"see `{path} --help`")


def _disk(error: OSError) -> HFTransferError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    fix = "free some space" if full else "choose a place that can be written"
    return OutputError(f"the disk refuses: {error.strerror or error}", place=str(error.filename or "the disk"), fix=fix)


def _our_fault(as_json: bool) -> int:
    """Tell it without the data that the error may hold; the whole story goes to a file."""
    kind = type(sys.exc_info()[1]).__name__
    try:
        log = home("logs") / "fault.log"
        log.write_text(traceback.format_exc(), encoding="utf-8")
    except (HFTransferError, OSError):
        log = Path("nowhere: the log cannot be written")
    return _fail(
        Fault(f"a fault of ours ({kind})", place=str(log), fix="please report it with that file"), as_json, OURS
    )


class Fault(HFTransferError):
    """Something that a user cannot set right."""


def recipe_options(names: Sequence[str]) -> Callable[[Any], Any]:
    """Options made from the recipe's own fields, so that help and defaults cannot drift."""
    kinds = {"str": str, "int": int, "float": float}

    def decorate(command: Any) -> Any:
        for entry in reversed([entry for entry in fields(Recipe) if entry.name in names]):
            shown = "" if entry.default is None else f"  [default: {entry.default}]"
            option = click.option(
                "--" + entry.name.replace("_", "-"),
                entry.name,
                type=kinds[str(entry.type).split(" ")[0]],
                metavar="|".join(entry.metadata.get("choices", ())) or None,
                help=entry.metadata["help"] + shown,
            )
            command = option(command)
        return command

    return decorate


def make_recipe(choices: dict[str, Any], config: str | None = None) -> Recipe:
    """The file's choices, then those of the command line."""
    base = Recipe.load(config).to_json() if config else {}
    given = {name: value for name, value in choices.items() if value is not None}
    return Recipe.from_mapping({**base, **given})


JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on standard output, progress on standard error."
)
CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="hftransfer")
def cli() -> None:
    """Turn your labelled images or texts into a fine-tuned Hugging Face model.

    SOURCE is a folder or zip of class folders, a CSV, TSV, JSONL or Parquet table, a Hub
    data set, or sample:digits, sample:helpdesk. MODEL is a folder or a Hub repository.
    """


@cli.command()
@click.argument("source")
@recipe_options(DATA)
@JSON
def check(source: str, as_json: bool, **choices: Any) -> None:
    """Say what a source holds and what is wrong with it."""
    from .data import check as check_source

    with Terminal() as terminal:
        found = check_source(source, make_recipe(choices), on_event=terminal)
    _show(found, as_json, lines.checked)


@cli.command()
@click.argument("source")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The model's folder.")
@click.option("--config", type=click.Path(), help="A recipe in JSON, TOML or YAML; options override it.")
@click.option("--overwrite", is_flag=True, help="Replace a model of ours that lies there.")
@recipe_options([entry.name for entry in fields(Recipe)])
@JSON
def train(source: str, output: Path, config: str | None, overwrite: bool, as_json: bool, **choices: Any) -> None:
    """Fine-tune a model on a source."""
    recipe = make_recipe(choices, config)
    claim(output, overwrite=overwrite)
    from .workflow import fine_tune

    with Terminal() as terminal:
        model = fine_tune(source, recipe, output=output, overwrite=overwrite, on_event=terminal)
    run = {**model.report, "model": str(output)}
    names = ("model", "task", "backbone", "strategy", "labels", "evaluated_on", "rows", "metrics", "seconds")
    _show({name: run[name] for name in names}, as_json, lines.trained)


@cli.command()
@click.argument("model")
@click.argument("source")
@recipe_options((*DATA, "device"))
@JSON
def evaluate(model: str, source: str, as_json: bool, **choices: Any) -> None:
    """Measure a model on a source's test split, or on all of its rows."""
    from .predictor import Predictor

    recipe = make_recipe(choices)
    with Terminal() as terminal:
        predictor = Predictor.from_pretrained(model, device=recipe.device, on_event=terminal)
        report = predictor.evaluate(source, recipe, on_event=terminal)
    _show(report.to_json(), as_json, lines.evaluated)


@cli.command()
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True)
@recipe_options(("device",))
@JSON
def predict(model: str, inputs: tuple[str, ...], as_json: bool, **choices: Any) -> None:
    """Answer inputs: texts, or images' paths."""
    from .predictor import Predictor

    with Terminal() as terminal:
        predictor = Predictor.from_pretrained(model, on_event=terminal, **choices)
    for answer in predictor.iter_predict(inputs):
        _show(answer.to_json(), as_json, lines.predicted)


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
    from .predictor import Predictor

    with Terminal() as terminal:
        predictor = Predictor.from_pretrained(model)
        samples = predictor.samples(data, make_recipe(choices)) if data else ()
        done = predictor.push_to_hub(repo, private=private, create_pr=create_pr, samples=samples, on_event=terminal)
    _show(done.to_json(), as_json, lines.pushed)


@cli.command()
@click.option("--host", default=None, help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, default=None, help="The port.  [default: the first free one from 7860]")
def studio(host: str | None, port: int | None) -> None:
    """Open the studio: upload, fine-tune and try in the browser."""
    from .ui import launch

    launch(host=host, port=port)


def _show(value: dict[str, Any], as_json: bool, human: Callable[[dict[str, Any]], str]) -> None:
    _say(json.dumps(value, ensure_ascii=False) if as_json else human(value))
