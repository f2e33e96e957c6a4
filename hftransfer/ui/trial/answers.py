"""What a model answered, as HTML and as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ..pieces import bars, card_of, chip, plain, sentence
from ..words import say

SHOWN = 50  # of many answers


def card(prediction: Mapping[str, Any], threshold: float) -> str:
    """A prediction: the label, and the scores of the best classes."""
    scores = dict(sorted(prediction["scores"].items(), key=lambda entry: -entry[1]))
    title = (
        f'<div class="hft-answer"><strong>{plain(prediction["prediction"])}</strong>'
        f"<span>{prediction['score']:.1%}</span></div>"
    )
    return card_of(title + _doubt(prediction["score"], threshold) + bars(scores, percent=True), live=True)


def table(predictions: Sequence[Mapping[str, Any]], threshold: float, link: str) -> str:
    """Many predictions: the first as rows, and where all of them can be had."""
    heads = "".join(f'<th scope="col">{plain(say(f"try.batch.{name}"))}</th>' for name in ("input", "answer", "score"))
    rows = "".join(_row(prediction, threshold) for prediction in predictions[:SHOWN])
    more = len(predictions) - SHOWN
    rest = f'<p class="hft-hint">{plain(say("try.batch.more", count=more))}</p>' if more > 0 else ""
    anchor = f'<a href="{plain(link)}" download>{plain(say("try.batch.download"))}</a>'
    body = f'<div class="hft-scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return card_of(f"<p>{anchor}</p>{body}{rest}", live=True)


def as_csv(predictions: Sequence[Mapping[str, Any]], threshold: float) -> str:
    """All predictions, with every class's score; cells that a spreadsheet would run as formulas are quoted."""
    labels = sorted(next((given["scores"] for given in predictions if "scores" in given), ()))
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["input", "prediction", "score", "unfamiliar", *map(_cell, labels), "error"])
    for given in predictions:
        if "error" in given:
            rows.writerow([_cell(given["input"]), *[""] * (3 + len(labels)), given["error"]])
            continue
        scores = [f"{given['scores'][label]:.6f}" for label in labels]
        unfamiliar = str(given["score"] < threshold).lower()
        rows.writerow(
            [_cell(given["input"]), _cell(given["prediction"]), f"{given['score']:.6f}", unfamiliar, *scores, ""]
        )
    return text.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _row(prediction: Mapping[str, Any], threshold: float) -> str:
    if "error" in prediction:
        return (
            f'<tr><td>{plain(prediction["input"])}</td><td colspan="2">{plain(sentence(prediction["error"]))}</td></tr>'
        )
    mark = " " + chip("warn", say("try.unfamiliar")) if prediction["score"] < threshold else ""
    return (
        f"<tr><td>{plain(prediction['input'])}</td><td>{plain(prediction['prediction'])}{mark}</td>"
        f"<td>{prediction['score']:.1%}</td></tr>"
    )


def _doubt(score: float, threshold: float) -> str:
    """What to say where no class fits well."""
    if score >= threshold:
        return ""
    hint = plain(say("try.unfamiliar.hint", threshold=f"{threshold:.0%}"))
    return f'<p class="hft-doubt">{chip("warn", say("try.unfamiliar"))} {hint}</p>'
