"""Results as lines to read."""

from __future__ import annotations

from typing import Any

from ..measures import MEASURES, headline, ordered, written
from ..results.tried import attempts
from .answers import answered


def _interval(name: str, figure: dict[str, float]) -> str:
    low, high = written(name, figure["low"]), written(name, figure["high"])
    return f"{written(name, figure['value']):>7}   ({low} to {high})"


def _metrics(metrics: dict[str, dict[str, float]]) -> str:
    return "\n".join(f"  {name:18} {_interval(name, metrics[name])}" for name in ordered(metrics))


def checked(found: dict[str, Any]) -> str:
    counts = [f"  {name:24} {count:7,}" for name, count in found["labels"].items()]
    numbers = [_spread(name, spread) for name, spread in found.get("numbers", {}).items()]
    problems = "\n".join(
        f"{problem['severity']}: {problem['message']}\n  at:   {problem['where']}\n  next: {problem['fix']}"
        for problem in found["problems"]
    )
    told = "\n".join(numbers or counts)
    return "\n".join(part for part in (f"{found['task']}: {found['rows']:,} rows", told, problems) if part)


def repaired(found: dict[str, Any]) -> str:
    done = "\n".join(f"repaired: {row['code']}, {row['count']:,}: {row['done']}" for row in found["repaired"])
    place, gone = found["copy"]["path"], found["left_out"]
    listed = f", listed in {place}/left-out.csv" if gone else ""
    rows = f"{found['copy']['rows']:,} rows are in {place}; {gone:,} were left out{listed}"
    return "\n".join((checked(found), done or "nothing was to be repaired", rows))


def _spread(name: str, spread: dict[str, Any]) -> str:
    """Where the numbers of a column lie."""
    low, quarter, middle, rest, high = (f"{value:,.6g}" for value in spread["quarters"])
    return f"  {name:24} from {low} to {high}, half of them between {quarter} and {rest}, the middle one {middle}"


def planned(plan: dict[str, Any]) -> str:
    steps = (
        f"{plan['steps']:,} steps in {plan['epochs']:g} epochs" if plan["steps"] else "one pass, then a head is solved"
    )
    time = "at most" if plan["at_most"] else "about"
    memory = f", {plan['memory_mb'] / 1000:.1f} GB of memory ({plan['device']})" if plan["memory_mb"] else ""
    return (
        f"{plan['task']} by {plan['strategy']} from {plan['backbone']}: {plan['rows']['train']:,} rows to learn from\n"
        f"{steps}; {time} {plan['seconds']:.0f} s{memory}"
    )


def recommended(found: dict[str, Any], *, metric: str, rows: int) -> str:
    """A row a candidate, the best first; what could not be tried says why."""
    tried = found["candidates"]
    width = max(len(row["backbone"]) for row in tried)
    told = [_candidate(row, metric, width, chosen=row["backbone"] == found["choice"]) for row in tried]
    head = f"  {'':{width}} {metric:>9} (95 % interval)        size  a prediction   tried in"
    return "\n".join([head, *told, f"{found['choice']}: {found['why']}", f"(on {rows:,} rows)"])


def _candidate(row: dict[str, Any], metric: str, width: int, *, chosen: bool) -> str:
    name = f"{'*' if chosen else ' '} {row['backbone']:{width}}"
    if "error" in row:
        return f"{name} not tried: {row['error']['cause']}"
    score, low, high = (written(metric, row[part]) for part in ("score", "low", "high"))
    size, speed = f"{row['size_mb']:,.0f} MB", f"{row['latency_ms']:,.1f} ms"
    return f"{name} {score:>9} {f'({low} to {high})':22} {size:>8} {speed:>13} {row['seconds']:>8.1f} s"


def trained(run: dict[str, Any]) -> str:
    rows = ", ".join(f"{count:,} {name}" for name, count in run["rows"].items() if count)
    return (
        f"{run['task']} by {run['strategy']} from {run['backbone']}: {rows} rows, "
        f"{run['seconds']['total']:.1f} s\n{_tried(run)}"
        f"On the {run['evaluated_on']} rows (95 % interval):\n{_metrics(run['metrics'])}\n"
        f"{_crossed(run)}{_went_on(run)}{_advice(run)}"
        f"The model is in {run['model']}; its report is {run['model']}/report.html"
    )


def _crossed(run: dict[str, Any]) -> str:
    found = run.get("cross_validation") or {}
    name = headline(found.get("metrics") or {})
    if name is None:
        return ""
    told = f"{found['folds']} folds over {found['rows']:,} rows of train and validation"
    return f"A probe by cross-validation, {told}:\n{_metrics({name: found['metrics'][name]})}\n"


def _tried(run: dict[str, Any]) -> str:
    """What was tried on the way, a line each."""
    found = attempts(run)
    lines = [
        f"{'*' if entry.taken else ' '} {entry.name:24} {entry.value or 'not tried':10} {entry.time:>6}  {entry.why}\n"
        for entry in found
    ]
    return "Tried, and measured on validation:\n" + "".join(lines) if found else ""


def _advice(run: dict[str, Any]) -> str:
    """What may make it better, with what to pass."""
    told = "".join(f"  {one['flag']:22} {one['message']}\n" for one in run.get("advice") or ())
    return f"What may help:\n{told}" if told else ""


def _went_on(run: dict[str, Any]) -> str:
    """Of a run that went on from a model of ours: what that one did on these rows, and what is left of its own."""
    name = headline(run["metrics"])
    if not run.get("before") or name is None:
        return ""
    told = f"The model before had {name} {written(name, run['before'][name]['value'])} on them.\n"
    lost = run.get("forgetting")
    if lost and lost["before"].get(name):
        now, then = (written(name, lost[side][name]["value"]) for side in ("after", "before"))
        told += f"On the {lost['evaluated_on']} rows of its own data {name} is {now} now, and was {then}.\n"
    return told


def evaluated(report: dict[str, Any]) -> str:
    per_label = "\n".join(_of_label(name, row) for name, row in report["per_label"].items())
    return f"On {report['rows']:,} rows (95 % interval):\n{_metrics(report['metrics'])}\n{per_label}"


def _of_label(name: str, row: dict[str, float]) -> str:
    figures = [
        f"{figure.replace('_', ' ')} {_cell(figure, value)}"
        for figure, value in row.items()
        if figure != "support" and value is not None
    ]
    return "  ".join([f"  {name:22}", *figures, f"of {row['support']:.0f}"])


def _cell(figure: str, value: float) -> str:
    return written(figure, value) if figure in MEASURES else f"{value:.2f}"


def predicted(answer: dict[str, Any]) -> str:
    return answered(answer)


def pushed(done: dict[str, Any]) -> str:
    proof = "downloaded again and proved to give the same answers" if done["verified"] else "NOT proved: see above"
    return f"{done['url']}\n{proof} (commit {done['commit']})"


def detached(given: dict[str, Any]) -> str:
    return f"job {given['job']} is in the queue; see `hftransfer jobs show {given['job']}`"


def deleted(gone: dict[str, Any]) -> str:
    return f"job {gone['job']} is deleted"


def job(job: dict[str, Any]) -> str:
    far = f"  {job['step']}/{job['steps']}" if job["steps"] else ""
    figures = "".join(f"\n  {name:18} {value:.4g}" for name, value in job["metrics"].items())
    error = job["error"]
    told = f"\n{error['cause']}\n  at:   {error['place']}\n  next: {error['fix']}" if error else ""
    best = (job["result"] or {}).get("kept")
    short = job["state"] in ("cancelled", "interrupted", "failed")  # there is no model, unless it is gone on with
    place = f"its best model so far is in {best}" if best else "" if short else job["output"]
    first = "  ".join(filter(None, (job["job"], job["state"], f"{job['stage']}{far}", place)))
    found = job["result"] if job["kind"] == "recommend" else None
    compared = f"\n{recommended(found, metric=found['metric'], rows=found['rows'])}" if found else ""
    return f"{first}{figures}{told}{compared}"


def jobs(found: dict[str, Any]) -> str:
    rows = (f"{job['job']}  {job['state']:12} {job['kind']:9} {job['name']}" for job in found["jobs"])
    return "\n".join(rows) or "no jobs yet"
