"""The ways to give examples on the page: class cards and the webcam, pasted rows, columns, names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from hftransfer.jobs import supervisor
from hftransfer.ui.data import drafts
from tests import tiny

from . import walk
from .conftest import NewPage, Studio
from .walk import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def photos(folder: Path, colour: str, count: int = 6) -> list[Path]:
    paths = [folder / f"{colour}-{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(tiny.picture(colour, number))
    return paths


def cards(page: Page, address: str) -> None:
    """Open the class cards."""
    page.goto(address)
    page.get_by_role("tab", name="Images by class").click()
    expect(page.locator(".hft-class")).to_have_count(2)


def put(page: Page, place: int, files: list[Path]) -> None:
    page.locator(".hft-class input[type=file]").nth(place).set_input_files([str(file) for file in files])
    expect(page.locator(".hft-class").nth(place)).to_contain_text(f"{len(files)} images")


def test_class_cards_become_data_and_outlast_a_reload(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    cards(page, studio.address)
    put(page, 0, photos(tmp_path, "amber"))
    expect(page.locator(".hft-strip img")).to_have_count(6)
    page.locator("#use-cards").click()
    expect(page.locator("#understood .hft-failure")).to_contain_text("Two classes of different names with images")
    put(page, 1, photos(tmp_path, "indigo"))
    page.locator(".hft-class input[type=text]").nth(1).fill("in/digo, <b>")
    page.locator(".hft-class input[type=text]").nth(1).press("Tab")
    page.locator("#add-class").click()
    expect(page.locator(".hft-class")).to_have_count(3)
    page.locator(".hft-class").nth(2).get_by_role("button", name="Remove").click()
    expect(page.locator(".hft-class")).to_have_count(2)
    page.reload()
    page.get_by_role("tab", name="Images by class").click()
    expect(page.locator(".hft-class input[type=text]").nth(1)).to_have_value("in/digo, <b>")
    walk.look(page, tmp_path, "cards")
    page.locator("#use-cards").click()
    expect(page.locator("#to-train")).to_be_enabled(timeout=walk.LONG)
    expect(page.locator("#understood")).to_contain_text("12 examples · 2 classes")
    expect(page.locator("#understood")).to_contain_text("in/digo, <b>")
    shown = page.locator("#understood img")
    expect(shown).to_have_count(8)
    assert shown.nth(0).evaluate("image => image.complete && image.naturalWidth > 0")


@pytest.mark.slow
def test_the_webcam_fills_the_card_that_it_was_opened_for(studio: Studio, new_page: NewPage) -> None:
    page = new_page()
    page.context.grant_permissions(["camera"], origin=studio.address.rstrip("/"))
    cards(page, studio.address)
    page.locator(".hft-class").nth(1).get_by_role("button", name="Webcam").click()
    expect(page.locator("#webcam")).to_contain_text("Pictures of Class 2")
    page.get_by_text("Click to Access Webcam").click()
    record = page.locator("#webcam button[aria-label='capture photo']")
    record.click()
    expect(page.locator("#webcam")).to_contain_text("3 images")
    record.click()
    page.get_by_role("button", name="Done with the webcam").click()
    expect(page.locator("#webcam")).to_be_hidden()
    expect(page.locator(".hft-class").nth(1)).to_contain_text("images")
    shown = page.locator(".hft-class").nth(1).locator("img").first
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("image => image.naturalWidth") > 100
    expect(page.locator(".hft-class").nth(0)).to_contain_text("no images yet")


def test_pasted_rows_and_other_columns(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    page.goto(studio.address)
    page.get_by_role("tab", name="Pasted rows").click()
    page.locator("#use-rows").click()
    expect(page.locator("#understood .hft-failure")).to_contain_text("There are no rows")
    rows = [
        f"a lovely day {n},good,red" if n % 2 else f"an awful day {n},bad,{'blue' if n % 3 else 'red'}"
        for n in range(24)
    ]
    page.locator("#rows textarea").fill("\n".join(["text,label,colour", *rows]))
    page.locator("#use-rows").click()
    expect(page.locator("#to-train")).to_be_enabled(timeout=walk.LONG)
    expect(page.locator("#understood")).to_contain_text("good")
    expect(page.locator("#understood q").first).to_contain_text("day")
    page.locator("#columns button").first.click()
    page.locator("#column-label .token-remove").first.click()
    page.locator("#column-label input").click()
    page.get_by_role("option", name="colour", exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#reread").click()
    expect(page.locator("#understood")).to_contain_text("blue", timeout=walk.LONG)
    expect(page.locator("#to-train")).to_be_enabled(timeout=walk.LONG)
    owner = supervisor.owner_of(page.evaluate("window.hftransferOwner"))
    (check, *_) = studio.store.listed(owner, kind="check")
    assert (check.result or {})["columns"]["labels"] == ["colour"]
    page.locator("#columns button").first.click()
    page.locator("#column-pair input").click()
    page.get_by_role("option", name="colour", exact=True).click()
    page.locator("#reread").click()
    expect(page.locator("#understood .hft-failure")).to_contain_text("Choose different columns")


def test_columns_are_asked_for_where_none_can_be_told(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    page.goto(studio.address)
    lines = [f"{n * 7919},{n * 104729}" for n in range(30)]
    (tmp_path / "numbers.csv").write_text("\n".join(["alpha,beta", *lines]))
    page.locator("#upload input[type=file]").set_input_files(str(tmp_path / "numbers.csv"))
    expect(page.locator("#understood .hft-failure")).to_be_visible(timeout=walk.LONG)
    expect(page.locator("#column-input")).to_be_visible()
    page.locator("#column-input input").click()
    expect(page.get_by_role("option", name="beta", exact=True)).to_be_visible()


def test_a_name_is_a_hub_id_or_on_ones_own_machine_a_folder(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    page.goto(studio.address)
    page.get_by_role("tab", name="From the Hub").click()
    page.locator("#named input").fill("../etc/passwd")
    page.locator("#use-named").click()
    expect(page.locator("#understood .hft-failure")).to_contain_text("is no data set that can be used")
    page.locator("#named input").fill(str(tiny.table(tmp_path / "days.csv")))
    page.locator("#named input").press("Enter")
    expect(page.locator("#to-train")).to_be_enabled(timeout=walk.LONG)
    expect(page.locator("#understood")).to_contain_text("days.csv")


def test_pictures_are_shown_to_who_knows_their_whole_address(own_home: Path, studio: Studio) -> None:
    """Read over HTTP: what a draft holds, and nothing beside it."""
    owner = supervisor.owner_of("carol")
    room = studio.home / "uploads" / owner / drafts.new_id()
    (room / "c").mkdir(parents=True)
    (room / "classes.json").write_text('[["c", "cat"]]')
    (room / "c" / "1.png").write_bytes(b"<script>alert(1)</script>")
    address = f"{studio.address}picture/draft"
    found = httpx.get(f"{address}/{owner}/{room.name}/c/1.png")
    assert (found.status_code, found.headers["content-type"]) == (200, "image/png")
    assert (
        found.headers["x-content-type-options"] == "nosniff" and "sandbox" in found.headers["content-security-policy"]
    )
    other = supervisor.owner_of("dave")
    for path in (f"{other}/{room.name}/c/1.png", f"{owner}/{room.name}/c/classes.json", f"%2e%2e/{room.name}/c/1.png"):
        assert httpx.get(f"{address}/{path}").status_code == 404
