"""Events as a bar on a terminal, and results as lines to read."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace, TracebackType
from typing import Any, TextIO

from .values import Event

WIDTH = 24
EVERY = 0.1  # seconds between two drawings of the bar


class Terminal:
    """A listener that draws one bar on standard error; plain lines where that is no terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.stage = ""
        self.drawn = 0.0
        self.open = False

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __call__(self, event: Event) -> None:
        if event.stage != self.stage:
            self._end()
            self.stage = event.stage
        if self.live and event.total:
            self._draw(event)
        elif event.message and (not event.total or any(name.startswith("eval_") for name in event.metrics)):
            self._say(event)

    def _say(self, event: Event) -> None:
        self._end()
        figures = _figures(event)
        self.stream.write(f"{event.stage:9} {event.message}{'  ' if figures else ''}{figures}\n")
        self.stream.flush()

    def _draw(self, event: Event) -> None:
        now = time.monotonic()
        if now - self.drawn < EVERY and event.step < event.total and not event.metrics:
            return
        self.drawn, self.open = now, True
        filled = WIDTH * event.step // event.total
        bar = "█" * filled + "░" * (WIDTH - filled)
        self.stream.write(f"\r\033[K{event.stage:9} {bar} {event.step}/{event.total}  {_figures(event)}")
        self.stream.flush()

    def _end(self) -> None:
        if self.open:
            self.stream.write("\n")
            self.stream.flush()
        self.open = False


def _figures(event: Event) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in event.metrics.items())


def _percent(figure: dict[str, float]) -> str:
    return f"{figure['value']:7.1%}   ({figure['low']:.1%} to {figure['high']:.1%})"


def _metrics(metrics: dict[str, dict[str, float]]) -> str:
    return "\n".join(f"  {name:18} {_percent(figure)}" for name, figure in metrics.items())


def _checked(found: dict[str, Any]) -> str:
    counts = "\n".join(f"  {name:24} {count:7,}" for name, count in found["labels"].items())
    problems = "\n".join(
        f"{problem['severity']}: {problem['message']}\n  at:   {problem['where']}\n  next: {problem['fix']}"
        for problem in found["problems"]
    )
    return "\n".join(part for part in (f"{found['task']}: {found['rows']:,} rows", counts, problems) if part)


def _repaired(found: dict[str, Any]) -> str:
    done = "\n".join(f"repaired: {row['code']}, {row['count']:,}: {row['done']}" for row in found["repaired"])
    listed = f", listed in {found['copy']['path']}/left-out.csv" if found["left_out"] else ""
    rows = f"{found['copy']['rows']:,} rows are in {found['copy']['path']}; {found['left_out']:,} were left out{listed}"
    return "\n".join(part for part in (_checked(found), done or "nothing was to be repaired", rows) if part)


def _planned(plan: dict[str, Any]) -> str:
    steps = (
        f"{plan['steps']:,} steps in {plan['epochs']:g} epochs" if plan["steps"] else "one pass, then a head is solved"
    )
    memory = f", {plan['memory_mb'] / 1000:.1f} GB of memory ({plan['device']})" if plan["memory_mb"] else ""
    return (
        f"{plan['task']} by {plan['strategy']} from {plan['backbone']}: {plan['rows']['train']:,} rows to learn from\n"
        f"{steps}; about {plan['seconds']:.0f} s{memory}"
    )


def _trained(run: dict[str, Any]) -> str:
    rows = ", ".join(f"{count:,} {name}" for name, count in run["rows"].items() if count)
    return (
        f"{run['task']} by {run['strategy']} from {run['backbone']}: {rows} rows, "
        f"{run['seconds']['total']:.1f} s\n"
        f"On the {run['evaluated_on']} rows (95 % interval):\n{_metrics(run['metrics'])}\n"
        f"The model is in {run['model']}; its report is {run['model']}/report.html"
    )


def _evaluated(report: dict[str, Any]) -> str:
    per_label = "\n".join(
        f"  {name:24} precision {row['precision']:.1%}  recall {row['recall']:.1%}"
        f"  f1 {row['f1']:.1%}  of {row['support']:.0f}"
        for name, row in report["per_label"].items()
    )
    return f"On {report['rows']:,} rows (95 % interval):\n{_metrics(report['metrics'])}\n{per_label}"


def _predicted(answer: dict[str, Any]) -> str:
    return f"{answer['prediction']}  {answer['score']:.1%}  {answer['input']}"


def _pushed(done: dict[str, Any]) -> str:
    proof = "downloaded again and proved to give the same answers" if done["verified"] else "NOT proved: see above"
    return f"{done['url']}\n{proof} (commit {done['commit']})"


def _detached(given: dict[str, Any]) -> str:
    return f"job {given['job']} is in the queue; see `hftransfer jobs show {given['job']}`"


def _deleted(gone: dict[str, Any]) -> str:
    return f"job {gone['job']} is deleted"


def _job(job: dict[str, Any]) -> str:
    far = f"  {job['step']}/{job['steps']}" if job["steps"] else ""
    figures = "".join(f"\n  {name:18} {value:.4g}" for name, value in job["metrics"].items())
    error = job["error"]
    told = f"\n{error['cause']}\n  at:   {error['place']}\n  next: {error['fix']}" if error else ""
    best = (job["result"] or {}).get("kept")
    short = job["state"] in ("cancelled", "interrupted", "failed")  # there is no model, unless it is gone on with
    place = f"its best model so far is in {best}" if best else "" if short else job["output"]
    first = "  ".join(filter(None, (job["job"], job["state"], f"{job['stage']}{far}", place)))
    return f"{first}{figures}{told}"


def _jobs(found: dict[str, Any]) -> str:
    rows = (f"{job['job']}  {job['state']:12} {job['kind']:6} {job['name']}" for job in found["jobs"])
    return "\n".join(rows) or "no jobs yet"


lines = SimpleNamespace(
    checked=_checked,
    repaired=_repaired,
    planned=_planned,
    trained=_trained,
    evaluated=_evaluated,
    predicted=_predicted,
    pushed=_pushed,
    detached=_detached,
    deleted=_deleted,
    job=_job,
    jobs=_jobs,
)
