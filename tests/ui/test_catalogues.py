"""The languages' tables are whole: whatever can reach the page is in each of them, and nothing that cannot.

To add or change a text of the core: put its English, `{}` for what is filled in, into the `messages` of each file in
hftransfer/ui/languages (ui/languages/messages.py says what the gaps of a translation may be). For a text of the
pages: its key, with its English and the translation, into `words`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib.resources import files
from string import Formatter

import pytest

from hftransfer.recipe import Recipe
from hftransfer.ui.fields import field_label
from hftransfer.ui.languages import LANGUAGES, TAIWAN, read, table
from hftransfer.ui.languages.messages import GAP, KINDS
from hftransfer.ui.words import EN

from .sources import Found, collected, has_words, unread

# Names of options and devices, which are the same in every language.
ALIKE = {"--task {}", "cpu, {}"}
TABLE = "data.paste.hint"  # its commas are those of a CSV
# What sources.py reads elsewhere: in tables, in the error that is passed on, in the phases of strategies.
UNREAD = {
    ("choosing/arena.py", "done.why"),
    ("choosing/picking.py", "(*data.notes, *notes)"),
    ("data/checks.py", "fix"),
    ("data/doctor/diagnosis.py", "fix"),
    ("data/pictures/remarks.py", "fix"),
    ("publish/refusals.py", "cause"),
    ("publish/refusals.py", "fix"),
    ("publish/checkpoint.py", "error.cause"),
    ("recipe.py", "error.cause"),
    ("recipe.py", "error.fix"),
    ("training/tuning/trainer.py", "self.phase"),
}
HOW = "\n".join(__doc__.splitlines()[2:])
every = pytest.mark.parametrize("language", LANGUAGES)


@cache
def found() -> tuple[Found, ...]:
    return tuple(collected())


def texts(language: str) -> Iterator[str]:
    for part in ("words", "messages", "names"):
        yield from table(language, part).values()


@every
def test_each_text_of_the_core_is_translated(language: str) -> None:
    known = table(language, "messages").keys() | table(language, "names").keys()
    lacking = {text.template: text.place for text in found() if has_words(text.template)}
    told = [f'{place}: "{template}"' for template, place in lacking.items() if template not in known | ALIKE]
    assert not told, f"{language}.json lacks these:\n" + "\n".join(told) + "\n\n" + HOW


def test_each_text_of_the_core_can_be_found() -> None:
    """Else it would be missed above: write it so that sources.py can follow it, or have it looked for in a table."""
    assert unread() == UNREAD


@every
def test_each_text_of_the_pages_is_translated(language: str) -> None:
    there, wanted = read(language)["words"], set(EN)
    assert not wanted - there.keys(), f"{language}.json lacks {sorted(wanted - there.keys())}\n{HOW}"
    assert not there.keys() - wanted, f"no page says these any more: {sorted(there.keys() - wanted)}"
    changed = [key for key, (english, _) in there.items() if english != EN[key]]
    assert not changed, f"the English of these is another now; look at their translations in {language}.json: {changed}"


@every
def test_none_is_left_over(language: str) -> None:
    said = {text.template for text in found()}
    stale = [english for english in table(language, "messages") if english not in said]
    assert not stale, f"nothing in the source says these any more; take them out of {language}.json: {stale}"


@every
def test_the_forms_fields_and_their_values_have_names(language: str) -> None:
    names = set(table(language, "names"))
    assert {field_label(entry.name) for entry in fields(Recipe)} <= names
    values = {value for entry in fields(Recipe) for value in entry.metadata.get("choices", ())}
    assert values - names <= {"fp32", "bf16", "fp16"}  # names of arithmetic


@every
def test_translations_have_the_gaps_of_their_english(language: str) -> None:
    for english, target in table(language, "messages").items():
        gaps = GAP.findall(target)
        assert sorted(int(number) for number, _ in gaps) == list(range(english.count("{}"))), (english, target)
        assert {kind for _, kind in gaps} <= set(KINDS), (english, target)
        literal = english.replace("{}", "")
        strict = {"part", "number", "word"} & {kind for _, kind in gaps}
        assert not gaps or strict or len(re.findall("[a-z]", literal)) > 5, f"{english} fits too many texts: {target}"
    for key, target in table(language, "words").items():
        assert named(target) == named(EN[key]), key


@every
def test_each_text_is_translated_once(language: str) -> None:
    """Of two rows for the same text the later would win, silently."""
    text = (files("hftransfer.ui.languages") / f"{language}.json").read_text("utf-8")
    tables = dict(json.loads(text, object_pairs_hook=list))
    found = {
        part: [key for key, times in Counter(key for key, _ in rows).items() if times > 1]
        for part, rows in tables.items()
    }
    assert not any(found.values()), found


@every
def test_what_has_gaps_is_among_the_messages(language: str) -> None:
    """Names are looked up whole."""
    assert not [english for english in table(language, "names") if "{" in english]


def named(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_all_languages_take_gaps_alike_and_know_the_same_names() -> None:
    first, *others = LANGUAGES
    kinds = {english: sorted(GAP.findall(target)) for english, target in table(first, "messages").items()}
    for other in others:
        assert {e: sorted(GAP.findall(target)) for e, target in table(other, "messages").items()} == kinds
        assert table(other, "names").keys() == table(first, "names").keys()


@every
def test_punctuation_is_full_width(language: str) -> None:
    narrow = [
        text
        for text in set(texts(language)) - {table(language, "words")[TABLE]}
        if re.search(r"[\u4e00-\u9fff}][,;:!?]|[\u4e00-\u9fff]\.$", text)
    ]
    assert not narrow


def test_taiwan_reads_its_own_words() -> None:
    foreign = re.compile(
        "數據|文件夾|默認|軟件|網絡|內存|磁盤|緩存|打印|鏈接|信息|加載|運行|字符|許可權|影象|用戶|臺|列「"
    )
    simplified = set("数据训练这说开关进发还没图选择请运载储经测评标签错误应网络载让为与么个们来时")
    for text in texts(TAIWAN):
        assert not foreign.search(text), text
        assert not simplified & set(text), text
