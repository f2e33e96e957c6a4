"""The card of data that was checked: what it is, how much of each class, what it looks like, what to mend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...jobs.states import Job
from ..languages.messages import translated_parts
from ..pieces import bars, card_of, chip, count, plain, sentence
from ..words import known, say
from . import pictures, repairing


def card(job: Job) -> str:
    """The card for a check that is done."""
    found: Mapping[str, Any] = job.result or {}
    labels: Mapping[str, int] = found["labels"]
    task = known(f"task.{found['task']}", found["task"])
    facts = f"<b>{count(found['rows'])}</b> {say('data.rows')} · <b>{len(labels)}</b> {say('data.classes')}"
    top = f'<div class="hft-title"><strong>{plain(job.name)}</strong>{chip("ok", task)}</div><p>{facts}</p>'
    told = repairing.done(found.get("repaired") or ()) + _problems(found["problems"])
    return card_of(top + _classes(job, labels, found.get("examples") or {}) + told)


def _classes(job: Job, labels: Mapping[str, int], examples: Mapping[str, Sequence[str]]) -> str:
    images = str((job.result or {})["task"]).startswith("image")
    shown = _pictures if images else _texts
    return bars(labels, beside=lambda name: shown(job, name, examples.get(name, ())))


def _pictures(job: Job, label: str, names: Sequence[str]) -> str:
    shown = "".join(
        f'<img src="{plain(pictures.of_check(job, name))}" alt="{plain(label)}" loading="lazy">' for name in names
    )
    return f'<span class="hft-examples">{shown}</span>'


def _texts(job: Job, label: str, texts: Sequence[str]) -> str:
    first = next(iter(texts), "")
    return f'<q class="hft-examples" title="{plain(first)}">{plain(first)}</q>' if first else ""


def _problems(problems: Sequence[Mapping[str, str]]) -> str:
    if not problems:
        return ""
    items = "".join(
        f'<li class="hft-{plain(problem["severity"])}"><b>{plain(sentence(problem["message"]))}</b> '
        f"<span>{plain(problem['where'])}</span>{_mend(problem)}</li>"
        for problem in map(translated_parts, problems)
    )
    return f'<h3>{plain(say("data.mend"))}</h3><ul class="hft-problems">{items}</ul>'


def _mend(problem: Mapping[str, str]) -> str:
    """The fix; what is merely said needs none."""
    return "" if problem["severity"] == "info" else f"<br>{plain(sentence(problem['fix']))}"
