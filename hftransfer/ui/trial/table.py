"""What a model answered to many inputs, as a table to look at and as CSV to take away."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..marked import marked, short
from ..pieces import card_of, chip, plain, sentence
from ..words import say
from .about import About
from .answers import Prediction, given, two_of

SHOWN = 50  # of many answers


def table(predictions: Sequence[Prediction], about: About, threshold: float, link: str) -> str:
    """Many predictions: the first as rows, and where all of them can be had."""
    names = ("input", "answer", "score") if about.shape in SCORED else ("input", "answer")
    heads = "".join(f'<th scope="col">{plain(say(f"try.batch.{name}"))}</th>' for name in names)
    rows = "".join(_row(prediction, about, threshold) for prediction in predictions[:SHOWN])
    more = len(predictions) - SHOWN
    rest = f'<p class="hft-hint">{plain(say("try.batch.more", count=more))}</p>' if more > 0 else ""
    anchor = f'<a href="{plain(link)}" download>{plain(say("try.batch.download"))}</a>'
    kind = "hft-scroll hft-whole" if about.shape == "tags" or about.pair else "hft-scroll"
    body = f'<div class="{kind}"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return card_of(f"<p>{anchor}</p>{body}{rest}", live=True)


def _row(prediction: Prediction, about: About, threshold: float) -> str:
    if "error" in prediction:
        asked = given(prediction["input"], about)
        return f'<tr><td>{asked}</td><td colspan="2">{plain(sentence(prediction["error"]))}</td></tr>'
    found, score = prediction["prediction"], prediction["score"]
    asked = (
        marked(prediction["input"], found, about.kinds) if about.shape == "tags" else given(prediction["input"], about)
    )
    mark = " " + chip("warn", say("try.unfamiliar")) if _unfamiliar(prediction, about, threshold) else ""
    sure = f"<td>{score:.1%}</td>" if about.shape in SCORED else ""
    return f"<tr><td>{asked}</td><td>{plain(TOLD[about.shape](found))}{mark}</td>{sure}</tr>"


def as_csv(predictions: Sequence[Prediction], about: About, threshold: float) -> str:
    """All predictions, with every score or number; cells that a spreadsheet would run as formulas are quoted."""
    scores: Mapping[str, float] = next((answer["scores"] for answer in predictions if "scores" in answer), {})
    labels = sorted(scores) if len(scores) > 1 else []
    inputs = ["text", "text_pair"] if about.pair else ["input"]
    sure = [*(["score"] if about.shape in SCORED else []), *(["unfamiliar"] if about.shape == "class" else [])]
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([*inputs, "prediction", *sure, *map(_cell, labels), "error"])
    for answer in predictions:
        asked = list(map(_cell, _asked(answer["input"], about)))
        if "error" in answer:
            rows.writerow([*asked, *[""] * (1 + len(sure) + len(labels)), answer["error"]])
            continue
        told = {"score": _exact(answer["score"]), "unfamiliar": str(_unfamiliar(answer, about, threshold)).lower()}
        found = _cell(WRITTEN[about.shape](answer["prediction"]))
        values = [_exact(answer["scores"][label]) for label in labels]
        rows.writerow([*asked, found, *(told[name] for name in sure), *values, ""])
    return text.getvalue()


def _asked(value: Any, about: About) -> tuple[str, ...]:
    return (two_of(value) or (str(value), "")) if about.pair else (str(value),)


def _unfamiliar(prediction: Prediction, about: About, threshold: float) -> bool:
    return about.shape == "class" and prediction["score"] < threshold


def _exact(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _cell(text: str) -> str:
    numeric = text[:1] in ("-", "+") and text[1:].replace(".", "", 1).isdecimal()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not numeric else text


def _several(found: Any) -> str:
    """Of numbers each with its name."""
    if isinstance(found, Mapping):
        return ", ".join(f"{name} {short(value)}" for name, value in found.items())
    return short(found)


def _json(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False)


SCORED = ("class", "flags")
TOLD: dict[str, Callable[[Any], str]] = {
    "class": str,
    "flags": lambda found: ", ".join(found) or say("try.none"),
    "numbers": _several,
    "tags": lambda found: ", ".join(f"{entity['text']} ({entity['label']})" for entity in found) or "–",
}
WRITTEN: dict[str, Callable[[Any], str]] = {
    "class": str,
    "flags": _json,
    "numbers": lambda found: _json(found) if isinstance(found, Mapping) else _exact(found),
    "tags": _json,
}
