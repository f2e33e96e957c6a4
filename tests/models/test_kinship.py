"""What a backbone and the data share, and what is said where they share nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hftransfer.data import load_data
from hftransfer.models.kinship import advised, alike, in_common, kin, languages, script_of
from hftransfer.models.loading import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.values import Backbone
from tests.tiny import table, text_backbone

ENGLISH = "the day was lovely and the room was clean"
CHINESE = "房间很干净，早餐也不错，服务员态度很好，下次还会再来这里住"


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder = tmp_path_factory.mktemp("bert")
    return load_backbone(get_task("text-classification"), ("a", "b"), Recipe(backbone=str(text_backbone(folder))))


def test_labels_are_known_by_any_name_of_a_class() -> None:
    classes = ("n02123045 tabby, tabby cat", "great_white-shark", "hotdog, hot dog", "3", "LABEL_4")
    assert list(alike(("Tabby Cat", "great white shark", "cat", "dog", "3"), classes)) == [
        "Tabby Cat",
        "great white shark",
    ]


@pytest.mark.parametrize(
    ("texts", "script"),
    [
        ([ENGLISH, "早餐"], "LATIN"),
        ([CHINESE, "ok"], "CJK"),
        ([[CHINESE, ENGLISH[:10]]], "CJK"),
        (["朝食はとてもおいしかったです。また泊まりたいです。"], "KANA"),
        (["Номер был чистым, завтрак хороший"], "CYRILLIC"),
        (["12345 !?", "ab"], None),
    ],
)
def test_a_script_is_what_most_letters_are_of(texts: list[object], script: str | None) -> None:
    assert script_of(texts) == script


def test_another_language_is_told_with_what_fits(bert: Backbone) -> None:
    named = replace(bert, name="google-bert/bert-base-uncased")
    (unknown,) = languages(named, {"train": [CHINESE], "test": [CHINESE]})
    assert unknown.code == "unknown-tokens"
    assert unknown.fix.endswith("google-bert/bert-base-chinese (412 MB), intfloat/multilingual-e5-small (471 MB)")
    knows = replace(named, processor=Knowing(bert.processor))  # a tokenizer of bytes knows everything
    (other,) = languages(knows, {"train": [CHINESE]})
    assert other.code == "other-script" and other.severity == "warning" and other.fix == unknown.fix
    assert "Chinese characters" in other.message and "English" in other.message
    assert not list(languages(knows, {"train": [ENGLISH]}))


def test_one_languages_labels_for_another_want_a_multilingual_backbone(bert: Backbone) -> None:
    splits = {"train": [CHINESE], "validation": [CHINESE], "test": [ENGLISH]}
    knows = replace(bert, name="google-bert/bert-base-chinese", processor=Knowing(bert.processor))
    (between,) = languages(knows, splits)
    assert between.code == "two-scripts" and "test in Latin letters" in between.message
    assert between.fix.endswith("--backbone: intfloat/multilingual-e5-small (471 MB)")
    assert not list(languages(replace(knows, name="intfloat/multilingual-e5-small"), splits))
    both = {"train": [CHINESE, ENGLISH[:20]], "test": [CHINESE[:10], ENGLISH]}  # in other shares, by chance
    assert script_of(both["train"]) != script_of(both["test"]) and not list(languages(knows, both))


def test_what_fits_is_for_the_script() -> None:
    assert [row.name for row in advised("CYRILLIC")] == [
        "intfloat/multilingual-e5-small",
        "FacebookAI/xlm-roberta-base",
    ]
    assert "google-bert/bert-base-chinese" not in [row.name for row in advised("LATIN")]


def test_a_language_in_common_is_told(bert: Backbone, tmp_path: Path) -> None:
    data = load_data(table(tmp_path / "t.csv"), Recipe())
    assert in_common(replace(bert, name="starter:text"), data).endswith("learnt from (English)")
    assert not in_common(bert, data) and not list(kin(bert, data))


class Knowing:
    """A tokenizer without a token for what it does not know."""

    unk_token_id = None

    def __init__(self, tokenizer: object) -> None:
        self.tokenizer = tokenizer
