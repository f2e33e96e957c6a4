"""What a visitor does on the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import NEEDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api", reason=NEEDS).expect

LONG = 90_000  # milliseconds for a worker to start and to end on a busy machine


def give(page: Page, address: str, file: Path) -> None:
    """Open the studio and upload a file; wait until it was understood."""
    page.goto(address)
    page.locator("#upload input[type=file]").set_input_files(str(file))
    expect(page.locator("#to-train")).to_be_enabled(timeout=LONG)


def put(page: Page, field: str, value: str) -> None:
    """Fill a field. One that is just being mounted loses what is typed: then once more."""
    for _ in range(10):
        page.locator(field).fill(value)
        page.wait_for_timeout(400)
        if page.locator(field).input_value() == value:
            return
    raise AssertionError(f"{field} does not keep '{value}'")


def train(page: Page, backbone: Path, **choices: str) -> None:
    """Go on to training and start it."""
    page.locator("#to-train").click()
    page.locator("#choices button").first.click()
    expect(page.locator("#choice-backbone input")).to_be_visible()
    put(page, "#choice-backbone input", str(backbone))
    for name, value in choices.items():
        put(page, f"#choice-{name} input", value)
        if name == "strategy":
            page.get_by_role("option", name=value, exact=True).click()
    page.locator("#choices button").first.click()
    page.locator("#train").click()


def done(page: Page) -> None:
    """Wait until there is a model."""
    expect(page.locator("#to-try, .hft-failure").first).to_be_visible(timeout=LONG)
    expect(page.locator("#to-try")).to_be_visible()


def look(page: Page, folder: Path, name: str) -> None:
    """A picture of the page at two widths, and proof that nothing is cut off at the narrow one."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)
        page.screenshot(path=folder / f"{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 800})
