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
from . import pictures


def card(job: Job) -> str:
    """The card for a check that is done."""
    found: Mapping[str, Any] = job.result or {}
    row = TASKS.get(str(found["task"]))
    task = known(f"task.{found['task']}", found["task"])
    facts = f"<b>{count(found['rows'])}</b> {say('data.rows')} · {plain(amount(found))}"
    top = f'<div class="hft-title"><strong>{plain(job.name)}</strong>{chip("ok", task)}</div><p>{facts}</p>'
    return card_of(top + LABELS[row.target.shape if row else "class"](job, found) + _problems(found["problems"]))


def _counted(job: Job, found: Mapping[str, Any]) -> str:
    """How many rows have each class or label, and some of them."""
    examples = found.get("examples") or {}
    return bars(found["labels"], beside=lambda name: _beside(job, found, examples.get(name, ())))


def _beside(job: Job, found: Mapping[str, Any], examples: Sequence[Any]) -> str:
    """Pictures beside their label, or the first text below it."""
    if _is_image(found):
        return f'<span class="hft-examples">{"".join(_picture(job, name) for name in examples)}</span>'
    first = next(iter(examples), "")
    if not first:
        return ""
    return (
        f'<q class="hft-examples" title="{plain(first)}">{plain(first)}</q>' if isinstance(first, str) else _two(first)
    )


def _two(texts: Sequence[str]) -> str:
    return f'<span class="hft-examples hft-wide">{pair_of(*texts)}</span>'


def _is_image(found: Mapping[str, Any]) -> bool:
    return str(found["task"]).startswith("image")


def _picture(job: Job, name: str) -> str:
    return f'<img src="{plain(pictures.of_check(job, name))}" alt="" loading="lazy">'


def _spread(job: Job, found: Mapping[str, Any]) -> str:
    """Of each number how its values lie, and rows from the least to the largest."""
    examples = found.get("examples") or {}
    several = len(found["labels"]) > 1
    return "".join(
        (f"<h3>{plain(name)}</h3>" if several else "")
        + _histogram(spread)
        + "".join(_valued(job, found, example) for example in examples.get(name, ()))
        for name, spread in list((found.get("numbers") or {}).items())[:SHOWN]
    )


def _histogram(spread: Mapping[str, Any]) -> str:
    counts, quarters = spread["counts"], [short(value) for value in spread["quarters"]]
    most = max(counts) or 1
    hills = "".join(f'<i style="height:{100 * count / most:.0f}%" title="{count:,}"></i>' for count in counts)
    middle = say("data.middle", low=quarters[1], high=quarters[3])
    ends = f"<span>{quarters[0]}</span><span>{plain(middle)}</span><span>{quarters[4]}</span>"
    return f'<div class="hft-hills" aria-hidden="true">{hills}</div><p class="hft-count">{ends}</p>'


def _valued(job: Job, found: Mapping[str, Any], example: Mapping[str, Any]) -> str:
    given = example["input"]
    shown = (
        _picture(job, given)
        if _is_image(found)
        else f"<q>{plain(given)}</q>"
        if isinstance(given, str)
        else pair_of(*given)
    )
    return f'<div class="hft-valued"><b>{short(example["value"])}</b>{shown}</div>'


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
