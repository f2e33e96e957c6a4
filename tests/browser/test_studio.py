"""The studio in a real browser: from files to answers, and through reloads and crashes."""

from __future__ import annotations

import os
import re
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hftransfer.jobs import supervisor
from tests import tiny

from . import seeded, walk
from .conftest import NewPage, Studio
from .walk import expect


@pytest.mark.slow
def test_an_image_zip_becomes_a_model_that_answers(
    studio: Studio, new_page: NewPage, vit: Path, tmp_path: Path
) -> None:
    page = new_page()
    walk.give(page, studio.address, tiny.pictures(tmp_path / "colours.zip"))
    expect(page.locator("#understood")).to_contain_text("32 examples · 2 classes")
    walk.look(page, tmp_path, "data")
    walk.train(page, vit, strategy="full", epochs="3", batch_size="8")
    walk.done(page)
    expect(page.locator("#status")).to_contain_text("accuracy on test")
    walk.look(page, tmp_path, "train")
    page.locator("#to-try").click()
    photo = tmp_path / "photo.png"
    photo.write_bytes(tiny.picture("amber", 999))
    page.locator("#image input[type=file]").set_input_files(str(photo))
    expect(page.locator("#answer .hft-answer strong")).to_have_text("amber", timeout=walk.LONG)
    walk.look(page, tmp_path, "try")
    assert studio.imported() == []


def test_a_csv_becomes_a_model_that_answers_and_can_be_taken_away(
    studio: Studio, new_page: NewPage, bert: Path, tmp_path: Path
) -> None:
    page = new_page(dark=True)
    walk.give(page, studio.address, tiny.table(tmp_path / "days.csv"))
    expect(page.locator("#understood")).to_contain_text("40 examples · 2 classes")
    walk.train(page, bert, strategy="feature-extraction")
    walk.done(page)
    page.locator("#to-try").click()
    page.locator("#text textarea").fill("the day was sad awful 7")
    page.locator("#predict").click()
    expect(page.locator("#answer .hft-answer strong")).to_have_text("bad", timeout=walk.LONG)
    page.locator("#to-publish").click()
    walk.look(page, tmp_path, "publish")
    with page.expect_download() as download:
        page.locator(".hft-download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert {"model/config.json", "model/model.safetensors", "model/recipe.json"} <= set(archive.namelist())
    assert studio.imported() == []
    served = [path.name for path in (studio.home / "web-cache").rglob("*") if path.is_file()]
    assert not [name for name in served if name.endswith(".safetensors")]


@pytest.mark.slow
def test_what_was_taken_has_the_winners_colour_in_the_dark(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page(dark=True)
    page.goto(studio.address)
    page.wait_for_function("window.hftransferOwner && localStorage.getItem('hftransfer.owner')")
    owner = supervisor.owner_of(page.evaluate("window.hftransferOwner"))
    page.goto(f"{studio.address}?job={seeded.trained(studio.store, owner, str(tmp_path)).id}")
    expect(page.locator(".hft-tried")).to_contain_text("contrastive")
    colours = """[...document.querySelectorAll(".hft-score b, .hft-tried .hft-taken *")].map(
      node => getComputedStyle(node).color)"""
    assert len(set(page.evaluate(colours))) == 1


def test_a_run_is_found_again_after_reload_crash_and_elsewhere_and_only_its_owner_stops_it(
    new_page: NewPage, bert: Path, tmp_path: Path
) -> None:
    studio = Studio(tmp_path / "home")
    try:
        page = new_page()
        walk.give(page, studio.address, tiny.table(tmp_path / "days.csv"))
        walk.train(page, bert, strategy="full", epochs="10000", patience="10000", batch_size="8")
        expect(page.locator("#status .hft-count")).to_contain_text(" of ", timeout=walk.LONG)
        page.reload()
        expect(page.locator("#status .hft-chip")).to_have_text("Training")
        expect(page.locator("#training-data")).to_contain_text("days.csv")
        address = page.url
        page.goto("about:blank")  # the page would come back by itself, at the same moment as the visit below
        studio.kill()
        studio = Studio(tmp_path / "home", studio.port)
        page.goto(address)
        expect(page.locator("#status .hft-chip")).to_have_text("Training")
        other = new_page()
        other.goto(page.url)
        expect(other.locator("#status .hft-chip")).to_have_text("Training")
        expect(other.locator("#cancel")).to_be_hidden()
        other.goto(page.url.split("&key=")[0])
        expect(other.locator("#understood")).to_contain_text("There is no such run here")
        assert "days.csv" not in other.content()
        page.locator("#cancel").click()
        expect(page.locator("#status")).to_contain_text("stopped as you asked", timeout=walk.LONG)
    finally:
        studio.kill()


@pytest.mark.slow
def test_a_killed_run_goes_on_is_ended_early_and_found_among_the_runs(
    studio: Studio, new_page: NewPage, bert: Path, tmp_path: Path
) -> None:
    page, other = new_page(), new_page()
    walk.give(page, studio.address, tiny.table(tmp_path / "weather.csv", rows=60))
    walk.train(page, bert, strategy="full", epochs="10000", patience="10000", batch_size="4")
    expect(page.locator("#status .hft-count")).to_contain_text(" left", timeout=walk.LONG)
    for line in ("training", "validation"):  # both, though the first is drawn when it has no point yet
        expect(page.locator(".role-legend-label").filter(has_text=line).first).to_be_visible()
    (job,) = [job for job in studio.store.listed() if job.name == "weather.csv" and job.kind == "train"]
    wait_for(lambda: any((studio.home / "jobs" / job.id / "work").glob("phase-*/checkpoint-*/trainer_state.json")))
    os.killpg(int(studio.store.get(job.id).pid or 0), signal.SIGKILL)
    expect(page.locator("#status")).to_contain_text("process is gone", timeout=walk.LONG)
    page.locator("#resume").click()
    expect(page.locator("#finish")).to_be_enabled(timeout=walk.LONG)
    expect(page.locator("#status .hft-count")).to_contain_text(" left", timeout=walk.LONG)
    page.locator("#finish").click()
    expect(page.locator("#status")).to_contain_text("accuracy on test", timeout=walk.LONG)
    expect(page.locator("#same")).to_contain_text("The same from the shell")
    page.locator("#same button").first.click()
    expect(page.locator("#same")).to_contain_text("hftransfer train weather.csv -o my-model")
    walk.look(page, tmp_path, "finished")
    page.goto(studio.address)
    page.locator("button.toggle-button").first.click()
    row = page.locator("#runs a").filter(has_text="weather.csv")
    expect(row).to_contain_text("%")
    walk.look(page, tmp_path, "runs")
    row.click()
    expect(page.locator("#status")).to_contain_text("accuracy on test")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.locator("#delete").click()
    expect(page.locator("#status")).to_contain_text("accuracy on test")
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#delete").click()
    expect(page.locator("#status")).to_contain_text("Ready to train")
    expect(page.locator("#runs a").filter(has_text="weather.csv")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("job="))
    assert not (studio.home / "jobs" / job.id).exists()
    other.goto(studio.address)
    other.locator("button.toggle-button").first.click()
    expect(other.locator("#runs")).to_contain_text("Your runs will be listed here")
    assert "weather.csv" not in other.content()


def wait_for(happened: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_is_wrong_is_said_in_words_and_nothing_of_it_runs(
    studio: Studio, new_page: NewPage, bert: Path, tmp_path: Path
) -> None:
    page = new_page()
    page.goto(studio.address)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"this is no zip")
    page.locator("#upload input[type=file]").set_input_files(str(broken))
    expect(page.locator("#understood .hft-failure")).to_contain_text("broken.zip", timeout=walk.LONG)
    expect(page.locator("#to-train")).to_be_disabled()
    assert str(studio.home) not in page.content()
    bomb = '<img src=x onerror="window.owned=1">'
    walk.give(page, studio.address, tiny.table(tmp_path / "days.csv", labels=("good", bomb)))
    expect(page.locator("#understood")).to_contain_text(bomb)
    walk.train(page, bert, epochs="many")
    expect(page.locator("#status .hft-failure")).to_contain_text("'many' is no number")
    page.locator("#choices button").first.click()
    page.locator("#choice-epochs input").fill("")
    page.locator("#choice-backbone input").fill(str(tmp_path / "nowhere"))
    page.locator("#train").click()
    expect(page.locator("#status .hft-failure")).to_contain_text("nowhere", timeout=walk.LONG)
    assert "Traceback" not in page.content()
    assert page.evaluate("window.owned") is None
