"""The report: what is written, what is read back, and that the page is safe to open."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftransfer.errors import SourceError, SourceMissing
from hftransfer.results.report import read_report, write_report
from hftransfer.values import Interval

HOSTILE = '<img src=x onerror="alert(1)">'


class Elements(HTMLParser):
    """Every element and attribute, and the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._styling = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._styling = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._styling:
            self.text += " ".join(data.split()) + " "


def run(**changes: Any) -> dict[str, Any]:
    facts = {
        "model": "digits",
        "task": "image-classification",
        "backbone": "some/backbone",
        "backbone_revision": "0123abc",
        "strategy": "full",
        "labels": ["cat", "dog", "owl"],
        "evaluated_on": "test",
        "rows": {"train": 1400, "validation": 30, "test": 30},
        "metrics": {"accuracy": {"value": 0.8, "low": 0.667, "high": 0.933}},
        "per_label": {
            name: {"precision": 0.8, "recall": 0.9, "f1": 0.85, "support": 10} for name in ("cat", "dog", "owl")
        },
        "confusion": [[9, 1, 0], [0, 10, 0], [1, 4, 5]],
        "seconds": {"total": 12.5, "load": 1.0, "features": 4.0, "train": 7.0, "evaluate": 0.5},
        "source": "pets.zip",
        "notes": ["A validation split was set aside.", "Twice there"],
        "problems": [{"code": "x", "severity": "warning", "where": "a.png", "message": "Twice there", "fix": "Remove"}],
        "history": [{"phase": "full", "step": 1, "loss": 1.0}, {"phase": "full", "step": 2, "loss": float("nan")}],
        "recipe": {"strategy": "full", "epochs": None, "seed": 42},
        "versions": {"torch": "2.15"},
        "peak_memory_mb": 1432.5,
    }
    return {**facts, **changes}


def written(folder: Path, facts: dict[str, Any]) -> str:
    write_report(facts, folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_files(tmp_path: Path) -> None:
    write_report(run(), tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"report.json", "report.html", "confusion_matrix.png", "learning_curve.png"}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_report(run(), tmp_path)
    facts = run()
    facts["history"][1]["loss"] = None  # JSON has no NaN
    assert read_report(tmp_path) == facts


def test_json_is_plain_strict_and_begins_with_the_model(tmp_path: Path) -> None:
    odd = run(
        metrics={"accuracy": Interval(np.float64(0.5), 0.4, 0.6)},
        confusion=np.eye(3, dtype=np.int64),
        labels=("猫", "dog", "owl"),
        zebra=np.float32(0.5),
        where=Path("a/b"),
    )
    write_report(odd, tmp_path)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    facts = json.loads(text, parse_constant=pytest.fail)
    assert facts["metrics"]["accuracy"] == {"value": 0.5, "low": 0.4, "high": 0.6}
    assert (facts["confusion"][0], facts["zebra"], facts["where"]) == ([1, 0, 0], 0.5, str(Path("a/b")))
    assert "猫" in text
    assert list(facts)[0] == "model" and list(facts)[-1] == "zebra"


def test_the_page_says_what_happened(tmp_path: Path) -> None:
    text = Elements(written(tmp_path, run())).text.replace("\N{NO-BREAK SPACE}", " ")
    for phrase in (
        "some/backbone",
        "on 1,400 images from",
        "to tell 3 labels apart",
        "measured on 30 images that it had not seen",
        "80.0 %",
        "66.7 % and 93.3 %",
        "frequent label would get 33.3 %",
        "owl taken for dog 4 of 10",
        "Twice there",
        "A validation split was set aside.",
        "12.5 s in all, 1.4 GB",
        "features 4.0 s",
        "seed 42",
        "derived when needed: epochs",
        "0123abc",
        "torch 2.15",
    ):
        assert phrase in text
    assert text.count("Twice there") == 1, "a note that is a problem as well is told once"


def test_the_style_says_everything_once() -> None:
    style = files("hftransfer.results").joinpath("report.css").read_text(encoding="utf-8")
    selectors = [line.split("{")[0].strip() for line in style.splitlines() if not line.startswith("@")]
    assert [selector for selector in selectors if selectors.count(selector) > 1] == []


def test_a_report_on_validation_says_so(tmp_path: Path) -> None:
    text = Elements(written(tmp_path, run(evaluated_on="validation"))).text
    assert "there was no test split" in text and "had not seen" not in text


def test_the_page_asks_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    elements = Elements(written(tmp_path, run()))
    sources = [
        value for _, given in elements.tags for name, value in given.items() if name in ("src", "srcset", "href")
    ]
    assert len(sources) == 4 and all(str(source).startswith("data:image/png;base64,") for source in sources)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page and "url(" not in page and "@import" not in page


def test_nothing_from_the_data_becomes_markup(tmp_path: Path) -> None:
    plain = Elements(written(tmp_path, run()))
    hostile = run(
        **dict.fromkeys(("model", "backbone", "backbone_revision", "strategy", "source"), HOSTILE),
        task=HOSTILE,
        labels=[HOSTILE, "dog", "owl"],
        metrics={HOSTILE: {"value": 0.8, "low": 0.7, "high": 0.9}},
        per_label={HOSTILE: {"precision": 0.8, "recall": 0.9, "f1": 0.85, "support": 10}},
        notes=[HOSTILE],
        problems=[dict.fromkeys(("code", "severity", "where", "message", "fix"), HOSTILE)],
        recipe={HOSTILE: HOSTILE, "epochs": None},
        versions={HOSTILE: HOSTILE},
        seconds={"total": 1.0, HOSTILE: 1.0},
        rows={"train": 3, HOSTILE: 3},
        history=[{"phase": HOSTILE, "step": 1, "loss": 1.0}],
    )
    elements = Elements(written(tmp_path, hostile))
    allowed = {name for _, given in plain.tags for name in given}
    assert {name for _, given in elements.tags for name in given} <= allowed
    assert {tag for tag, _ in elements.tags} <= {tag for tag, _ in plain.tags}
    assert [given["alt"] for tag, given in elements.tags if tag == "img"] == ["Confusion matrix", "Learning curve"]
    assert elements.text.count(HOSTILE) > 15


def test_labels_that_the_pictures_show_by_number_are_named(tmp_path: Path) -> None:
    private = "\ue123"  # a character that no font has
    text = Elements(written(tmp_path, run(labels=["cat", private, "owl"]))).text
    assert f"2 = {private}" in text


def test_many_labels_are_folded_behind_the_weakest(tmp_path: Path) -> None:
    names = [f"label {number}" for number in range(60)]
    table = {
        name: {"precision": 0.5, "recall": 0.5, "f1": number / 60, "support": 1} for number, name in enumerate(names)
    }
    facts = run(labels=names, per_label=table, confusion=np.eye(60, dtype=int))
    text = Elements(written(tmp_path, facts)).text
    assert "The weakest 12" in text and "All 60 labels" in text and "No label was taken for another" in text


@pytest.mark.parametrize("name", run())
def test_any_fact_may_be_absent_or_null(name: str, tmp_path: Path) -> None:
    facts = run()
    del facts[name]
    assert "fine-tuned" in written(tmp_path, facts)
    assert "fine-tuned" in written(tmp_path, run(**{name: None}))


def test_no_facts_at_all(tmp_path: Path) -> None:
    assert "fine-tuned" in written(tmp_path, {})
    assert read_report(tmp_path) == {}


def test_figures_of_another_family_are_shown_as_they_are(tmp_path: Path) -> None:
    text = Elements(written(tmp_path, run(metrics={"mae": {"value": 3.25, "low": 3.0, "high": 3.5}}))).text
    assert "3.250" in text and "3.000 – 3.500" in text


def test_a_failed_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(run(), tmp_path)
    before = [(tmp_path / name).read_bytes() for name in ("report.html", "report.json")]
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(run(model="other"), tmp_path)
    assert [(tmp_path / name).read_bytes() for name in ("report.html", "report.json")] == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_no_report(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no report"):
        read_report(tmp_path)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
def test_a_malformed_report(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_report(tmp_path)
    assert "report.json" in caught.value.place and caught.value.fix
