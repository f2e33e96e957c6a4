"""python -m hftransfer.models.starters.build {vision,text}: how the starters are trained."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ....errors import HFTransferError
from ....home import home
from . import text as text_starter
from . import vision as vision_starter

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """Train the starters anew.

    Run again with the same arguments, and a stopped run goes on where it was.
    """


@main.command()
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--teacher", required=True, help="A MobileNetV2 with ImageNet weights: a folder or a Hub id.")
@click.option("-o", "--output", required=True, type=FOLDER, help="Where the checkpoint goes.")
@click.option("--work", type=FOLDER, help="Keeps what is made between runs, 2 GB.")
@click.option("--steps", type=click.IntRange(1), default=vision_starter.Plan.steps, help="Steps of distillation.")
@click.option("--seed", type=int, default=0)
def vision(photos: tuple[Path, ...], teacher: str, output: Path, work: Path | None, steps: int, seed: int) -> None:
    """The image starter, from zips of PHOTOS (their folders' names are not read) and painted pictures."""
    plan = vision_starter.Plan(steps=steps, seed=seed)
    vision_starter.build(teacher, photos, output, work or home("starters", "vision"), plan, say)


@main.command()
@click.argument("texts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--teacher", default="sentence-transformers/all-MiniLM-L6-v2", help="A BERT that embeds sentences.")
@click.option("-o", "--output", required=True, type=FOLDER, help="Where the checkpoint goes.")
@click.option("--work", type=FOLDER, help="Keeps what is made between runs, 15 GB.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="The time for all runs together.")
@click.option("--seed", type=int, default=0)
def text(
    texts: tuple[Path, ...], teacher: str, output: Path, work: Path | None, minutes: float | None, seed: int
) -> None:
    """The text starter, from TEXTS: files as PATH, or PATH:COLUMN for a table."""
    text_starter.build(
        texts, teacher, output, work=work or home("starters", "text"), minutes=minutes, seed=seed, tell=say
    )


def say(line: str) -> None:
    click.echo(line, err=True)


def run() -> int:
    """The one place where errors become messages and exit codes, the same as of hftransfer's own commands."""
    try:
        main(standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        say("stopped: the same command goes on where it was")
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except HFTransferError as error:
        say(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run())
