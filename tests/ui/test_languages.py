"""What a visitor reads: the language of their request, and the core's own sentences in it."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import pytest
from gradio.context import LocalContext

from hftransfer.data import sources
from hftransfer.errors import HFTransferError
from hftransfer.jobs import supervisor
from hftransfer.models.loading import load_backbone
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.ui.labels import label
from hftransfer.ui.languages import ENGLISH, LANGUAGES, MAINLAND, TAIWAN, chosen, spoken, table
from hftransfer.ui.languages.messages import translated, translated_parts
from hftransfer.ui.words import EN, known, say
from tests import tiny

BOMB = '<img src=x onerror="window.owned=1">{0}{}&amp;'
Asking = Callable[[str], None]


@pytest.fixture
def asking() -> Iterator[Asking]:
    """As Gradio does around a handler: the request that is being answered asks for a language."""

    def ask(header: str) -> None:
        LocalContext.request.set(gr.Request(headers={"accept-language": header}))

    yield ask
    LocalContext.request.set(None)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", MAINLAND),
        ("zh", MAINLAND),
        ("zh-SG", MAINLAND),
        ("zh-Hans-HK", MAINLAND),
        ("ZH-tw", TAIWAN),
        ("zh-HK", TAIWAN),
        ("zh-MO, en", TAIWAN),
        ("zh-Hant", TAIWAN),
        ("en-GB, zh-CN;q=0.9", ENGLISH),
        ("en;q=0.2, zh-TW;q=0.7", TAIWAN),
        ("fr, zh-CN;q=0.5", MAINLAND),
        ("zh;q=0, en", ENGLISH),
        ("fr", ENGLISH),
        ("*", ENGLISH),
        ("", ENGLISH),
        ("zh;q=much", ENGLISH),
        (";;,,=", ENGLISH),
    ],
)
def test_the_language_is_the_best_of_those_asked_for(header: str, language: str) -> None:
    assert chosen(header) == language


def test_texts_follow_the_request_and_are_english_without_one(asking: Asking) -> None:
    assert say("train.start") == "Train"
    asking("zh-CN")
    assert say("train.start") == "开始训练"
    assert say("train.score", metric="accuracy", split="test") == "测试集上的准确率"
    assert known("task.text-classification", "?") == "文本分类" and known("task.none", "?") == "?"
    asking("zh-HK")
    assert known("task.image-classification", "?") == "影像分類"
    asking("de")
    assert say("train.score", metric="accuracy", split="test") == "accuracy on test"


def test_a_thread_of_a_handler_has_no_request(asking: Asking) -> None:
    asking("zh-CN")
    heard: list[str] = []
    thread = threading.Thread(target=lambda: heard.append(spoken()))
    thread.start()
    thread.join()
    assert (spoken(), heard) == (MAINLAND, [ENGLISH])


def test_a_label_is_a_key_or_one_of_the_forms_own_texts() -> None:
    assert label("train.start").key == "train.start" and label("Batch size").key == "Batch size"
    with pytest.raises(KeyError):
        label("train.strat")


def one_class(folder: Path) -> None:
    (folder / "t.csv").write_text("text,label\n" + f'a day,"{BOMB.replace(chr(34), chr(34) * 2)}"\n' * 9)
    sources.check(folder / "t.csv", Recipe())


def broken_zip(folder: Path) -> None:
    (folder / "t.zip").write_bytes(b"PK no zip")
    sources.check(folder / "t.zip", Recipe())


def empty_file(folder: Path) -> None:
    (folder / "t.csv").write_text("")
    sources.check(folder / "t.csv", Recipe())


def class_without_images(folder: Path) -> None:
    with zipfile.ZipFile(folder / "t.zip", "w") as archive:
        for number in range(9):
            archive.writestr(f"owl/{number}.png", tiny.picture("amber", number))
        archive.writestr("no label/1.png", b"no picture")
        archive.writestr("no label/2.png", b"")
    sources.check(folder / "t.zip", Recipe())


def unknown_backbone(folder: Path) -> None:
    load_backbone(get_task("text-classification"), ("a", "b"), Recipe(backbone="starter:none"))


def unknown_job(folder: Path) -> None:
    supervisor.find("nothing", "nobody")


def wrong_choice(folder: Path) -> None:
    Recipe(epochs=-3)


@pytest.mark.parametrize(
    ("fail", "cause", "fix"),
    [
        (one_class, f"只有一个类别“{BOMB}”", "请至少再加入一个类别的样本"),
        (broken_zip, "这不是 zip 压缩包，或者已损坏", "请把数据重新打包成 zip"),
        (empty_file, "表格是空的", "请提供每个样本一行的表格"),
        (
            class_without_images,
            "类别“no label”只剩下 0 行，因为有 2 行未采用：没有可以解码的图片（no label/1.png, no label/2.png）",
            "请替换或删除这些文件",
        ),
        (unknown_backbone, "没有“starter:none”", "starter:text 随 hftransfer 附带"),
        (unknown_job, "这里没有这样的训练", "请在启动它的浏览器里打开，或使用它的完整网址"),
        (wrong_choice, "epochs 的值是 -3", "请在 0.01 到 10000 之间选择"),
    ],
)
def test_real_errors_come_out_in_chinese(
    fail: Callable[[Path], None], cause: str, fix: str, tmp_path: Path, asking: Asking
) -> None:
    with pytest.raises(HFTransferError) as raised:
        fail(tmp_path)
    told = raised.value.to_json()
    assert translated_parts(told) == told
    asking("zh-CN")
    assert translated_parts(told) == {**told, "cause": cause, "fix": fix}


def test_a_place_stays_as_it_is_even_where_it_is_called_like_a_message() -> None:
    told = {"cause": "no label", "place": "no label", "fix": "no label", "kind": "no label", "columns": ["no label"]}
    assert translated_parts(told, TAIWAN) == {**told, "cause": "沒有標籤", "fix": "沒有標籤"}


def test_what_a_check_found_comes_out_in_chinese(tmp_path: Path) -> None:
    rows = [f"day {number},{'good' if number % 2 else 'bad'}" for number in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["text,label", *rows, "a day,", ",good"]))
    told = [translated_parts(problem, MAINLAND) for problem in sources.check(tmp_path / "t.csv", Recipe())["problems"]]
    assert {(problem["message"], problem["fix"]) for problem in told} >= {
        ("有 1 行未采用：没有标签", "请补上标签，或删除这些行；多标签数据中没有任何标签的行请写 []"),
        ("有 1 行未采用：没有文本", "请补上文本，或删除这些行"),
    }
    assert any("t.csv" in problem["where"] for problem in told)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("2 rows set aside: no label (a.csv:3); 1 row set aside: no text (a.csv:4)",)
        + ("有 2 行未采用：没有标签（a.csv:3）；有 1 行未采用：没有文本（a.csv:4）",),
        ("1 file was left out: no label, …", "略去了 1 个文件：no label, …"),
        (
            "class 'a; b' has no row left: 1 row set aside: no label (f)",
            "类别“a; b”只剩下 0 行，因为有 1 行未采用：没有标签（f）",
        ),
        ("class 'x' has 1 row: it cannot be learned and measured", "类别“x”只有 1 行：太少，无法既用来学习又用来评估"),
        (
            "class '1 row' has 2 rows: it cannot be learned and measured",
            "类别“1 row”只有 2 行：太少，无法既用来学习又用来评估",
        ),
        ("Set aside from train, of each class alike, by seed 42: validation (5 rows) and test (6 rows)",)
        + ("已从训练集中按类别等比例划出（随机种子 42）：验证集（5 行）和测试集（6 行）",),
        ("it comes with hftransfer; a/b would be better, but https://hub did not answer within 0.9 s",)
        + ("它随 hftransfer 附带；a/b 会更好，但在 0.9 秒内没有等到 https://hub 的响应",),
        (f"there is no column '{BOMB}'", f"没有名为“{BOMB}”的列"),
        ("cannot write there: No space left on device", "无法写入那里：磁盘空间不足"),
        ("cannot write there: a wall", "无法写入那里：a wall"),
        ("the usual recipe is the best of 1 on validation", "“常规配方”是 1 次试验中在验证集上最好的"),
        ("trying trial 1: strategy lp-ft, learning_rate 3e-05",)
        + ("正在尝试“第 1 次试验”：策略 先探测后微调，学习率 3e-05",),
        ("trying full: it is said, not known", "正在尝试“全量微调”：it is said, not known"),
    ],
)
def test_gaps_hold_messages_lists_and_users_words(english: str, chinese: str) -> None:
    assert translated(english, MAINLAND) == chinese


@pytest.mark.parametrize(
    "text",
    [
        "the moon is full",
        "a table of many rows",
        "cats and dogs",
        "an owl (a bird)",
        "here: reading is hard (very)",
        "",
        "x" * 100_000,
        "; ".join(["so and so"] * 2000),
        BOMB,
    ],
)
def test_what_is_no_message_stays_as_it_is(text: str) -> None:
    assert [translated(text, language) for language in LANGUAGES] == [text] * len(LANGUAGES)


def test_each_message_is_found_in_its_own_english() -> None:
    """No other template takes it away: with gaps that hold a number, every sentence comes out as its own."""
    for language in LANGUAGES:
        for english, target in table(language, "messages").items():
            if "part}" not in target and english not in EN:
                filled = english.replace("{}", "7")
                wanted = target
                for number in range(english.count("{}")):
                    for kind in ("", ":message", ":choices", ":number", ":word"):
                        wanted = wanted.replace(f"{{{number}{kind}}}", "7")
                    wanted = wanted.replace(f"{{{number}:drop}}", "")
                assert translated(filled, language) == wanted, english
