"""What is wrong with data is repaired by one button, and its copy is gone on with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from hftransfer.jobs import supervisor
from tests import tiny

from . import walk
from .conftest import NewPage, Studio
from .walk import expect


def faulty(path: Path) -> Path:
    """Texts of which one is there twice, one lacks its label, and one was decoded wrongly."""
    table = tiny.table(path).read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*table, table[5], "a day of sun,", "the cafÃ© was lovely,good"]), encoding="utf-8")
    return path


def test_repair_and_go_on(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    walk.give(page, studio.address, faulty(tmp_path / "days.csv"))
    expect(page.locator("#understood")).to_contain_text("2 rows are the same as others")
    expect(page.locator("#repair")).to_be_visible()
    walk.look(page, tmp_path, "faulty")
    page.locator("#repair").click()
    expect(page.locator("#understood")).to_contain_text("Repaired in this copy", timeout=walk.LONG)
    expect(page.locator("#understood")).not_to_contain_text("2 rows are the same as others")
    expect(page.locator("#understood")).to_contain_text("41 examples")
    expect(page.locator("#repair")).to_be_hidden()
    expect(page.locator("#to-train")).to_be_enabled()
    page.locator("#understood summary").click()
    expect(page.locator("#understood details")).to_contain_text("left out of this copy: 2")
    expect(page.locator("#understood details li")).to_contain_text(["No label", "The same as another row"])
    walk.look(page, tmp_path, "repaired")
    owner = supervisor.owner_of(page.evaluate("window.hftransferOwner"))
    (copy, before) = studio.store.listed(owner, kind="check")[:2]
    places = [Path(asked(studio, job.id)["source"]) for job in (copy, before)]
    assert places[0].parts[:-2] == places[1].parts[:-2]  # among the uploads of the same visitor
    gone = list(csv.DictReader(io.StringIO((places[0] / "left-out.csv").read_text(encoding="utf-8-sig"))))
    assert {row["code"] for row in gone} == {"exact-duplicate", "missing-label"}
    page.reload()
    expect(page.locator("#understood")).to_contain_text("Repaired in this copy")


@pytest.mark.slow
def test_sound_data_has_no_such_button_and_chinese_has_its_words(
    studio: Studio, new_page: NewPage, tmp_path: Path
) -> None:
    page = new_page(locale="zh-CN")
    page.goto(studio.address)
    page.get_by_role("button", name="客服消息").click()
    expect(page.locator("#to-train")).to_be_enabled(timeout=walk.LONG)
    expect(page.locator("#repair")).to_be_hidden()
    page.locator("#upload input[type=file]").set_input_files(str(faulty(tmp_path / "days.csv")))
    expect(page.locator("#repair")).to_contain_text("修复并继续", timeout=walk.LONG)
    expect(page.locator("#understood")).to_contain_text("有 2 行与其他行相同：保留 1 行就够了")


def in_conflict(path: Path) -> Path:
    """Texts of which those of one class are all there with the other label too: a copy would hold one class."""
    good = [f"a day of sun number {number},good" for number in range(12)]
    both = [f"rain and fog number {number},{label}" for number in range(4) for label in ("good", "bad")]
    path.write_text("\n".join(["text,label", *good, *both]), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_repair_that_fails_leaves_the_data(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    walk.give(page, studio.address, in_conflict(tmp_path / "days.csv"))
    before = page.url
    page.locator("#repair").click()
    expect(page.locator("#understood .hft-failure")).to_be_visible(timeout=walk.LONG)
    expect(page.locator("#understood")).to_contain_text("20 examples")
    expect(page.locator("#understood")).not_to_contain_text("partial")
    expect(page.locator("#to-train")).to_be_enabled()
    expect(page.locator("#repair")).to_be_visible()
    walk.look(page, tmp_path, "not-repaired")
    assert page.url == before
    page.reload()
    expect(page.locator("#understood")).to_contain_text("20 examples")
    expect(page.locator("#to-train")).to_be_enabled()


@pytest.mark.slow
def test_what_names_persons_is_left_out_of_check_copy_and_training(
    studio: Studio, new_page: NewPage, bert: Path, tmp_path: Path
) -> None:
    lines = faulty(tmp_path / "days.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "days.csv").write_text("\n".join([*lines, "write to joe.doe@mail.com,good"]), encoding="utf-8")
    page = new_page(dark=True)
    walk.give(page, studio.address, tmp_path / "days.csv")
    page.locator("#redact input").check()
    expect(page.locator("#understood")).to_contain_text("are read as [email]", timeout=walk.LONG)
    expect(page.locator("#redact input")).to_be_checked()
    page.locator("#redact input").uncheck()
    expect(page.locator("#understood")).to_contain_text("1 row: with e-mail addresses", timeout=walk.LONG)
    page.locator("#redact input").check()
    expect(page.locator("#understood")).to_contain_text("are read as [email]", timeout=walk.LONG)
    walk.look(page, tmp_path, "redacted")
    page.locator("#repair").click()
    expect(page.locator("#understood")).to_contain_text("Written as [email]", timeout=walk.LONG)
    owner = supervisor.owner_of(page.evaluate("window.hftransferOwner"))
    copy = studio.store.listed(owner, kind="check")[0]
    source = Path(asked(studio, copy.id)["source"])
    assert "joe.doe" not in "".join(path.read_text("utf-8") for path in source.glob("*.jsonl"))
    walk.train(page, bert, strategy="feature-extraction")
    walk.done(page)
    assert asked(studio, studio.store.listed(owner, kind="train")[0].id)["recipe"]["redact"] is True


def asked(studio: Studio, id: str) -> dict[str, Any]:
    return json.loads((studio.home / "jobs" / id / "request.json").read_text("utf-8"))
