"""The page's own pieces, as HTML. Whatever comes from a user passes through `plain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from ..errors import HFTransferError
from ..jobs.states import ENDED, Job, State, silent
from ..measures import headline, written
from ..results.tried import Attempt, attempts
from ..tasks import TASKS
from .languages.messages import translated, translated_parts
from .words import in_form, known, say

DOING = {"check": "data.checking", "recommend": "recommend.doing", "push": "publish.pushing"}
AMOUNTS = {"class": "data.classes", "flags": "data.labels", "numbers": "data.numbers", "tags": "data.kinds"}
ALONE = {"flags": "data.label", "numbers": "data.number", "tags": "data.kind"}
SHOWN = 10  # classes listed one by one

_ICONS = {
    "data": '<path d="M4 7a2 2 0 0 1 2-2h4l2 2h6a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z"/>',
    "train": '<path d="M4 19V5M4 19h16M7 15l4-5 3 3 5-7"/>',
    "try": '<path d="M12 3l1.8 5.2L19 10l-5.2 1.8L12 17l-1.8-5.2L5 10l5.2-1.8zM19 16v4M17 18h4"/>',
    "download": '<path d="M12 4v11m0 0l-4-4m4 4l4-4M5 15v3a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-3"/>',
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


def summary(name: str, found: Mapping[str, Any] | None) -> str:
    """One line that says what is trained on, as far as it is known."""
    if not name:
        return empty("data", say("train.nodata"), say("train.nodata.hint"))
    task = known(f"task.{found['task']}", found["task"]) if found else ""
    rest = f"{count(found['rows'])} {say('data.rows')} · {amount(found)}" if found else ""
    line = " · ".join(filter(None, (rest, task)))
    return f'<p class="hft-summary">{plain(say("train.data"))} <b>{plain(name)}</b><span>{plain(line)}</span></p>'


def amount(found: Mapping[str, Any]) -> str:
    """How many classes there are in data, or labels, numbers or kinds of entities."""
    task, many = TASKS.get(str(found["task"])), len(found["labels"])
    shape = task.target.shape if task else "class"
    return say(ALONE[shape]) if many == 1 and shape in ALONE else f"{many} {say(AMOUNTS[shape])}"


def progress(job: Job, *, place: int = 0) -> str:
    """A job on its way: state, stage, and a bar (moving where there is no measure)."""
    words = _doing(job, place)
    share = job.step / job.steps if job.steps else None
    steps = say("train.steps", step=job.step, steps=job.steps) if job.steps else ""
    left = "" if job.remaining is None else say("train.remaining", time=duration(job.remaining))
    far = " · ".join(filter(None, (steps, left)))
    state = chip("busy", say(f"state.{job.state}"))
    head = f'<div class="hft-title" aria-live="polite"><strong>{plain(words)}</strong>{state}</div>'
    tail = f'<p class="hft-count"><span>{plain(translated(job.message))}</span><span>{plain(far)}</span></p>'
    return card_of(head + _bar(share, words) + tail)  # read out: what it does, not every step of it


def moving(title: str, words: str) -> str:
    """Something short that is on its way."""
    return f'<div class="hft-title"><strong>{plain(title)}</strong><span>{plain(words)}</span></div>{_bar(None, words)}'


def ended(job: Job, log: str = "") -> str:
    """A job that is over: its score, or what went wrong and what to do."""
    if job.state is State.DONE:
        return card_of(_score(job), live=True)
    words = say("ended.kept" if job.model else f"ended.{job.state}") if job.state is not State.FAILED else ""
    error = job.error or {"cause": words, "fix": say("ended.interrupted.fix") if job.state is State.INTERRUPTED else ""}
    return _failure(error, say(f"state.{job.state}"), log, mild=job.state is State.CANCELLED)


def failure(error: HFTransferError) -> str:
    return _failure(error.to_json(), say("error.title"))


def share(done: float, words: str) -> str:
    """How much of something is done."""
    return card_of(f"<p>{plain(words)}</p>{_bar(done, words)}")


def download(link: str, *, says: str = "publish.plain") -> str:
    """The model's zip, as a link that looks like the step's one button; `says` is the word for what loads it."""
    anchor = (
        f'<a class="hft-download" href="{plain(link)}" download>{_icon("download")}{plain(say("publish.download"))}</a>'
    )
    return card_of(f"<p>{plain(say(says))}</p>{anchor}")


def published(result: Mapping[str, Any]) -> str:
    """A model on the Hub: where, and whether it was proved to work from there."""
    link = plain(result["url"])
    anchor = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>'
    proof = say("publish.verified" if result["verified"] else "publish.doubt")
    title = f'<div class="hft-title"><strong>{plain(say("publish.done"))}</strong></div>'
    return card_of(f"{title}<p>{anchor}</p><p>{plain(proof)}</p>", live=True)


def runs(jobs: Sequence[Job], shown: str = "") -> str:
    """A visitor's runs as links that open them; the one that is shown stands out."""
    rows = "".join(_run(job, current=job.id == shown) for job in jobs)
    hint = "" if rows else f'<p class="hft-hint">{plain(say("runs.empty"))}</p>'
    title = plain(say("runs.title"))
    return f'<nav class="hft-runs" aria-label="{title}"><h2>{title}</h2><ul>{rows}</ul>{hint}</nav>'


def _run(job: Job, *, current: bool) -> str:
    metrics = (job.result or {}).get("metrics") or {}
    name = headline(metrics)
    kept = say("runs.kept" if job.model and job.state is not State.DONE else f"state.{job.state}")
    told = written(name, metrics[name]["value"]) if name else kept
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
    if job.kind in DOING and not place:
        return say(DOING[job.kind])
    return say("train.place", place=place) if place else known(f"stage.{job.stage}", job.stage)


def _score(job: Job) -> str:
    result = job.result or {}
    title = f'<div class="hft-title"><strong>{plain(job.name)}</strong>{chip("ok", say("state.done"))}</div>'
    metrics = result.get("metrics", {})
    name = headline(metrics)
    if name is None:
        return title
    score = {part: written(name, value) for part, value in metrics[name].items()}
    words = say("train.score", metric=metric(name), split=result.get("evaluated_on", "test"))
    interval = say("train.interval", low=score["low"], high=score["high"])
    return (
        f'{title}<div class="hft-score"><b>{plain(score["value"])}</b>'
        f"<span>{plain(words)}<br>{plain(interval)}{_seconds(result)}</span></div>"
        f"{_origin(result)}{_tried(result)}{_beside(result)}{_advice(result)}"
        f'<p class="hft-hint">{plain(say("train.address"))}</p>'
    )


def metric(name: str) -> str:
    """What a figure is called on the page."""
    return known(f"metric.{name}", name)


def _origin(result: Mapping[str, Any]) -> str:
    """What a run started from, where that was not the user's choice."""
    backbone, why = result.get("backbone"), result.get("backbone_why")
    return f'<p class="hft-summary">{plain(say("train.from", backbone=backbone, why=why))}</p>' if why else ""


def _tried(result: Mapping[str, Any]) -> str:
    """What was tried and measured on validation, the one that was taken marked; and what there was no time for."""
    found = attempts(result)
    cells = "".join(map(_attempt, (entry for entry in found if entry.value)))
    missed = ", ".join(translated(entry.name) for entry in found if not entry.value)
    later = f'<p class="hft-hint">{plain(say("train.untried", names=missed))}</p>' if missed else ""
    title = f'<p class="hft-hint">{plain(say("train.tried"))}</p>'
    return f'{title}<ul class="hft-tried">{cells}</ul>{later}' if cells else ""


def _attempt(entry: Attempt) -> str:
    taken, why = " class=hft-taken" if entry.taken else "", plain(translated(entry.why))
    return f'<li{taken} title="{why}"><b>{plain(entry.value)}</b><span>{plain(translated(entry.name))}</span></li>'


def _beside(result: Mapping[str, Any]) -> str:
    """What else the run did, and what is to be known of its figures."""
    told = [_crossed(result.get("cross_validation") or {}), _joined(result.get("pseudo_labelled"))]
    found = {problem.get("message") for problem in result.get("problems") or ()}  # the step before shows these
    told += [sentence(translated(note)) for note in result.get("notes") or () if note not in found]
    return "".join(f'<p class="hft-hint">{plain(line)}</p>' for line in told if line)


def _crossed(found: Mapping[str, Any]) -> str:
    """A cross-validation's headline."""
    metrics = found.get("metrics") or {}
    name = headline(metrics)
    if name is None:
        return ""
    score = {part: written(name, value) for part, value in metrics[name].items()}
    return say("train.crossed", metric=metric(name), folds=found["folds"], rows=count(found["rows"]), **score)


def _joined(found: Mapping[str, Any] | None) -> str:
    """What came of examples without labels."""
    return "" if found is None else say("train.joined", rows=count(found["rows"]), given=count(found["unlabelled"]))


def _advice(result: Mapping[str, Any]) -> str:
    """What may make the next run better, with what to pass for it."""
    rows = "".join(
        f"<li><span>{plain(sentence(translated(one['message'])))}</span><code>{plain(one['flag'])}</code></li>"
        for one in result.get("advice") or ()
    )
    return f'<ul class="hft-advice" aria-label="{plain(say("train.advice"))}">{rows}</ul>' if rows else ""


def _seconds(result: Mapping[str, Any]) -> str:
    total = result.get("seconds", {}).get("total")
    return "" if total is None else "<br>" + plain(say("train.seconds", seconds=f"{total:.0f}"))


def _failure(error: Mapping[str, str], title: str, log: str = "", *, mild: bool = False) -> str:
    error = {part: in_form(str(text)) for part, text in translated_parts(error).items()}
    told = {"place": error.get("place", ""), "fix": sentence(error.get("fix", ""))}
    rows = "".join(
        f"<dt>{plain(say(f'error.{part}'))}</dt><dd>{plain(words)}</dd>" for part, words in told.items() if words
    )
    details = f"<details><summary>{plain(say('train.log'))}</summary><pre>{plain(log)}</pre></details>" if log else ""
    kind = "mild" if mild else "bad"
    body = f"<strong>{plain(title)}</strong><p>{plain(sentence(error['cause']))}</p><dl>{rows}</dl>{details}"
    return f'<div class="hft-card hft-failure hft-{kind}" role="alert">{body}</div>'


def bars(
    values: Mapping[str, float],
    *,
    percent: bool = False,
    beside: Callable[[str], str] | None = None,
    ticks: Mapping[str, float] | None = None,
) -> str:
    """A bar each for the first values.

    Args:
        percent: whether the values are shares.
        beside: gives more HTML for a name's row.
        ticks: where on each bar there is a mark; one that is reached is told from one that is not.
    """
    most = 1.0 if percent else max(values.values(), default=1) or 1
    rows = "".join(
        f'<li><span title="{plain(name)}">{plain(name)}</span>{_share(value / most, (ticks or {}).get(name))}'
        f"<b>{f'{value:.1%}' if percent else count(value)}</b>{beside(name) if beside else ''}</li>"
        for name, value in list(values.items())[:SHOWN]
    )
    more = len(values) - SHOWN
    rest = f'<p class="hft-hint">{plain(say("data.more", count=more))}</p>' if more > 0 else ""
    kind = "hft-bars hft-classes" if beside else "hft-bars"
    return f'<ul class="{kind}">{rows}</ul>{rest}'


def _share(share: float, tick: float | None) -> str:
    full = f'<i style="width:{100 * share:.1f}%"></i>'
    if tick is None:
        return f"<i>{full}</i>"
    kind = "hft-ticked" if share >= tick else "hft-ticked hft-short"
    return f'<i class="{kind}">{full}<s style="left:{100 * tick:.1f}%" title="{tick:.2f}"></s></i>'


def _bar(share: float | None, words: str) -> str:
    if share is None:
        return f'<div class="hft-bar hft-moving" role="progressbar" aria-label="{plain(words)}"><i></i></div>'
    percent = round(100 * min(1.0, share))
    return (
        f'<div class="hft-bar" role="progressbar" aria-label="{plain(words)}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
    )


def card_of(body: str, *, live: bool = False) -> str:
    return f'<div class="hft-card"{" aria-live=polite" if live else ""}>{body}</div>'


def chip(kind: str, words: str) -> str:
    return f'<span class="hft-chip hft-{kind}">{plain(words)}</span>'


def _icon(name: str) -> str:
    return f'<svg class="hft-icon" viewBox="0 0 24 24" aria-hidden="true">{_ICONS[name]}</svg>'


def duration(seconds: float) -> str:
    """A duration, roughly."""
    for limit, unit, size in ((90, "seconds", 1), (5400, "minutes", 60)):
        if seconds < limit:
            return say(f"time.{unit}", count=max(1, round(seconds / size)))
    return say("time.hours", count=f"{seconds / 3600:.1f}")


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def count(rows: Any) -> str:
    total = sum(rows.values()) if isinstance(rows, Mapping) else rows
    return f"{total:,}"
