"""A trained model on the page: asked one thing and many, taken away so that it runs, pushed to a Hub."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from hftransfer.jobs import supervisor
from hftransfer.jobs.states import Job, State
from tests import tiny
from tests.hub.fixtures import Loopback
from tests.publish.models import image_model, text_model

from . import walk
from .conftest import NewPage, Studio
from .walk import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def open_model(studio: Studio, page: Page, model: Path, task: str) -> Job:
    """Make a model that of a finished run of this visitor's, and open the run."""
    page.goto(studio.address)
    page.wait_for_function("window.hftransferOwner && localStorage.getItem('hftransfer.owner')")
    owner = supervisor.owner_of(page.evaluate("window.hftransferOwner"))
    store = studio.store
    job = store.add("train", "letters", owner, output=str(model))
    (studio.home / "jobs" / job.id).mkdir()
    store.move(job.id, State.PREPARING)
    store.move(job.id, State.DONE, result={"task": task, "metrics": {}})
    page.goto(f"{studio.address}?job={job.id}")
    page.locator("#to-try").click()
    return store.get(job.id)


def test_images_are_asked_about_together_and_doubt_is_said(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    job = open_model(studio, page, image_model(tmp_path / "model"), "image-classification")
    files = [tmp_path / f"=photo-{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(tiny.picture("amber", number))
    page.locator("#image input[type=file]").set_input_files(str(files[0]))
    expect(page.locator("#answer .hft-answer")).to_be_visible(timeout=walk.LONG)
    page.locator("#threshold input[type=number]").fill("1")
    page.locator("#predict").click()
    expect(page.locator("#answer")).to_contain_text("No class reaches 100%")
    page.locator("#batch button").first.click()
    page.locator("#batch input[type=file]").first.set_input_files([str(file) for file in files])
    expect(page.locator("#batch")).to_contain_text("photo-2")
    page.locator("#predict-all").click()
    expect(page.locator("#answers tbody tr")).to_have_count(3)
    expect(page.locator("#answers")).to_contain_text("Unfamiliar")
    walk.look(page, tmp_path, "many")
    with page.expect_download() as download:
        page.locator("#answers a").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [row["input"] for row in rows] == [f"'=photo-{number}.png" for number in range(3)]
    assert {row["unfamiliar"] for row in rows} == {"true"} and {"one", "two", "three"} < rows[0].keys()
    link = str(page.locator("#answers a").get_attribute("href"))
    assert httpx.get(studio.address + link.split("?")[0]).status_code == 404
    assert httpx.get(f"{studio.address}answers/{job.id}/..%2frequest.json?key={job.key}").status_code == 404


@pytest.mark.slow
def test_texts_of_a_file_are_asked_about_and_the_zip_runs(studio: Studio, new_page: NewPage, tmp_path: Path) -> None:
    page = new_page()
    open_model(studio, page, text_model(tmp_path / "model"), "text-classification")
    page.locator("#batch button").first.click()
    (tmp_path / "texts.txt").write_text("a first text\n\nand another\n")
    page.locator("#batch input[type=file]").last.set_input_files(str(tmp_path / "texts.txt"))
    expect(page.locator("#batch")).to_contain_text("texts")
    page.locator("#predict-all").click()
    expect(page.locator("#answers tbody tr")).to_have_count(2, timeout=walk.LONG)
    expect(page.locator("#answers")).to_contain_text("and another")
    page.locator("#to-publish").click()
    with page.expect_download() as download:
        page.locator(".hft-download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path / "taken")
    assert "transformers" in (tmp_path / "taken" / "requirements.txt").read_text()
    script = [sys.executable, "predict.py", "a first text"]
    done = subprocess.run(script, cwd=tmp_path / "taken", capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("a first text: ") and any(label in done.stdout for label in ("one", "two", "three"))


@pytest.mark.slow
def test_a_model_is_pushed_and_the_token_is_kept_nowhere(new_page: NewPage, hub: Loopback, tmp_path: Path) -> None:
    told = {name: value for name, value in hub.env(user="nobody").items() if name.startswith("HF_")}
    studio = Studio(tmp_path / "home", **told | {"HF_HUB_OFFLINE": "0"})
    token = str(hub.tokens["alice"])
    try:
        page = new_page()
        open_model(studio, page, text_model(tmp_path / "model"), "text-classification")
        page.locator("#to-publish").click()
        page.locator("#push button").first.click()
        page.locator("#repo input").fill("alice/from the page")
        page.locator("#start-push").click()
        expect(page.locator("#pushed .hft-failure")).to_contain_text("is no name for a model")
        page.locator("#repo input").fill("alice/from-the-page")
        page.locator("#start-push").click()
        expect(page.locator("#pushed .hft-failure")).to_contain_text("token", timeout=walk.LONG)
        page.locator("#token input").fill(token)
        page.locator("#start-push").click()
        expect(page.locator("#pushed")).to_contain_text("it gives the same answers", timeout=walk.LONG)
        expect(page.locator("#pushed a")).to_have_attribute("href", f"{hub.url}/alice/from-the-page")
        assert page.locator("#token input").input_value() == ""
        kept = [path for path in studio.home.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
        assert not kept
    finally:
        studio.kill()
    found = httpx.get(f"{hub.url}/api/models/alice/from-the-page", headers={"authorization": f"Bearer {token}"})
    assert json.loads(found.text)["private"] is True
