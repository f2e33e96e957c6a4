"""What a backbone and the data share: classes that it knows by name, and the script that its texts were in.

No model guesses a language here. A script says enough to tell an English encoder from
Chinese texts; German texts in an English encoder are left to what the validation says.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from typing import Any

from ..tasks import get_task
from ..values import Backbone, Dataset, Problem
from .backbones import BY_NAME, RECOMMENDED, Known, is_starter
from .source import source_classes
from .vocabulary import LOOKED_AT, unknown_tokens

MAPPED = ("class", "flags")  # shapes of labels that are names
SHOWN = 5  # names, or backbones to choose
SYNSET = re.compile(r"^n\d{8}[ _-]+")  # ImageNet's number before a name
KANA = 0.1  # of the letters: Japanese writes Chinese characters too
STRANGE = 0.1  # of the letters of train: a script with fewer is another language's
FEWEST = 20  # letters that a script can be told by
SCRIPTS = {"English": ("LATIN",), "Chinese": ("CJK",)}
TITLES = {
    "LATIN": "Latin letters",
    "CJK": "Chinese characters",
    "KANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "Cyrillic",
    "ARABIC": "Arabic",
    "GREEK": "Greek",
    "HEBREW": "Hebrew",
    "THAI": "Thai",
    "DEVANAGARI": "Devanagari",
}


def kin(backbone: Backbone, data: Dataset) -> Iterator[Problem]:
    """What a backbone and data have in common, as notes, and what they have not, as warnings."""
    task = get_task(data.task)
    if task.target.shape in MAPPED and not data.known:
        yield from known_classes(backbone, data.labels)
    if backbone.modality == "text":
        yield from languages(backbone, {name: _some(data, name) for name in data.splits})


def _some(data: Dataset, split: str) -> Sequence[Any]:
    found: Sequence[Any] = data.splits[split][:LOOKED_AT][get_task(data.task).modality.column]
    return found


def known_classes(backbone: Backbone, labels: Sequence[str]) -> Iterator[Problem]:
    """A note where the backbone was trained to tell some of the labels already."""
    found = alike(labels, source_classes(backbone))
    if not found:
        return
    names = ", ".join([*list(found)[:SHOWN], *(["…"] if len(found) > SHOWN else [])])
    yield Problem(
        "known-classes",
        "info",
        backbone.name,
        f"{len(found)} of the {len(labels)} labels are classes that the backbone knows already: {names}",
        "--strategy label-mapping needs no training",
    )


def alike(labels: Iterable[str], classes: Iterable[str]) -> dict[str, str]:
    """The labels that a class has the name of, or one of its names: `tabby, tabby cat` has two."""
    names = {name: whole for whole in classes for name in _names(whole)}
    return {label: names[key] for label in labels if (key := _plain(label)) in names and not key.isdecimal()}


def _names(whole: str) -> Iterator[str]:
    return (plain for name in (whole, *whole.split(",")) if (plain := _plain(name)))


def _plain(name: str) -> str:
    """A name without case, marks between words and ImageNet's number."""
    words = SYNSET.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return " ".join(re.split(r"[\s_\-/]+", words)).strip()


def script_of(texts: Iterable[Any]) -> str | None:
    """The script that most letters of texts, or pairs of texts, are of; None where there are few letters."""
    shares = _shares(texts)
    if shares.get("KANA", 0.0) > KANA:
        return "KANA"
    return max(shares, key=lambda script: shares[script], default=None)


def _shares(texts: Iterable[Any]) -> dict[str, float]:
    """Of the letters, those of each script; empty where there are few."""
    pairs = (text if isinstance(text, (list, tuple)) else (text,) for text in texts)
    counts = Counter(
        script for character in chain.from_iterable(chain.from_iterable(pairs)) if (script := _of(character))
    )
    letters = counts.total()
    return {script: count / letters for script, count in counts.items()} if letters >= FEWEST else {}


@cache
def _of(character: str) -> str:
    """A letter's script, the first word of its name in Unicode; empty for other characters."""
    if not character.isalpha():
        return ""
    script = unicodedata.name(character, "").partition(" ")[0]
    return {"HIRAGANA": "KANA", "KATAKANA": "KANA", "IDEOGRAPHIC": "CJK"}.get(script, script)


def reads(row: Known, script: str | None) -> bool:
    """Whether a backbone of the table was made for texts in a script."""
    return script is None or is_multilingual(row) or not row.languages or script in SCRIPTS.get(row.languages, ())


def is_multilingual(row: Known) -> bool:
    return row.languages[:1].isdecimal()


def languages(backbone: Backbone, texts: Mapping[str, Sequence[Any]]) -> Iterator[Problem]:
    """Warnings where the texts' language is not the backbone's, or changes between the splits.

    Args:
        texts: some of each split.
    """
    row, script = BY_NAME.get(backbone.name), script_of(texts["train"])
    unknown = unknown_tokens(backbone.processor, backbone.name, texts["train"])
    if unknown:
        yield replace(unknown, fix=_advice(advised(script)))
    elif row and script and not reads(row, script):
        message = f"the texts are in {_title(script)}, and the backbone was made for {row.languages}"
        yield Problem("other-script", "warning", backbone.name, message, _advice(advised(script)))
    if not (row and is_multilingual(row)):
        yield from _between(backbone, script, texts)


def in_common(backbone: Backbone, data: Dataset) -> str:
    """The letters that texts and a backbone of the table share; empty where nothing is known of them.

    No more is claimed: German is written in the letters of an English backbone, too.
    """
    row = BY_NAME.get(backbone.name)
    script = script_of(_some(data, "train")) if row and row.languages else None
    if row is None or script is None or not reads(row, script):
        return ""
    return f"the texts are in {_title(script)}, as are those that the backbone learnt from ({row.languages})"


def _between(backbone: Backbone, script: str | None, texts: Mapping[str, Sequence[Any]]) -> Iterator[Problem]:
    """Train in one language, validation or test in another, which is next to nowhere in train."""
    shares = _shares(texts["train"])
    others = {
        name: other for name, some in texts.items() if (other := script_of(some)) and shares.get(other, 0) < STRANGE
    }
    for name, other in list(others.items())[:1] if script else []:
        here, there = _title(script or ""), _title(other)
        yield Problem(
            "two-scripts",
            "warning",
            backbone.name,
            f"train is in {here}, {name} in {there}: labels must go from one language to another",
            _advice([row for row in advised(None) if is_multilingual(row)]),
        )


def advised(script: str | None) -> list[Known]:
    """The rows of the table for texts in a script, those for that language alone first, small ones first."""
    rows = [row for row in RECOMMENDED if row.modality == "text" and reads(row, script) and not is_starter(row.name)]
    return sorted(rows, key=lambda row: (is_multilingual(row), row.megabytes))


def _advice(rows: Sequence[Known]) -> str:
    """To choose the smallest row of one language, or the smallest one of many."""
    firsts = {is_multilingual(row): row for row in reversed(rows)}
    named = ", ".join(firsts[several].sized for several in sorted(firsts))
    return f"choose a backbone for the texts' language with --backbone: {named}"


def _title(script: str) -> str:
    return TITLES.get(script, script.capitalize())
