"""Whoever cannot see well, or uses no mouse: axe in a real browser, and a walk by keyboard alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hftransfer.jobs import supervisor

from . import seeded, walk
from .conftest import NewPage, Studio
from .walk import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from hftransfer.jobs.states import Job
    from hftransfer.jobs.store import Store

NEEDS = "needs the package axe-playwright-python: `pip install 'hftransfer[test]'`"
AXE = pytest.importorskip("axe_playwright_python.base", reason=NEEDS).AXE_SCRIPT

# What is Gradio's own and serious, as (rule, part of the element's HTML): why it stays. None does.
OF_GRADIO: dict[tuple[str, str], str] = {}

RUN = "axe.run(document, {resultTypes: ['violations'], iframes: false}).then(found => found.violations)"
STILL = "*, *::before, *::after { transition: none !important; animation: none !important; }"
VIEWS = [(dark, width) for dark in (False, True) for width in (1280, 390)]
FOCUS = """(wanted) => {
  const at = document.activeElement, style = getComputedStyle(at);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [at === wanted, ring || style.boxShadow !== "none" || at === document.body, at.outerHTML.slice(0, 200)];
}"""
SAMPLE = "button:text('Helpdesk messages')"


def audit(page: Page, state: str) -> list[str]:
    """The serious violations on the page as it is, light and dark, wide and narrow."""
    found = set()
    page.add_style_tag(content=STILL)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    for dark, width in VIEWS:
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("(dark) => document.body.classList.contains('dark') === dark", arg=dark)
        view = f"{state}, {'dark' if dark else 'light'}, {width} px"
        found |= {f"{view}: {line}" for violation in page.evaluate(RUN) for line in _serious(violation)}
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{view}: cut off"
    page.set_viewport_size({"width": 1280, "height": 800})
    return sorted(found)


def _serious(violation: dict[str, Any]) -> list[str]:
    if violation["impact"] not in ("serious", "critical"):
        return []
    rule = violation["id"]
    theirs = [part for known, part in OF_GRADIO if known == rule]
    nodes = [node for node in violation["nodes"] if not any(part in node["html"] for part in theirs)]
    return [f"{rule}: {node['html'][:200]} {node['failureSummary'][:200]}" for node in nodes]


def opened(page: Page, studio: Studio) -> Page:
    page.goto(studio.address)
    expect(page.locator("#upload")).to_be_visible()
    return page


def owner(page: Page, studio: Studio) -> str:
    """Open the studio as a new visitor, who is known from then on."""
    opened(page, studio)
    page.wait_for_function("localStorage.getItem('hftransfer.owner')")
    return supervisor.owner_of(page.evaluate("window.hftransferOwner"))


def progress_is_announced(page: Page, store: Store, run: Job) -> None:
    """News stand in a region that was there before: one that is made anew is not read out."""
    region = page.locator("#status [aria-live=polite], #status [role=status]")
    region.evaluate("(region) => { region.known = true; }")
    seeded.advance(store, run, 77)
    expect(page.locator("#status")).to_contain_text("77 of")
    assert region.evaluate("(region) => region.known") and region.inner_text()
    share = round(100 * 77 / seeded.STEPS)
    assert page.get_by_role("progressbar").get_attribute("aria-valuenow") == str(share)


def test_axe_finds_nothing_serious_in_any_state_and_progress_is_announced(
    studio: Studio, new_page: NewPage, tmp_path: Path
) -> None:
    page, store = new_page(), studio.store
    who = owner(page, studio)
    found = audit(page, "empty")
    for tab, there in (("Images by class", ".hft-class"), ("Pasted rows", "#rows"), ("From the Hub", "#named")):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(there).first).to_be_visible()
        found += audit(page, tab)
    check, done = seeded.check(store, who), seeded.trained(store, who, str(tmp_path))
    page.goto(f"{studio.address}?data={check.id}")
    expect(page.locator("#understood .hft-problems")).to_be_visible()
    found += audit(page, "understood")
    page.locator("#to-train").click()
    page.locator("#choices button").first.click()
    expect(page.locator("#choice-backbone")).to_be_visible()
    found += audit(page, "choices")
    with seeded.training(store, who) as run:
        page.goto(f"{studio.address}?job={run.id}")
        expect(page.locator("#status .hft-bar")).to_be_visible()
        expect(page.locator(".role-title-text").first).to_be_visible()
        found += audit(page, "training")
        progress_is_announced(page, store, run)
        seeded.fail(store, run)
        expect(page.locator("#status").get_by_role("alert")).to_contain_text("Memory ran out")
        found += audit(page, "failed")
    page.goto(f"{studio.address}?job={done.id}")
    page.locator("button.toggle-button").first.click()
    expect(page.locator("#runs a").first).to_be_in_viewport()
    found += audit(page, "done and runs")
    page.locator("button.toggle-button").first.click()
    page.locator("#to-try").click()
    expect(page.locator("#text textarea")).to_be_visible()
    page.locator("#batch button").first.click()
    expect(page.locator("#predict-all")).to_be_visible()
    found += audit(page, "try")
    page.locator("#to-publish").click()
    expect(page.locator(".hft-download")).to_be_visible()
    page.locator("#push button").first.click()
    expect(page.locator("#start-push")).to_be_visible()
    found += audit(page, "publish")
    assert not found, "\n".join(found)


def go(page: Page, wanted: Locator) -> None:
    """Tab on to an element; wherever the focus is on the way, it is seen."""
    expect(wanted).to_be_enabled(timeout=walk.LONG)
    for _ in range(12):
        page.keyboard.press("Tab")
        there, seen, html = page.evaluate(FOCUS, wanted.element_handle())
        assert seen, f"the focus is not seen on {html}"
        if there:
            return
    raise AssertionError(f"the keyboard does not reach {wanted}")


def press(page: Page, *names: str) -> None:
    """Tab on to one button after the other, and use it."""
    for name in names:
        go(page, page.locator(name))
        page.keyboard.press("Enter")


def test_the_keyboard_alone_gets_from_a_sample_to_a_run(studio: Studio, new_page: NewPage) -> None:
    page = opened(new_page(), studio)
    press(page, SAMPLE, "#to-train", "#train", "#cancel")
    expect(page.locator("#status")).to_contain_text("Stopp", timeout=walk.LONG)  # stopping, or stopped


@pytest.mark.slow
def test_the_keyboard_alone_gets_to_an_answer(studio: Studio, new_page: NewPage) -> None:
    page = opened(new_page(), studio)
    press(page, SAMPLE, "#to-train", "#train", "#to-try")
    go(page, page.locator("#text textarea"))
    page.keyboard.type("my screen is broken")
    press(page, "#predict")
    expect(page.locator("#answer [aria-live=polite] strong")).to_be_visible(timeout=walk.LONG)
    assert not audit(page, "answer")
