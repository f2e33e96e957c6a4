"""The page's own pieces, as HTML. Whatever comes from a user passes through `plain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..errors import HFTransferError
from ..jobs.states import ENDED, Job, State, silent
from .words import known, say

SHOWN = 10  # classes listed one by one

_ICONS = {
    "data": '<path d="M4 7a2 2 0 0 1 2-2h4l2 2h6a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z"/>',
    "train": '<path d="M4 19V5M4 19h16M7 15l4-5 3 3 5-7"/>',
    "try": '<path d="M12 3l1.8 5.2L19 10l-5.2 1.8L12 17l-1.8-5.2L5 10l5.2-1.8zM19 16v4M17 18h4"/>',
    "publish": '<path d="M12 15V4m0 0L8 8m4-4l4 4M5 15v3a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-3"/>',
}


def plain(value: object) -> str:
    """Text that is safe inside HTML and its attributes."""
    return escape(str(value), quote=True)


def header(*, local: bool) -> str:
    """The page's head; only where nobody else reaches the page does everything stay on the machine."""
    private = f" <span>{plain(say('private'))}</span>" if local else ""
    drawing = '<path d="M8 24V8m0 9q0-4 4-4t4 4v7"/><circle cx="23" cy="10" r="2.2"/>'
    mark = f'<svg viewBox="0 0 32 32" aria-hidden="true">{drawing}</svg>'
    return (
        f'<header class="hft-header"><span class="hft-mark">{mark}</span><div><h1>hftransfer</h1>'
        f"<p>{plain(say('tagline'))}{private}</p></div></header>"
    )


def empty(icon: str, title: str, hint: str) -> str:
    """A place that is still empty, and what will fill it."""
    return f'<div class="hft-empty">{_icon(icon)}<strong>{plain(title)}</strong><span>{plain(hint)}</span></div>'


def heading(text: str) -> str:
    return f'<div class="hft-or"><span>{plain(text)}</span></div>'


def understood(name: str, found: Mapping[str, Any]) -> str:
    """What a check found: task, rows, classes with their counts, problems."""
    labels: Mapping[str, int] = found["labels"]
    task = known(f"task.{found['task']}", found["task"])
    facts = f"<b>{_count(found['rows'])}</b> {say('data.rows')} · <b>{len(labels)}</b> {say('data.classes')}"
    top = f'<div class="hft-title"><strong>{plain(name)}</strong>{_chip("ok", task)}</div><p>{facts}</p>'
    return _card(top + _bars(labels) + _problems(found["problems"]))


def summary(name: str, found: Mapping[str, Any] | None) -> str:
    """One line that says what is trained on, as far as it is known."""
    if not name:
        return empty("data", say("train.nodata"), say("train.nodata.hint"))
    task = known(f"task.{found['task']}", found["task"]) if found else ""
    rest = f"{_count(found['rows'])} {say('data.rows')} · {len(found['labels'])} {say('data.classes')}" if found else ""
    line = " · ".join(filter(None, (rest, task)))
    return f'<p class="hft-summary">{plain(say("train.data"))} <b>{plain(name)}</b><span>{plain(line)}</span></p>'


def progress(job: Job, *, place: int = 0) -> str:
    """A job on its way: state, stage, and a bar (moving where there is no measure)."""
    words = _doing(job, place)
    share = job.step / job.steps if job.steps else None
    count = say("train.steps", step=job.step, steps=job.steps) if job.steps else ""
    left = "" if job.remaining is None else say("train.remaining", time=_time(job.remaining))
    count = " · ".join(filter(None, (count, left)))
    head = f'<div class="hft-title"><strong>{plain(words)}</strong>{_chip("busy", say(f"state.{job.state}"))}</div>'
    tail = f'<p class="hft-count"><span>{plain(job.message)}</span><span>{plain(count)}</span></p>'
    return _card(head + _bar(share, words) + tail, live=True)


def ended(job: Job, log: str = "") -> str:
    """A job that is over: its score, or what went wrong and what to do."""
    if job.state is State.DONE:
        return _card(_score(job), live=True)
    words = say("ended.kept" if job.model else f"ended.{job.state}") if job.state is not State.FAILED else ""
    error = job.error or {"cause": words, "fix": say("ended.interrupted.fix") if job.state is State.INTERRUPTED else ""}
    return _failure(error, say(f"state.{job.state}"), log, mild=job.state is State.CANCELLED)


def failure(error: HFTransferError) -> str:
    return _failure(error.to_json(), say("error.title"))


def answer(prediction: Mapping[str, Any]) -> str:
    """A prediction: the label, and the scores of the best classes."""
    scores = dict(sorted(prediction["scores"].items(), key=lambda entry: -entry[1]))
    title = (
        f'<div class="hft-answer"><strong>{plain(prediction["prediction"])}</strong>'
        f"<span>{prediction['score']:.1%}</span></div>"
    )
    return _card(title + _bars(scores, percent=True), live=True)


def download(link: str) -> str:
    """The model's zip, as a link that looks like the step's one button."""
    anchor = (
        f'<a class="hft-download" href="{plain(link)}" download>{_icon("publish")}{plain(say("publish.download"))}</a>'
    )
    return _card(f"<p>{plain(say('publish.plain'))}</p>{anchor}")


def runs(jobs: Sequence[Job], shown: str = "") -> str:
    """A visitor's runs as links that open them; the one that is shown stands out."""
    rows = "".join(_run(job, current=job.id == shown) for job in jobs)
    hint = "" if rows else f'<p class="hft-hint">{plain(say("runs.empty"))}</p>'
    title = plain(say("runs.title"))
    return f'<nav class="hft-runs" aria-label="{title}"><h2>{title}</h2><ul>{rows}</ul>{hint}</nav>'


def _run(job: Job, *, current: bool) -> str:
    score = ((job.result or {}).get("metrics") or {}).get("accuracy")
    kept = say("runs.kept" if job.model and job.state is not State.DONE else f"state.{job.state}")
    told = f"{score['value']:.1%}" if score else kept
    here = ' aria-current="true"' if current else ""
    return f'<li><a href="?job={plain(job.id)}"{here}><b>{plain(job.name)}</b><span>{plain(told)}</span></a></li>'


def is_over(job: Job) -> bool:
    return job.state in ENDED


def _doing(job: Job, place: int) -> str:
    if job.cancel_asked is not None:
        return say("train.cancelling")
    if job.finish_asked is not None and job.state is State.TRAINING:
        return say("train.finishing")
    if silent(job):
        return say("train.silent")
    if job.kind == "check":
        return say("data.checking")
    return say("train.place", place=place) if place else known(f"stage.{job.stage}", job.stage)


def _score(job: Job) -> str:
    result = job.result or {}
    chip = _chip("ok", say("state.done"))
    title = f'<div class="hft-title"><strong>{plain(job.name)}</strong>{chip}</div>'
    metrics = result.get("metrics", {})
    if "accuracy" not in metrics:
        return title
    score = metrics["accuracy"]
    words = say("train.score", metric="accuracy", split=result.get("evaluated_on", "test"))
    interval = say("train.interval", low=f"{score['low']:.1%}", high=f"{score['high']:.1%}")
    return (
        f'{title}<div class="hft-score"><b>{score["value"]:.1%}</b>'
        f"<span>{plain(words)}<br>{plain(interval)}{_seconds(result)}</span></div>"
        f'{_origin(result)}<p class="hft-hint">{plain(say("train.address"))}</p>'
    )


def _origin(result: Mapping[str, Any]) -> str:
    """What a run started from, where that was not the user's choice."""
    backbone, why = result.get("backbone"), result.get("backbone_why")
    return f'<p class="hft-summary">{plain(say("train.from", backbone=backbone, why=why))}</p>' if why else ""


def _seconds(result: Mapping[str, Any]) -> str:
    total = result.get("seconds", {}).get("total")
    return "" if total is None else "<br>" + plain(say("train.seconds", seconds=f"{total:.0f}"))


def _failure(error: Mapping[str, str], title: str, log: str = "", *, mild: bool = False) -> str:
    told = {"place": error.get("place", ""), "fix": _sentence(error.get("fix", ""))}
    rows = "".join(
        f"<dt>{plain(say(f'error.{part}'))}</dt><dd>{plain(words)}</dd>" for part, words in told.items() if words
    )
    details = f"<details><summary>{plain(say('train.log'))}</summary><pre>{plain(log)}</pre></details>" if log else ""
    kind = "mild" if mild else "bad"
    body = f"<strong>{plain(title)}</strong><p>{plain(_sentence(error['cause']))}</p><dl>{rows}</dl>{details}"
    return f'<div class="hft-card hft-failure hft-{kind}" role="alert">{body}</div>'


def _problems(problems: Sequence[Mapping[str, str]]) -> str:
    if not problems:
        return ""
    items = "".join(
        f'<li class="hft-{plain(problem["severity"])}"><b>{plain(_sentence(problem["message"]))}</b> '
        f"<span>{plain(problem['where'])}</span>{_mend(problem)}</li>"
        for problem in problems
    )
    return f'<h3>{plain(say("data.mend"))}</h3><ul class="hft-problems">{items}</ul>'


def _mend(problem: Mapping[str, str]) -> str:
    """The fix; what is merely said needs none."""
    return "" if problem["severity"] == "info" else f"<br>{plain(problem['fix'])}"


def _bars(values: Mapping[str, float], *, percent: bool = False) -> str:
    most = 1.0 if percent else max(values.values(), default=1)
    rows = "".join(
        f'<li><span title="{plain(name)}">{plain(name)}</span><i><i style="width:{100 * value / most:.1f}%"></i></i>'
        f"<b>{f'{value:.1%}' if percent else _count(value)}</b></li>"
        for name, value in list(values.items())[:SHOWN]
    )
    more = len(values) - SHOWN
    rest = f'<p class="hft-hint">{plain(say("data.more", count=more))}</p>' if more > 0 else ""
    return f'<ul class="hft-bars">{rows}</ul>{rest}'


def _bar(share: float | None, words: str) -> str:
    if share is None:
        return f'<div class="hft-bar hft-moving" role="progressbar" aria-label="{plain(words)}"><i></i></div>'
    percent = round(100 * min(1.0, share))
    return (
        f'<div class="hft-bar" role="progressbar" aria-label="{plain(words)}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
    )


def _card(body: str, *, live: bool = False) -> str:
    return f'<div class="hft-card"{" aria-live=polite" if live else ""}>{body}</div>'


def _chip(kind: str, words: str) -> str:
    return f'<span class="hft-chip hft-{kind}">{plain(words)}</span>'


def _icon(name: str) -> str:
    return f'<svg class="hft-icon" viewBox="0 0 24 24" aria-hidden="true">{_ICONS[name]}</svg>'


def _time(seconds: float) -> str:
    """A duration, roughly."""
    for limit, unit, size in ((90, "seconds", 1), (5400, "minutes", 60)):
        if seconds < limit:
            return say(f"time.{unit}", count=max(1, round(seconds / size)))
    return say("time.hours", count=f"{seconds / 3600:.1f}")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _count(rows: Any) -> str:
    total = sum(rows.values()) if isinstance(rows, Mapping) else rows
    return f"{total:,}"
