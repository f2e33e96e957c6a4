"""Labels as a picture can show them: short, on one line, in a font that has their glyphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

BASE = "DejaVu Sans"  # comes with matplotlib
# Fonts with the scripts that it lacks, as systems name them; the first that helps is used.
WIDER = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "PingFang HK",
    "Hiragino Sans GB",
    "Heiti TC",
    "Microsoft YaHei",
    "SimHei",
    "Malgun Gothic",
    "Yu Gothic",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
)
LONGEST = 24


@dataclass(frozen=True)
class Lettering:
    """`shown` stands for each label; those in `numbered` (from 1) have a number instead of their name."""

    shown: tuple[str, ...]
    families: tuple[str, ...]
    numbered: tuple[int, ...]


def letter(labels: Sequence[str]) -> Lettering:
    """Choose fonts for the labels, and numbers for those that no font here can write."""
    short = [_short(label) for label in labels]
    families, missing = _families(set("".join(short)))
    numbered = tuple(place + 1 for place, label in enumerate(short) if not label or missing & set(label))
    shown = tuple(f"no. {place + 1}" if place + 1 in numbered else label for place, label in enumerate(short))
    return Lettering(shown, families, numbered)


def _short(label: str) -> str:
    line = " ".join(label.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _families(characters: set[str]) -> tuple[tuple[str, ...], set[str]]:
    """The fonts to use, in order, and the characters that none of them has."""
    families, missing = [BASE], _lacking(BASE, characters)
    installed = {font.name for font in font_manager.fontManager.ttflist}
    for family in WIDER:
        if missing and family in installed and (left := _lacking(family, missing)) < missing:
            families.append(family)
            missing = left
    return tuple(families), missing


def _lacking(family: str, characters: Iterable[str]) -> set[str]:
    font = font_manager.get_font(font_manager.findfont(FontProperties(family=family)))
    return {character for character in characters if not font.get_char_index(ord(character))}
