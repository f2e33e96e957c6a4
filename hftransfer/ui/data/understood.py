"""The card of data that was checked: what it is, how much of each class, what it looks like, what to mend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...jobs.states import Job
from ...tasks import TASKS
from ..languages.messages import translated_parts
from ..marked import marked, pair_of, short
from ..pieces import SHOWN, amount, bars, card_of, chip, count, plain, sentence
from ..words import known, say
from . import pictures, repairing


def card(job: Job) -> str:
    """The card for a check that is done."""
    found: Mapping[str, Any] = job.result or {}
    row = TASKS.get(str(found["task"]))
    task = known(f"task.{found['task']}", found["task"])
    facts = f"<b>{count(found['rows'])}</b> {say('data.rows')} · {plain(amount(found))}"
    top = f'<div class="hft-title"><strong>{plain(job.name)}</strong>{chip("ok", task)}</div><p>{facts}</p>'
    told = repairing.done(found) + _problems(found["problems"])
    return card_of(top + LABELS[row.target.shape if row else "class"](job, found) + told)


def _counted(job: Job, found: Mapping[str, Any]) -> str:
    """How many rows have each class or label, and some of them: pictures beside it, or the first text below."""
    examples = found.get("examples") or {}

    def beside(label: str) -> str:
        if _is_image(found):
            shown = "".join(_picture(job, name, label) for name in examples.get(label, ()))
            return f'<span class="hft-examples">{shown}</span>'
        return _first(next(iter(examples.get(label, ())), ""))

    return bars(found["labels"], beside=beside)


def _first(text: str | Sequence[str]) -> str:
    if not text:
        return ""
    if not isinstance(text, str):
        return f'<span class="hft-examples hft-wide">{pair_of(*text)}</span>'
    return f'<q class="hft-examples" title="{plain(text)}">{plain(text)}</q>'


def _is_image(found: Mapping[str, Any]) -> bool:
    return str(found["task"]).startswith("image")


def _picture(job: Job, name: str, label: str) -> str:
    return f'<img src="{plain(pictures.of_check(job, name))}" alt="{plain(label)}" loading="lazy">'


def _spread(job: Job, found: Mapping[str, Any]) -> str:
    """Of each number how its values lie, and rows from the least to the largest."""
    numbers = list((found.get("numbers") or {}).items())[:SHOWN]
    several, examples = len(numbers) > 1, found.get("examples") or {}
    return "".join(
        (f"<h3>{plain(name)}</h3>" if several else "") + _histogram(spread) + _along(job, found, examples.get(name, ()))
        for name, spread in numbers
    )


def _histogram(spread: Mapping[str, Any]) -> str:
    counts, quarters = spread["counts"], [short(value) for value in spread["quarters"]]
    most = max(counts) or 1
    hills = "".join(f'<i style="height:{100 * count / most:.0f}%" title="{count:,}"></i>' for count in counts)
    middle = say("data.middle", low=quarters[1], high=quarters[3])
    ends = f"<span>{quarters[0]}</span><span>{plain(middle)}</span><span>{quarters[4]}</span>"
    return f'<div class="hft-hills" aria-hidden="true">{hills}</div><p class="hft-count">{ends}</p>'


def _along(job: Job, found: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]) -> str:
    """Each row's number and its input: pictures side by side, texts one below the other."""
    images = _is_image(found)
    rows = [
        f'<div class="hft-valued"><b>{value}</b>{_picture(job, given, value) if images else _text(given)}</div>'
        for value, given in ((short(example["value"]), example["input"]) for example in examples)
    ]
    return f'<div class="{"hft-side" if images else "hft-below"}">{"".join(rows)}</div>'


def _text(given: str | Sequence[str]) -> str:
    return f"<q>{plain(given)}</q>" if isinstance(given, str) else pair_of(*given)


def _marked(job: Job, found: Mapping[str, Any]) -> str:
    """How many entities there are of each kind, and a text with one."""
    examples, kinds = found.get("examples") or {}, list(found["labels"])

    def beside(kind: str) -> str:
        first = next(iter(examples.get(kind, ())), None)
        if first is None:
            return ""
        return f'<span class="hft-examples hft-wide">{marked(first["input"], first["entities"], kinds)}</span>'

    return bars(found["labels"], beside=beside)


LABELS: dict[str, Callable[[Job, Mapping[str, Any]], str]] = {
    "class": _counted,
    "flags": _counted,
    "numbers": _spread,
    "tags": _marked,
}


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
