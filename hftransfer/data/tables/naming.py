"""What columns are called: names that speak for what a column holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# In the order that they are believed in.
_TEXT = """
    text texts sentence sentences review reviews question content comment message body tweet utterance query
    document article post input sms description abstract headline title txt 文本 内容 句子 评论 标题
"""
_IMAGE = """
    image images img picture photo file file_name filename path file_path filepath image_path img_path
    image_file image_name 图片 图像 文件名 路径
"""
_LABEL = """
    label labels class classes target category categories sentiment intent topic tag tags y type rating stars
    emotion emotions species breed variety score similarity relatedness relation value angle gold
    标签 类别 分类 分数 得分 评分 相似度
"""
_WORDS = "tokens words token word 词 字"
_TAGS = "ner_tags ner tags tag labels label iob bio iob_tags bio_tags entities 标签"
_SPANS = "spans entities ner annotations annotation labels label tags 实体 标注"
NAMES = {
    "text": _TEXT.split(),
    "image": _IMAGE.split(),
    "label": _LABEL.split(),
    "words": _WORDS.split(),
    "tags": _TAGS.split(),
    "spans": _SPANS.split(),
}
STARTS = ("start", "begin", "start_offset", "begin_offset", "start_char", "char_start", "start_index", "开始", "起始")
ENDS = ("end", "stop", "end_offset", "stop_offset", "end_char", "char_end", "end_index", "结束", "终止")
# Two columns of one question; and what tells the second of two with one name from the first.
PAIRS = (
    ("premise", "hypothesis"),
    ("query", "passage"),
    ("query", "document"),
    ("question", "passage"),
    ("question", "sentence"),
    ("claim", "evidence"),
    ("text", "text_pair"),
    ("前提", "假设"),
)
STEMS = ("text", "sentence", "sent", "question", "phrase", "query", "document", "doc", "文本", "句子", "问题", "句")
MARKS = (("1", "2"), ("_1", "_2"), ("a", "b"), ("_a", "_b"), ("", "2"), ("", "_2"), ("一", "二"), ("甲", "乙"))
_IDS = [
    "id",
    "ids",
    "idx",
    "index",
    "uid",
    "uuid",
    "guid",
    "key",
    "no",
    "number",
    "row",
    "rowid",
    "row_id",
    "qid",
    "pid",
    "编号",
    "序号",
]


def normal(name: Any) -> str:
    """A column's name as names are compared: no case, no surrounding whitespace, no BOM."""
    return re.sub(r"[\s\-]+", "_", str(name).strip(" \t\r\n\ufeff\"'").lower())


def pairs() -> tuple[tuple[str, str], ...]:
    """The names of first and second texts."""
    return (*PAIRS, *((stem + one, stem + other) for stem in STEMS for one, other in MARKS))


KNOWN = {name for role in ("text", "image", "label", "words") for name in NAMES[role]}
KNOWN |= {name for pair in pairs() for name in pair}


def pair_in(names: Sequence[str]) -> tuple[str, str] | None:
    """The columns that their names tell to hold first and second texts."""
    own = {normal(name): name for name in reversed(names)}
    return next(((own[one], own[other]) for one, other in pairs() if one in own and other in own), None)


def first_named(names: Sequence[str], known: Sequence[str]) -> str | None:
    """The column whose whole name is the first of the known ones."""
    own: Mapping[str, str] = {normal(name): name for name in reversed(names)}
    return next((own[name] for name in known if name in own), None)


def is_id(name: str) -> bool:
    """Whether a column's name says that it numbers the rows."""
    plain = normal(name)
    return plain in _IDS or plain.endswith("_id") or plain.startswith("unnamed:")
