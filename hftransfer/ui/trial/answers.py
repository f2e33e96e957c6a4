"""What a model answered to one input, as HTML: a card for each shape of label."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..marked import marked, pair_of, short
from ..pieces import bars, card_of, chip, plain
from ..words import say
from .about import About

Prediction = Mapping[str, Any]


def card(prediction: Prediction, about: About, threshold: float) -> str:
    """A prediction; `threshold` is the score below which no class fits well."""
    return card_of(CARDS[about.shape](prediction, about, threshold), live=True)


def given(value: Any, about: About) -> str:
    """What was asked about, as HTML: of a pair both texts."""
    two = two_of(value) if about.pair else None
    return pair_of(*two) if two else plain(value)


def two_of(value: Any) -> tuple[str, str] | None:
    """The texts of a pair, which a prediction may tell of as JSON; None where it is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return (str(value[0]), str(value[1])) if isinstance(value, list | tuple) and len(value) == 2 else None


def _label(prediction: Prediction, about: About, threshold: float) -> str:
    """The label, and the scores of the best classes."""
    title = (
        f'<div class="hft-answer"><strong>{plain(prediction["prediction"])}</strong>'
        f"<span>{prediction['score']:.1%}</span></div>"
    )
    return title + _doubt(prediction["score"], threshold) + bars(_ranked(prediction), percent=True)


def _labels(prediction: Prediction, about: About, threshold: float) -> str:
    """The labels that hold, and all scores beside their thresholds."""
    scores = _ranked(prediction)
    chosen = "".join(f"<strong>{plain(label)}</strong>" for label in prediction["prediction"])
    none = f"<strong>{plain(say('try.none'))}</strong>"
    title = f'<div class="hft-answer hft-several">{chosen or none}</div>'
    hint = f'<p class="hft-doubt">{plain(say("try.marks" if chosen else "try.none.hint"))}</p>'
    ticks = {label: about.threshold(label) for label in scores}
    return title + hint + bars(scores, percent=True, ticks=ticks)


def _numbers(prediction: Prediction, about: About, threshold: float) -> str:
    """The number, or each of them, and where it lies among those that the model was measured on."""
    numbers = prediction["scores"]
    one = len(numbers) == 1
    return "".join(_number(name, value, about, large=one) for name, value in numbers.items())


def _number(name: str, value: float, about: About, *, large: bool) -> str:
    kind = "hft-answer" if large else "hft-answer hft-smaller"
    title = f'<div class="{kind}"><strong>{short(value)}</strong><span>{plain(name)}</span></div>'
    reach = about.reach.get(name)
    return title + (scale(value, *reach) if reach else "")


def scale(value: float, low: float, high: float) -> str:
    """Where a number lies between two others; at the end where it is beyond them."""
    share = min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.5
    words = say("try.range", low=short(low), high=short(high))
    return (
        f'<div class="hft-scale" role="img" aria-label="{plain(short(value))} · {plain(words)}">'
        f'<i style="left:{share:.1%}"></i></div>'
        f'<p class="hft-count"><span>{short(low)}</span><span>{plain(say("try.range.hint"))}</span>'
        f"<span>{short(high)}</span></p>"
    )


def _entities(prediction: Prediction, about: About, threshold: float) -> str:
    """The text with what was found in it, and the findings one by one."""
    found = prediction["prediction"]
    text = f'<p class="hft-passage">{marked(prediction["input"], found, about.kinds)}</p>'
    if not found:
        return f'<p class="hft-doubt">{plain(say("try.noentities"))}</p>{text}'
    rows = "".join(
        f"<tr><td>{plain(entity['text'])}</td><td>{plain(entity['label'])}</td><td>{entity['score']:.1%}</td></tr>"
        for entity in found
    )
    heads = "".join(f'<th scope="col">{plain(say(key))}</th>' for key in ("try.entity", "try.kind", "try.batch.score"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'{text}<div class="hft-scroll">{table}</div>'


def _ranked(prediction: Prediction) -> dict[str, float]:
    return dict(sorted(prediction["scores"].items(), key=lambda entry: -entry[1]))


def _doubt(score: float, threshold: float) -> str:
    """What to say where no class fits well."""
    if score >= threshold:
        return ""
    hint = plain(say("try.unfamiliar.hint", threshold=f"{threshold:.0%}"))
    return f'<p class="hft-doubt">{chip("warn", say("try.unfamiliar"))} {hint}</p>'


CARDS: dict[str, Callable[[Prediction, About, float], str]] = {
    "class": _label,
    "flags": _labels,
    "numbers": _numbers,
    "tags": _entities,
}
