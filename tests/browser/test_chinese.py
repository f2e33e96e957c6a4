"""The whole way in Chinese: whatever is not Chinese on the page is a name, a number or code."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hftransfer.jobs import supervisor
from hftransfer.recipe import STRATEGIES
from tests import tiny

from . import seeded, walk
from .conftest import NewPage, Studio
from .walk import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

# What stays as it is in any language: names of programs, files, formats, options, labels.
NAMES = """
    hftransfer zip tar CSV TSV JSON JSONL Parquet txt Hub Python Transformers Face Hugging GB MB id token tokens bad
    good text label csv days was day the sad happy lovely awful starter image owner name your model Class jpg owner
    broken hf auth login studio huggingface co settings a b of
    Dense ReLU Dropout Mixup CutMix alpha Trainer adamw sgd probe
"""
KNOWN = {word.lower() for word in NAMES.split()} | {part for name in STRATEGIES for part in name.split("-")}


def stray(page: Page) -> set[str]:
    """The English words that a visitor sees, code and commands aside."""
    shown = page.evaluate("""() => {
      const copy = document.body.cloneNode(true);
      const seen = [...document.body.querySelectorAll('*')];
      [...copy.querySelectorAll('*')].forEach((node, place) => {
        const hidden = !seen[place].checkVisibility({visibilityProperty: true});
        if (hidden || ['SCRIPT', 'STYLE', 'PRE', 'SVG'].includes(node.tagName) || node.classList.contains('cm-editor'))
          node.dataset.drop = '1';
      });
      copy.querySelectorAll('[data-drop]').forEach(node => node.remove());
      const held = seen.filter(node => node.checkVisibility()).map(node => node.placeholder || '');
      return copy.textContent + ' ' + held.join(' ');
    }""")
    return {word for word in re.findall(r"[A-Za-z]{2,}", shown) if word.lower() not in KNOWN}


def all_chinese(page: Page, *names: str) -> None:
    """Nothing else is seen, once the server has answered."""
    end = time.monotonic() + 20
    while found := stray(page) - {*names}:
        assert time.monotonic() < end, f"English on a Chinese page: {sorted(found)}"
        page.wait_for_timeout(100)


@pytest.mark.parametrize(
    ("locale", "train", "unit"),
    [("zh-CN", "开始训练", "类别"), pytest.param("zh-TW", "開始訓練", "類別", marks=pytest.mark.slow)],
)
@pytest.mark.slow
def test_the_pages_and_their_errors_are_in_chinese(
    locale: str, train: str, unit: str, studio: Studio, new_page: NewPage, bert: Path, tmp_path: Path
) -> None:
    page = new_page(locale=locale)
    page.goto(studio.address)
    expect(page.locator("#upload")).to_be_visible()
    all_chinese(page)
    owner = supervisor.owner_of(page.evaluate("window.hftransferOwner"))
    for number, there in ((1, ".hft-class"), (2, "#rows"), (3, "#named")):
        page.locator("#sources").get_by_role("tab").nth(number).click()
        expect(page.locator(there).first).to_be_visible()
        all_chinese(page)
    page.reload()
    (tmp_path / "broken.zip").write_bytes(b"this is no zip")
    page.locator("#upload input[type=file]").set_input_files(str(tmp_path / "broken.zip"))
    expect(page.locator("#understood .hft-failure")).to_contain_text("zip", timeout=walk.LONG)
    all_chinese(page)
    walk.give(page, studio.address, tiny.table(tmp_path / "days.csv"))
    expect(page.locator("#understood")).to_contain_text(f"2 个{unit}" if locale == "zh-CN" else f"2 個{unit}")
    all_chinese(page)
    walk.train(page, bert, epochs="viel")
    expect(page.locator("#status .hft-failure")).to_contain_text("viel")
    expect(page.locator("#train")).to_have_text(train)
    page.locator("#choices button").first.click()
    all_chinese(page, "viel")
    run = seeded.trained(studio.store, owner, str(tmp_path))
    page.goto(f"{studio.address}?job={run.id}")
    page.locator("#to-try").click()
    page.locator("#batch button").first.click()
    page.locator("#predict-all").click()
    expect(page.locator("#answers .hft-failure")).to_be_visible()
    all_chinese(page, "seeded")
    page.locator("#to-publish").click()
    page.locator("#push button").first.click()
    page.locator("#start-push").click()
    expect(page.locator("#pushed .hft-failure")).to_be_visible()
    all_chinese(page, "seeded")
