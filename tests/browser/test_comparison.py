"""Backbones are compared beside the form, and the one that fits is taken into it; unlabelled examples are, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny

from . import walk
from .conftest import NewPage, Studio
from .walk import LONG, expect


@pytest.mark.slow
def test_the_backbone_that_fits_is_taken_into_the_form(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page, chosen = new_page(), "#choice-backbone input"
    walk.give(page, studio.address, tiny.pictures(tmp_path / "colours.zip"))
    page.locator("#to-train").click()
    page.locator("#choices button").first.click()
    expect(page.locator("#plan")).to_contain_text("Before the start", timeout=LONG)
    walk.put(page, "#choice-epochs input", "many")  # which no comparison needs
    page.locator("#compare").click()
    expect(page.locator("#compare")).to_have_text("Stop comparing")
    expect(page.locator("#plan")).to_be_hidden()  # two that time themselves would be in each other's way
    expect(page.locator("#compared .hft-taken")).to_contain_text("starter:image", timeout=LONG)
    expect(page.locator("#compared")).to_contain_text("Only backbones that are at hand are tried: HF_HUB_OFFLINE")
    walk.look(page, tmp_path, "compared")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("""(() => { const table = document.querySelector("#compared .hft-scroll");
      return table.scrollWidth <= table.clientWidth; })()""")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.locator("#plan")).to_contain_text("many", timeout=LONG)
    walk.put(page, "#choice-epochs input", "")
    page.locator("#take").click()
    expect(page.locator(chosen)).to_have_value("starter:image")
    page.reload()
    page.locator("#to-train").click()
    page.locator("#choices button").first.click()
    expect(page.locator("#compared")).to_contain_text("recommended", timeout=LONG)
    page.locator("#choice-pseudo_label input[type=file]").set_input_files(str(tiny.pictures(tmp_path / "more.zip")))
    expect(page.locator("#choice-pseudo_label")).to_contain_text("more.zip")
    walk.put(page, chosen, "starter:image")
    walk.put(page, "#choice-strategy input", "feature-extraction")
    page.get_by_role("option", name="feature-extraction", exact=True).click()
    page.locator("#train").click()
    walk.done(page)
    page.locator("#same button").first.click()
    expect(page.locator("#same")).to_contain_text("--pseudo-label more.zip")
    assert studio.imported() == []
