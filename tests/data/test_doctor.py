"""The doctor: each fault in a file made for it, told with its place; and no alarm where there is none."""

from __future__ import annotations

import io
import json

import datasets
import numpy as np
import pytest
from PIL import Image, ImageFilter

from hftransfer.data import load_data, repair
from hftransfer.data.doctor import diagnosis
from hftransfer.data.doctor.edits import edited
from hftransfer.data.doctor.personal import personal
from hftransfer.data.labels.reading import Reading
from hftransfer.data.sources import check
from hftransfer.errors import RecipeError
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from hftransfer.values import silent

WORDS = """
    river stone winter letter garden silver bridge morning window paper forest candle doctor summer
    yellow market kitchen island mirror thunder pocket ladder ribbon engine village orange hammer
""".split()  # noqa: SIM905

PLAIN = Recipe()


def sentence(seed: int, words: int = 9) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, words, replace=False))


def rows_of(count: int, start: int = 0) -> list[tuple[str, str]]:
    return [(sentence(seed), "ab"[seed % 2]) for seed in range(start, start + count)]


def lines(rows) -> str:
    return "".join(json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n" for text, label in rows)


def found(source, recipe: Recipe = PLAIN):
    """What is told of a source, by code; what is told of any is left out."""
    problems = load_data(source, recipe).problems
    return {problem.code: problem for problem in problems if problem.code not in ("carved-splits", "recognised-task")}


def test_nothing_is_said_of_good_texts_and_images(table, class_folders):
    assert found(table("good.jsonl", lines(rows_of(120)))) == {}
    assert found(class_folders({"cat": 40, "dog": 40})) == {}
    assert found("sample:helpdesk") == found("sample:digits") == {}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("mojibake", "the cafÃ© was lovely this evening"),
        ("mojibake", "å¤©æ°\x94å¾\x88å¥½"),
        ("hidden-characters", "\ufeffa mark of byte order stands here"),
        ("hidden-characters", "zero\u200bwidth and a bell \x07"),
        ("lost-characters", "what once was a na\ufffdve letter"),
        ("whitespace-text", "  pushed to the right by spaces"),
        ("personal-data", "write to jane.doe@example.org about it"),
        ("personal-data", "call me at +44 20 7946 0958 tonight"),
    ],
)
def test_what_is_wrong_inside_texts(table, code, text):
    problem = found(
        table("t.jsonl", lines([*rows_of(20), (text, "a"), *rows_of(7, 100), (f"{text} again, twice", "b")]))
    )[code]
    assert problem.where == "t.jsonl:21, t.jsonl:29" and problem.message.startswith("2 rows") and problem.fix
    assert text.strip() not in problem.message


@pytest.mark.parametrize(
    "text",
    ["naïve café, ça va, Größe, 你好，世界", "“quoted” – and … more", "👩‍👩‍👧 می‌خواهم", "tabs\tand\nlines"],
)
def test_texts_that_are_as_they_should_be(table, text):
    assert found(table("t.jsonl", lines([*rows_of(20), (text, "a")]))) == {}


def test_personal_data_is_not_shown(table):
    problem = found(table("t.jsonl", lines([*rows_of(20), ("mail jane@example.org", "a")])))["personal-data"]
    assert "jane" not in json.dumps(problem.to_json())


@pytest.mark.parametrize(
    "ways",
    [
        ("Cat", "cat"),
        ("cat", "CAT"),
        ("ｃａｔ", "cat"),
        ("big  cat", "big cat"),
        ("cafe\u0301", "café"),
        ("cafÃ©", "café"),
    ],
)
def test_one_label_in_two_ways(table, ways):
    odd, usual = ways
    rows = [(sentence(seed), "dog" if seed % 2 else odd if seed == 4 else usual) for seed in range(40)]
    problem = found(table("t.jsonl", lines(rows)))["label-spelling"]
    assert problem.where == "t.jsonl:5" and f"'{odd}' and '{usual}'" in problem.message


@pytest.mark.parametrize(
    ("first", "second", "best"), [("ｃａｔ", "cat", "cat"), ("cat", "Cat", "cat"), ("Cat", "cat", "Cat")]
)
def test_of_ways_that_are_as_frequent_the_plain_one_is_taken(table, first, second, best):
    rows = [(sentence(seed), (first, "dog", second, "dog")[seed % 4]) for seed in range(40)]
    odd = second if best == first else first
    assert f"'{odd}' and '{best}'" in found(table("t.jsonl", lines(rows)))["label-spelling"].message


def test_the_same_rows_in_another_file(table):
    """What was found in them before is told with this one's name."""
    rows = lines([(sentence(seed), "rare" if seed % 30 == 0 else "usual") for seed in range(240)])
    for folder in ("hers", "his"):
        assert found(table(f"{folder}/train.jsonl", rows).parent)["imbalance"].where.endswith(folder)


def test_letters_are_labels_of_their_own(table):
    rows = [(sentence(seed), "Aab"[seed % 3]) for seed in range(60)]
    assert "label-spelling" not in found(table("t.jsonl", lines(rows)))


def test_spellings_in_lists_and_of_kinds_of_entities(table):
    several = [(sentence(seed), json.dumps([["Red", "red", "blue"][seed % 3], "big"])) for seed in range(30)]
    assert "'red' and 'Red'" in found(table("m.jsonl", lines(several)))["label-spelling"].message
    tags = [(f"ann went home {sentence(seed)}", "0:3:Per" if seed == 2 else "0:3:PER") for seed in range(20)]
    assert "'Per' and 'PER'" in found(table("t.jsonl", lines(tags)))["label-spelling"].message


def test_classes_out_of_balance(table):
    rows = [(sentence(seed), "rare" if seed % 30 == 0 else "usual") for seed in range(240)]
    problem = found(table("t.jsonl", lines(rows)))["imbalance"]
    assert problem.severity == "warning" and "'usual' has 232 rows, 'rare' has 8" in problem.message
    rows = [(sentence(seed), "rare" if seed % 10 == 0 else "usual") for seed in range(200)]
    assert "imbalance" not in found(table("u.jsonl", lines(rows)))


def test_labels_of_another_kind(table, tmp_path):
    rows = [(sentence(seed), str(seed + 0.5)) for seed in range(200)]
    rows[7] = rows[7][0], "many"
    source = table("t.jsonl", lines(rows))
    assert found(source)["unreadable-label"].where == "t.jsonl:8"
    report = repair(source, PLAIN, tmp_path / "clean")
    assert [(row["code"], row["count"]) for row in report["repaired"]] == [("unreadable-label", 1)]
    assert "unreadable-label" not in found(tmp_path / "clean")


def test_numbers_far_off(table):
    rows = [(sentence(seed), f"{1 + seed % 7 / 2 + 0.25}") for seed in range(60)]
    rows[12] = rows[12][0], "900.5"
    problem = found(table("t.jsonl", lines(rows)))["outlier-number"]
    assert problem.where == "t.jsonl:13" and "900.5" in problem.message
    assert "outlier-number" not in found(table("u.jsonl", lines(rows[:12] + rows[13:])))


@pytest.mark.parametrize(
    "give",
    [
        lambda text, label: f"[{label}] {text}",
        lambda text, label: f"{text} #{label}",
        lambda text, label: f"这是{label}的内容 {text}",
        lambda text, label: f"[x1] {text}" if label == "spam" else text,
        lambda text, label: f"{text}!!" if label == "spam" else f"{text}.",
    ],
)
def test_texts_that_give_their_label_away(table, give):
    rows = [(sentence(seed), ("spam", "ham")[seed % 2]) for seed in range(100)]
    assert "label-leak" not in found(table("good.jsonl", lines(rows)))
    problem = found(table("t.jsonl", lines([(give(text, label), label) for text, label in rows])))["label-leak"]
    assert problem.severity == "warning" and "spam" in problem.message and problem.where.startswith("t.jsonl:1, ")


def test_a_word_that_is_frequent_in_a_class_is_no_mark(table):
    rng = np.random.default_rng(0)
    rows = [
        (sentence(seed) + (" great" if rng.random() < (0.8, 0.1)[seed % 2] else ""), "ab"[seed % 2])
        for seed in range(200)
    ]
    assert "label-leak" not in found(table("t.jsonl", lines(rows)))


def test_numbers_that_stand_in_their_texts(table):
    rows = [(f"{sentence(seed)} it got {seed / 8} points", str(seed / 8)) for seed in range(80)]
    assert "label-leak" in found(table("t.jsonl", lines(rows)))
    assert "label-leak" not in found(table("u.jsonl", lines([(t, rows[-1 - n][1]) for n, (t, _) in enumerate(rows)])))


def test_copies_of_texts(table):
    rows = rows_of(30)
    again = [(f"  {rows[3][0].replace(' ', '  ')}", rows[3][1]), (rows[7][0], "a")]
    problems = found(table("t.jsonl", lines([*rows, *again])))
    assert problems["exact-duplicate"].where == "t.jsonl:4, t.jsonl:8, t.jsonl:31, t.jsonl:32"
    assert problems["exact-duplicate"].message == "4 rows are the same as others: 2 would do"
    assert problems["label-conflict"].where == "t.jsonl:8, t.jsonl:32"


NEAR = {
    "The quick brown fox jumps over the lazy dog": "the quick, brown fox jumps – over the lazy dog!",
    "酒店位置很好，离地铁站很近，房间干净整洁": "酒店位置很好，离地铁站很近，房间干净整洁！！",
    "服务员态度也非常热情，下次还会再来，推荐给大家": "服务员态度也非常热情，下次还会再来的，推荐给大家",
    sentence(1, 24): sentence(1, 24) + " candle",
}
FAR = {
    "What is the capital of France ?": "What is the capital of Spain ?",
    "How many people live in the old town": "How many people live in the new town",
    "股市今天上涨了两个百分点": "股市今天下跌了三个百分点",
}


@pytest.mark.parametrize(("one", "other"), [*NEAR.items(), *FAR.items()])
def test_texts_that_are_nearly_the_same(table, one, other):
    near = "near-duplicate" in found(table("t.jsonl", lines([(one, "a"), *rows_of(30), (other, "a")])))
    assert near == (one in NEAR)


def test_numbers_and_tags_conflict_where_they_differ(table):
    rows = [(sentence(seed), f"{seed / 10}") for seed in range(40)]
    close = found(table("a.jsonl", lines([*rows, (rows[20][0], "2.2")])))
    far = found(table("b.jsonl", lines([*rows, (rows[20][0], "3.8")])))
    assert "label-conflict" in far and "label-conflict" not in close and "exact-duplicate" in close
    several = [(sentence(seed), '["x", "y"]' if seed % 2 else '["z"]') for seed in range(40)]
    same = found(table("c.jsonl", lines([*several, (several[1][0], '["y", "x"]')])))
    assert "exact-duplicate" in same and "label-conflict" not in same


def photo(seed: int) -> Image.Image:
    """Soft shapes, as photographs have them."""
    noise = np.random.default_rng(seed).integers(0, 255, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC)


def stored(image: Image.Image, kind: str, **how) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def album(tmp_path, more: dict[str, bytes]):
    root = tmp_path / "album"
    for number in range(24):
        more = {f"{'ab'[number % 2]}/{number:02}.png": stored(photo(number), "PNG"), **more}
    for name, content in more.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.mark.parametrize(
    ("code", "copy"),
    [
        ("exact-duplicate", lambda image: stored(image, "PNG")),
        ("exact-duplicate", lambda image: stored(image, "BMP")),
        ("near-duplicate", lambda image: stored(image, "JPEG", quality=50)),
        ("near-duplicate", lambda image: stored(image.resize((64, 64)), "WEBP", quality=80)),
        ("near-duplicate", lambda image: stored(image.point(lambda level: min(255, level + 12)), "PNG")),
        ("", lambda image: stored(image.transpose(Image.Transpose.ROTATE_180), "PNG")),
    ],
)
def test_copies_of_images(tmp_path, code, copy):
    codes = found(album(tmp_path, {"a/copy.img.png": copy(photo(4))}))
    assert codes.keys() & {"exact-duplicate", "near-duplicate"} == ({code} if code else set())


def test_drawings_that_resemble_each_other_are_no_copies(tmp_path):
    """As digits do, that are written by many hands."""

    def stroke(seed: int) -> bytes:
        page = np.zeros((28, 28), dtype=np.uint8)
        rng = np.random.default_rng(seed)
        place, lean = rng.integers(11, 17), rng.uniform(-0.3, 0.3)
        for line in range(4, 24):
            at = int(place + lean * (line - 14))
            page[line, at : at + 3] = 255
        return stored(Image.fromarray(page).filter(ImageFilter.GaussianBlur(0.6)), "PNG")

    drawn = {stroke(seed): f"a/s{seed}.png" for seed in range(40)}
    assert "near-duplicate" not in found(album(tmp_path, {name: content for content, name in drawn.items()}))


def test_given_splits_do_not_leak(table):
    rows, test = rows_of(60), rows_of(20, 100)
    near = f"{sentence(555, 20)}"
    train = [*rows, test[0], test[3], (near, "a")]
    table("set/train.jsonl", lines(train))
    source = table("set/test.jsonl", lines([*test, (f"{near} candle", "a")])).parent
    data = load_data(source)
    (leak,) = [problem for problem in data.problems if problem.code == "split-leakage"]
    assert leak.where == "train.jsonl:61, train.jsonl:62, train.jsonl:63" and leak.message.startswith(
        "3 rows set aside"
    )
    assert data.rows["test"] == 21 and data.rows["train"] + data.rows["validation"] == 60


def test_a_train_that_is_the_test_stays_and_is_told(table):
    table("set/train.jsonl", lines(rows_of(60)))
    source = table("set/test.jsonl", lines(rows_of(50))).parent
    data = load_data(source)
    told = split_leaks(data)
    assert sum(data.rows.values()) == 110 and "rows of test are in train too" in told[0]


def split_leaks(data) -> list[str]:
    """The codes and the messages of what is told of both sides."""
    return [f"{problem.code}: {problem.message}" for problem in data.problems if problem.code.startswith("split-")]


def test_a_word_that_decides_is_no_leak(table):
    """Rows of one template, of several labels: none goes, and it is said that they are much alike."""
    text = f"the tenant {sentence(1, 24)} and shall {{}} {sentence(2, 12)}"
    rows = [(text.format(("pay", "keep")[n % 2]) + f" {n}", "ab"[n % 2]) for n in range(28)]
    table("set/train.jsonl", lines([*rows_of(60), *rows[:20]]))
    data = load_data(table("set/test.jsonl", lines([*rows_of(20, 100), *rows[20:]])).parent)
    assert data.rows["train"] + data.rows["validation"] == 80
    (told,) = split_leaks(data)
    assert told.startswith("split-overlap: 8 rows of test are nearly the same as rows of train")


def test_the_like_of_a_like_is_no_leak(table):
    """Each text is nearly the next one, and only the last is nearly one of test."""
    words = [f"{WORDS[place % 20]}{place}" for place in range(80)]
    chain = [(" ".join(words[start : start + 30]), "a") for start in range(0, 27, 3)]
    table("set/train.jsonl", lines([*rows_of(60), *chain[:-1]]))
    data = load_data(table("set/test.jsonl", lines([*rows_of(20, 100), chain[-1]])).parent)
    leak, overlap = split_leaks(data)
    assert leak.startswith("split-leakage: 1 row set aside") and overlap.startswith("split-overlap: 1 rows of test")
    assert data.rows["train"] + data.rows["validation"] == 67


def test_copies_go_where_likes_would_be_too_many(table):
    rows, test = rows_of(60, 0), [(f"{sentence(n, 24)}", "ab"[n % 2]) for n in range(300, 340)]
    table("set/train.jsonl", lines([*rows[:30], *((f"{text} candle", label) for text, label in test), test[0]]))
    data = load_data(table("set/test.jsonl", lines(test)).parent)
    leak, overlap = split_leaks(data)
    assert leak.startswith("split-leakage: 1 row set aside") and overlap.startswith("split-overlap: 3")


def test_copies_with_a_number_of_their_own_go_too(table):
    numbered = [(text, str(place + 0.5)) for place, (text, _) in enumerate(rows_of(80))]
    table("set/train.jsonl", lines(numbered[:60]))
    data = load_data(table("set/test.jsonl", lines([*numbered[:4], *numbered[60:]])).parent)
    assert data.task == "text-regression"
    assert split_leaks(data)[0].startswith("split-leakage: 4 rows set aside")


def test_a_validation_that_holds_rows_of_test(table):
    table("set/train.jsonl", lines(rows_of(60)))
    table("set/validation.jsonl", lines(rows_of(20, 100)))
    data = load_data(table("set/test.jsonl", lines(rows_of(20, 115))).parent)
    assert data.rows == {"train": 60, "validation": 15, "test": 20}
    assert split_leaks(data)[0].startswith("split-leakage: 5 rows set aside")
    table("set/test.jsonl", lines(rows_of(20, 102)))
    data = load_data(table("set/validation.jsonl", lines(rows_of(20, 100))).parent)
    assert data.rows["validation"] == 20 and split_leaks(data)[0].startswith("split-overlap: 18 rows of validation")


def test_splits_that_are_made_do_not_leak(table):
    rows = [pair for seed in range(60) for pair in [(sentence(seed, 20), "ab"[seed % 2])] * (1 + seed % 3)]
    rows += [(f"{text} xylophone", label) for text, label in rows[::9]]
    data = load_data(table("t.jsonl", lines(rows)))
    sides: dict[str, set[str]] = {}
    for split, part in data.splits.items():
        for text in part["text"]:
            sides.setdefault(text.removesuffix(" xylophone"), set()).add(split)
    assert len(sides) == 60 and all(len(splits) == 1 for splits in sides.values())
    assert not [problem for problem in data.problems if problem.code == "split-leakage"]
    assert min(data.rows["validation"], data.rows["test"]) > 0.08 * len(rows)


def test_many_that_are_alike_stay_in_train(table):
    rows = rows_of(200) + [(f"{sentence(1, 24)} {number}", "a") for number in range(150)]
    data = load_data(table("t.jsonl", lines(rows)))
    assert data.rows["validation"] == data.rows["test"] == 30
    assert sum(text.startswith(sentence(1, 24)) for text in data.splits["train"]["text"]) == 150


def test_pairs_of_texts_are_compared_as_a_whole(own_home):
    features = datasets.Features(
        {
            "text": datasets.List(datasets.Value("string"), length=2),
            "label": datasets.Value("string"),
            "origin": datasets.Value("string"),
            "digest": datasets.Value("binary"),
        }
    )
    pairs = [[sentence(seed), sentence(seed + 1)] for seed in range(20)] + [
        [sentence(3), sentence(4)],
        ["Ã©tÃ© was hot", "x"],
    ]
    rows = [{"text": pair, "label": str(n / 4), "origin": f"p:{n}", "digest": bytes(8)} for n, pair in enumerate(pairs)]
    part = datasets.Dataset.from_list(rows, features=features)
    task = get_task("text-regression")
    told = diagnosis.diagnose({"all": part}, task, Reading.of(task.target, {"all": part}), "p", silent)
    where = {problem.code: problem.where for problem in told.problems}
    assert where["exact-duplicate"] == "p:3, p:20" and where["mojibake"] == "p:21"
    assert told.copies["all"][[3, 20]].tolist() == [0, 0] and (told.copies["all"] >= 0).sum() == 2


def test_it_is_looked_for_once(table, own_home, monkeypatch):
    source = table("t.jsonl", lines([*rows_of(40), rows_of(1)[0]]))
    first = check(source)
    monkeypatch.setattr(diagnosis, "_found", None)
    assert check(source) == first
    (kept,) = (own_home / "diagnoses").iterdir()
    kept.write_bytes(b"damaged")
    monkeypatch.undo()
    assert check(source) == first
    table("t.jsonl", lines([*rows_of(39), rows_of(1)[0]]))
    assert check(source) != first


def test_redacted_texts(table, own_home):
    rows = [*rows_of(30), ("mail jane@example.org or call 13812345678", "a"), ("card 4111 1111 1111 1111", "b")]
    source = table("t.jsonl", lines(rows))
    data = load_data(source, Recipe(redact=True))
    texts = {text for part in data.splits.values() for text in part["text"]}
    assert {"mail [email] or call [phone]", "card [card]"} <= texts
    told = found(source, Recipe(redact=True))
    assert "personal-data" not in told and told["redacted"].severity == "info"
    kept = b"".join(path.read_bytes() for path in own_home.rglob("*") if path.is_file())
    assert b"[email]" in kept and b"jane@" not in kept and b"4111 1111" not in kept


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("4111 1111 1111 1111 12/26", "[card] 12/26"),
        ("4111 1111 1111 1111 / 123", "[card] / 123"),
        ("on 12 4111 1111 1111 1111", "on 12 [card]"),
        ("4111  1111  1111  1111, 3782 822463 10005", "[card], [card]"),
        ("4111–1111–1111–1111 visa4111111111111111", "[card] visa4111111111111111"),
        ("４１１１ １１１１ １１１１ １１１１", "[card]"),
        ("My number is 555-123-4567 or (555) 123-4567", "My number is [phone] or [phone]"),
        ("(02) 2345-6789 my new number 5551234567", "[phone] my new number [phone]"),
        ("wechat13812345678 tel.4155552671 _13812345678_", "wechat[phone] tel.[phone] _[phone]_"),
        ("电话１３８１２３４５６７８，13912345678,13712345678", "电话[phone]，[phone],[phone]"),
        ("￥150（13812345678李", "￥150（[phone]李"),
        ("555\u2011123\u20114567, 12 (555) 123-4567", "[phone], 12 [phone]"),
        ("info@münchen.de 张三@qq.com 发zhang@qq.com谢谢", "[email] [email] 发[email]谢谢"),
        ("13812345678@qq.com,иван@пример.рф,jane＠example．org", "[email],[email],[email]"),
    ],
)
def test_addresses_and_numbers_as_people_write_them(text, without):
    assert edited(text, personal(text)) == without


@pytest.mark.parametrize(
    "text",
    [
        "2019 2020 2021 2022 or 1998–2001, 2023-2024 13:45, 12.11.2024, ２０２４－１１－２１",
        "$1,234,567.89, 4,111,111,111,111, 10 000 000, between 1000000-2000000",
        "3.14159265358979 0.4111111111111111 0.13812345678 13812345678.5 v1.13812345678",
        "call 192.168.100.200, isbn 978-3-16-148410-0",
        "order number 5551234567, Nr. 12345678, SKU13812345678X, abc4155552671, id=4111111111111111",
        "https://x.org/status/4111111111111111 IMG_20231112_123456 4111 1111 1111 1112",
        "RT @user: 5 @ 3.50, a@b, score 110-108 102-98",
    ],
)
def test_other_numbers_are_no_ones(text):
    assert personal(text) == []


def test_redacted_words_keep_their_places(table):
    text = "Ann Lee at ann.lee@example.org or +1 212 555 0187 today"
    rows = [(f"{text} {sentence(seed)}", "0:7:PER;50:55:DAY") for seed in range(12)]
    data = load_data(table("t.jsonl", lines(rows)), Recipe(redact=True))
    row = data.splits["train"][0]
    said = [(row["text"][word["start"] : word["end"]], data.labels[word["tag"]]) for word in row["label"]]
    assert [word for word, _ in said[:7]] == ["Ann", "Lee", "at", "[email]", "or", "[phone]", "today"]
    assert [tag for _, tag in said[:8]] == ["B-PER", "I-PER", "O", "O", "O", "O", "B-DAY", "O"]


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_redact_is_yes_or_no(value):
    with pytest.raises(RecipeError, match="no yes or no"):
        Recipe(redact=value)
