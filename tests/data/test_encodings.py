"""Texts in class folders that are not UTF-8: each is too short to say what it is in, all of them together say it."""

from __future__ import annotations

import codecs

import pytest

from hftransfer.data import load_data

MARK = "byte-order-mark"
GOOD = ("味道很好，下次还来", "非常满意", "孩子很喜欢这个玩具", "性价比高", "好评", "包装很好，没有破损", "颜色很漂亮")
BAD = ("物流太慢了", "质量很差", "手机屏幕碎了，要求退货", "很失望，和图片完全不一样", "差评", "尺码偏小", "噪音太大")
SIMPLIFIED = {"good": GOOD, "bad": BAD}
TRADITIONAL = {
    "good": ("味道很好，下次還來", "非常滿意", "孩子很喜歡這個玩具", "包裝很好，沒有破損", "顏色很漂亮", "品質不錯"),
    "bad": ("物流太慢了", "品質很差", "手機螢幕碎了，要求退貨", "很失望，和圖片完全不一樣", "噪音太大", "尺寸偏小"),
}
WESTERN = {
    "good": ("Le café était très bon", "Mañana otra vez", "Schöne Straße", "À bientôt", "Señor, ¡qué día!", "génial"),
    "bad": ("déçu", "Das war übel", "¿Qué tal? Fría", "très mauvais", "Zu spät geöffnet", "plutôt raté"),
}
KOREAN = {
    "good": ("음식이 정말 맛있어요", "품질이 좋고 가격도 저렴합니다", "아이가 좋아해요", "추천합니다", "또 살게요"),
    "bad": ("배송이 너무 느려요", "최악입니다", "다시는 안 사요", "별로", "환불해 주세요"),
}


def folders(table, texts, encode):
    for label, lines in texts.items():
        for number, line in enumerate(lines):
            table(f"reviews/{label}/{number}.txt", encode(line, number))
    return table("reviews/notes.md", "what these are").parent


def read(data) -> set[tuple[str, str]]:
    return {(row["text"], data.labels[row["label"]]) for rows in data.splits.values() for row in rows}


def as_said(texts) -> set[tuple[str, str]]:
    return {(line, label) for label, lines in texts.items() for line in lines}


@pytest.mark.parametrize(
    ("encoding", "texts"),
    [("gb18030", SIMPLIFIED), ("big5", TRADITIONAL), ("cp1252", WESTERN), ("euc_kr", KOREAN)],
)
def test_short_texts_are_read_as_all_of_them_say(table, encoding, texts):
    data = load_data(folders(table, texts, lambda line, number: line.encode(encoding)))
    assert read(data) == as_said(texts)
    (told,) = (problem for problem in data.problems if problem.code == "encoding")
    assert told.message.endswith(f"files are not in UTF-8: they were read as {encoding}")
    assert told.message.startswith(str(len(as_said(texts)))) and "bad/0.txt" in told.where


def test_those_that_are_utf8_are_read_as_that(table):
    encoded = ("utf-8", "gb18030")
    data = load_data(folders(table, SIMPLIFIED, lambda line, number: line.encode(encoded[number % 2])))
    assert read(data) == as_said(SIMPLIFIED)
    (told,) = (problem for problem in data.problems if problem.code == "encoding")
    assert told.message.startswith("6 files are not in UTF-8") and "bad/1.txt" in told.where


def test_marks_are_told(table):
    marks = {0: (codecs.BOM_UTF8, "utf-8"), 1: (codecs.BOM_UTF16_LE, "utf-16-le"), 2: (b"", "gb18030")}

    def encode(line: str, number: int) -> bytes:
        mark, encoding = marks.get(number, (b"", "utf-8"))
        return mark + line.encode(encoding)

    data = load_data(folders(table, SIMPLIFIED, encode))
    assert read(data) == as_said(SIMPLIFIED)
    told = {(problem.code, problem.message) for problem in data.problems if problem.code in ("encoding", MARK)}
    assert told == {
        (MARK, "2 files begin with a byte order mark, which was left out"),
        ("encoding", "2 files are not in UTF-8: they were read as utf-16"),
        ("encoding", "2 files are not in UTF-8: they were read as gb18030"),
    }


def test_a_table_with_a_mark_of_utf16_is_told(table, messages):
    rows = "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in messages)
    data = load_data(table("days.csv", rows.encode("utf-16")))
    assert "the file is not in UTF-8: it was read as utf-16" in {problem.message for problem in data.problems}


@pytest.mark.parametrize("line", ["好评", "很失望", "孩子很喜欢"])
def test_a_lone_short_text_is_rather_chinese(table, line):
    plain = {"good": ("a fine day", "lovely", "so good", "great"), "bad": ("a poor day", "awful", "so bad", "meh")}
    source = folders(table, plain, lambda text, number: text.encode())
    table("reviews/good/9.txt", line.encode("gb18030"))
    data = load_data(source)
    assert read(data) == as_said(plain) | {(line, "good")}
    assert "the file is not in UTF-8: it was read as gb18030" in {problem.message for problem in data.problems}
