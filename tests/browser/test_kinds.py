"""Models of other targets than a class, asked on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.publish.models import model_of

from . import walk
from .conftest import NewPage, Studio
from .test_using import open_model
from .walk import expect

TAGS = ("O", "B-thing", "I-thing", "B-place", "I-place")
BOMB = 'the <img src=x onerror="window.owned=1"> b'


@pytest.mark.slow
def test_two_texts_are_asked_about_together(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    open_model(studio, page, model_of(tmp_path / "model", "text-regression", "likeness", pair=True), "text-regression")
    page.locator("#text textarea").fill("a first text")
    page.locator("#predict").click()
    expect(page.locator("#answer .hft-failure")).to_contain_text("Give an input first")
    page.locator("#pair textarea").fill("the other")
    page.locator("#predict").click()
    expect(page.locator("#answer .hft-answer")).to_contain_text("likeness", timeout=walk.LONG)
    one = page.locator("#answer strong").inner_text()
    page.locator("#pair textarea").fill("no")
    page.locator("#predict").click()
    expect(page.locator("#answer strong")).not_to_have_text(one)
    walk.look(page, tmp_path, "pair")


@pytest.mark.slow
def test_entities_are_marked_and_labels_ticked(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    open_model(studio, page, model_of(tmp_path / "tags", "token-classification", *TAGS), "token-classification")
    expect(page.locator("#threshold")).to_be_hidden()
    page.locator("#text textarea").fill(BOMB)
    page.locator("#predict").click()
    expect(page.locator("#answer .hft-marked")).to_contain_text("onerror", timeout=walk.LONG)
    assert page.locator("#answer img").count() == 0 and page.evaluate("window.owned") is None
    walk.look(page, tmp_path, "marked")
    page = new_page()
    open_model(studio, page, model_of(tmp_path / "flags", "text-multi-label", "joy", BOMB), "text-multi-label")
    page.locator("#text textarea").fill("the text")
    page.locator("#predict").click()
    expect(page.locator("#answer s")).to_have_count(2, timeout=walk.LONG)
    assert page.locator("#answer img").count() == 0 and studio.imported() == []
    walk.look(page, tmp_path, "ticked")
