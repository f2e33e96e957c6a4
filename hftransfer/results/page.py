"""The report as one page that needs nothing beside it: pictures inside, no request, light and dark.

Here facts become sentences and rows; `report.html` lays them out, `report.css` dresses
them. Whatever came from data is escaped by the template engine.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from ..measures import NUMBER, SHARE, headline, measure, ordered, written
from ..recipe import told_of
from ..tasks import TASKS
from .baselines import baseline
from .lettering import letter
from .tried import attempts
from .views import table, view

PAIRS = 8  # most confused pairs shown
OPEN = 40  # a longer table of labels begins folded, behind its weakest
WEAKEST = 12
SPACED = "\N{NO-BREAK SPACE}%"


def render(facts: Mapping[str, Any], pictures: Mapping[str, Path]) -> str:
    """The page.

    Args:
        facts: the run as plain values; absent ones are left out.
        pictures: PNG files by name: confusion, points, curve, and each with `_dark`.
    """
    here = files(__package__)
    engine = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = engine.from_string(here.joinpath("report.html").read_text(encoding="utf-8"))
    style = here.joinpath("report.css").read_text(encoding="utf-8")
    return template.render(
        style=style, pictures={name: _embed(path) for name, path in pictures.items()}, **_view(facts)
    )


def _embed(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _view(facts: Mapping[str, Any]) -> dict[str, Any]:
    metrics, words = facts.get("metrics") or {}, view(facts)
    figures = [_figure(name, metrics[name]) for name in ordered(metrics)]
    labels = table(facts.get("per_label") or {}, words)
    return {
        "title": facts.get("model") or facts.get("backbone") or "A fine-tuned model",
        "kind": str(facts.get("task") or "model").replace("-", " "),
        "told": _told(facts),
        "split": facts.get("evaluated_on"),
        "rows": {name: count for name, count in (facts.get("rows") or {}).items() if count},
        "head": figures[0] if figures else None,
        "baseline": _spaced(baseline(facts, headline(metrics))),
        "figures": figures,
        "crossed": _crossed(facts),
        "learnt": _learnt(facts),
        "advice": facts.get("advice") or [],
        "words": words,
        "labels": labels,
        "weakest": _weakest(labels),
        "went_on": _went_on(facts),
        "tried": attempts(facts),
        "key": _key(facts.get("labels") or []),
        "pairs": _pairs(facts),
        "stages": _stages(facts.get("seconds") or {}),
        "total": _time((facts.get("seconds") or {}).get("total")),
        "memory": _memory(facts.get("peak_memory_mb")),
        "problems": facts.get("problems") or [],
        "notes": _notes(facts),
        "recipe": told_of(facts.get("recipe") or {}),
        "derived": [name for name, value in (facts.get("recipe") or {}).items() if value is None],
        "revision": facts.get("backbone_revision"),
        "versions": facts.get("versions") or {},
    }


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the sentence that says what was trained on what."""
    task = TASKS.get(str(facts.get("task")))
    return {
        "backbone": facts.get("backbone"),
        "why": facts.get("backbone_why"),
        "strategy": facts.get("strategy"),
        "source": facts.get("source"),
        "inputs": f"{task.modality.name}s" if task else "rows",
        "learned": _learned(facts),
        "trained": (facts.get("rows") or {}).get("train"),
        "tested": (facts.get("rows") or {}).get(str(facts.get("evaluated_on"))),
    }


def _learnt(facts: Mapping[str, Any]) -> str:
    """The headline on training rows, beside that on others."""
    found = facts.get("train_metrics") or {}
    name = headline(set(found) & set(facts.get("metrics") or {}))
    return _spaced(written(name, _bounds(found[name])[0])) if name else ""


def _notes(facts: Mapping[str, Any]) -> list[str]:
    """What is not told as a problem already."""
    told = {problem.get("message") for problem in facts.get("problems") or []}
    return [note for note in facts.get("notes") or [] if note not in told]


def _learned(facts: Mapping[str, Any]) -> str:
    """What the model was taught to do, with how many labels, numbers or kinds."""
    words = view(facts)
    many = len(facts.get("labels") or []) if words.many == "labels" else len(facts.get("per_label") or {})
    return words.learned.format(many).replace("with 1 numbers", "with a number") if many else ""


def _figure(name: str, found: Any) -> dict[str, Any]:
    value, low, high = _bounds(found)
    shown = measure(name).kind in (SHARE, NUMBER) and all(
        part is not None and 0 <= part <= 1 for part in (value, low, high)
    )
    return {
        "title": measure(name).title,
        "meaning": measure(name).meaning,
        "value": _spaced(written(name, value)),
        "low": _spaced(written(name, low)),
        "high": _spaced(written(name, high)),
        "range": _spaced(f"{written(name, low).removesuffix('%')} – {written(name, high)}"),
        "bar": {"left": low * 100, "width": (high - low) * 100, "at": value * 100} if shown else None,
    }


def _crossed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A cross-validation's figures; none where there was none."""
    found = facts.get("cross_validation") or {}
    metrics = found.get("metrics") or {}
    return {**found, "figures": [_figure(name, metrics[name]) for name in ordered(metrics)]}


def _bounds(found: Any) -> tuple[Any, Any, Any]:
    return (found.get("value"), found.get("low"), found.get("high")) if isinstance(found, Mapping) else (found,) * 3


def _went_on(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """The headline before and after, of a run that went on from another model: on the new data, and on the old."""
    forgetting = facts.get("forgetting") or {}
    compared = [
        (facts.get("source"), facts.get("before") or {}, facts.get("metrics") or {}),
        (forgetting.get("source"), forgetting.get("before") or {}, forgetting.get("after") or {}),
    ]
    return [
        {"source": str(source or "its data"), "title": measure(name).title, **_both(name, before, after)}
        for source, before, after in compared
        if (name := headline(set(before) & set(after)))
    ]


def _both(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    told = {"before": _bounds(before[name])[0], "after": _bounds(after[name])[0]}
    return {when: _spaced(written(name, value)) for when, value in told.items()}


def _spaced(text: str) -> str:
    """As print has it: with a space before the sign."""
    return text.replace("%", SPACED)


def _weakest(labels: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = labels["rows"]
    return sorted(rows, key=lambda row: row["track"])[:WEAKEST] if len(rows) > OPEN else []


def _key(labels: Sequence[str]) -> list[tuple[int, str]]:
    """The labels that the pictures show by number."""
    return [(number, labels[number - 1]) for number in letter(labels).numbered]


def _pairs(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells off the diagonal that hold most rows."""
    labels, confusion = facts.get("labels") or [], facts.get("confusion") or []
    cells = [
        (count, truth, given)
        for truth, row in enumerate(confusion)
        for given, count in enumerate(row)
        if count and truth != given
    ]
    worst = sorted(cells, key=lambda cell: (-cell[0], cell[1], cell[2]))[:PAIRS] if labels else []
    return [
        {"truth": labels[truth], "given": labels[given], "count": count, "of": sum(confusion[truth])}
        for count, truth, given in worst
    ]


def _stages(seconds: Mapping[str, Any]) -> list[dict[str, Any]]:
    stages = {name: value for name, value in seconds.items() if name != "total" and value}
    whole = sum(stages.values()) or 1
    return [
        {"name": name, "time": _time(value), "share": value / whole * 100, "shade": 1 - 0.7 * place / len(stages)}
        for place, (name, value) in enumerate(stages.items())
    ]


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _memory(megabytes: float | None) -> str:
    return "" if not megabytes else f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
