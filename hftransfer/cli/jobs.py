"""The commands for runs in the background: the same jobs as the studio's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..recipe import Recipe
from ..terminal import lines
from .options import CONTEXT, JSON, say, show

OWNER = "shell"  # of jobs that were started here; the studio shows them to nobody


def detach(source: str, recipe: Recipe, output: Path, *, overwrite: bool, as_json: bool) -> None:
    """Queue a run that goes on without this shell."""
    from ..jobs import supervisor

    id = supervisor.submit(source, recipe, OWNER, output=output, overwrite=overwrite)
    show({"job": id}, as_json, lines.detached)


@click.group(context_settings=CONTEXT)
def jobs() -> None:
    """Runs in the background: those of `train --detach` and of the studio."""


@jobs.command("list")
@JSON
def list_all(as_json: bool) -> None:
    """Name the jobs, newest first."""
    from ..jobs import supervisor

    show({"jobs": supervisor.listed()}, as_json, lines.jobs)


@jobs.command("show")
@click.argument("job")
@JSON
def show_one(job: str, as_json: bool) -> None:
    """Say how far a job is, and with what figures."""
    _shown(job, as_json)


@jobs.command()
@click.argument("job")
def logs(job: str) -> None:
    """Print the end of a job's log."""
    from ..jobs import supervisor

    say(supervisor.logs(job))


@jobs.command()
@click.argument("job")
@JSON
def cancel(job: str, as_json: bool) -> None:
    """Stop a job now. The best model that it has is kept, unmeasured."""
    from ..jobs import supervisor

    supervisor.cancel(job)
    _shown(job, as_json)


@jobs.command()
@click.argument("job")
@JSON
def finish(job: str, as_json: bool) -> None:
    """End a job's training, then measure and save the best model that it has."""
    from ..jobs import supervisor

    supervisor.finish(job)
    _shown(job, as_json)


@jobs.command()
@click.argument("job")
@JSON
def resume(job: str, as_json: bool) -> None:
    """Go on with a job that was cut short, from its last checkpoint."""
    from ..jobs import supervisor

    supervisor.resume(job)
    _shown(job, as_json)


@jobs.command()
@click.argument("job")
@JSON
def delete(job: str, as_json: bool) -> None:
    """Remove a job that has ended, with its files. An output of `train -o` stays."""
    from ..jobs import supervisor

    supervisor.delete(job)
    show({"job": job, "deleted": True}, as_json, lines.deleted)


def _shown(job: str, as_json: bool) -> None:
    from ..jobs import supervisor

    found: dict[str, Any] = supervisor.show(job)
    show(found, as_json, lines.job)
