"""The report as a browser shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.results.test_report import run, written

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SIZES = """[document.documentElement.scrollWidth, innerWidth,
  ...[".head .figure", "figure"].map(name => parseFloat(getComputedStyle(document.querySelector(name)).fontSize))]"""


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_does_not_scroll_sideways_and_its_captions_are_small(
    width: int, chromium: Browser, tmp_path: Path
) -> None:
    facts = run(model="m" * 60, labels=["a" * 60, "\ue123", "owl"])
    facts["per_label"] = dict(zip(facts["labels"], facts["per_label"].values(), strict=True))
    written(tmp_path, facts)
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto((tmp_path / "report.html").as_uri())
    scrolled, shown, headline, caption = page.evaluate(SIZES)
    page.close()
    assert scrolled <= shown == width
    assert headline > 50 and caption < 20
