"""What the page costs: memory for what is uploaded, messages while nothing happens, time until it is there."""

from __future__ import annotations

import io
import json
import statistics
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from hftransfer.jobs.states import State

from . import first_page, seeded, walk
from .conftest import NewPage, Studio
from .test_access import owner
from .walk import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Route

MB = 1 << 20
# Of what was sent: a process that holds it for a moment grows by all of it. The rest is for what the
# first visit of all loads, and for the allocator: one reading of several has to do.
GROWTH, READINGS = 0.05, 3


def light(studio: Studio, sent: int, act: Callable[[], object]) -> bool:
    """Whether the web process takes in that many bytes without growing by them."""
    return any(growth(studio.process.pid, act) < GROWTH * sent for _ in range(READINGS))


def growth(process: int, act: Callable[[], object]) -> int:
    """How much more memory than before a process had meanwhile, at most, in bytes."""
    watched, over = psutil.Process(process), threading.Event()
    before = watched.memory_info().rss
    seen = [before]

    def watch() -> None:
        while not over.wait(0.01):
            seen.append(watched.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        act()
    finally:
        over.set()
        watcher.join()
    return max(seen) - before


def bitmap(seed: int, side: int) -> bytes:
    """A picture that cannot be made smaller, of three bytes a pixel."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(file, "BMP")
    return file.getvalue()


@pytest.mark.slow
def test_a_zip_of_200_mb_takes_no_memory(studio: Studio, chromium: Browser, tmp_path: Path) -> None:
    archive = tmp_path / "large.zip"
    with zipfile.ZipFile(archive, "w") as pictures:
        for number in range(200):
            pictures.writestr(f"large/{number % 2}/{number}.bmp", bitmap(number, 592))
    page = chromium.new_page()  # not a guarded one: that would pass the zip through the test's own process
    size = archive.stat().st_size
    assert size > 200 * MB
    assert light(studio, size, lambda: walk.give(page, studio.address, archive))
    expect(page.locator("#understood")).to_contain_text("200 examples")
    page.close()
    assert studio.imported() == []


def test_a_thousand_images_at_once_take_no_memory(studio: Studio) -> None:
    files = [("files", (f"{number}.bmp", bitmap(number, 187))) for number in range(1000)]
    answers: list[httpx.Response] = []

    def send() -> None:
        answers.append(httpx.post(f"{studio.address}gradio_api/upload", files=files, timeout=60))

    assert light(studio, sum(len(content) for _, (_, content) in files), send)
    assert all(answer.status_code == 200 and len(set(answer.json())) == 1000 for answer in answers)


class Ticking:
    """A page whose clock is moved by hand, and what the server sends it."""

    def __init__(self, page: Page) -> None:
        self.page, self._heard, self._asked, self._told = page, list[str](), 0, 0
        page.clock.install()
        page.on("request", self._ask)
        page.route("**/queue/data*", self._hear)

    def tick(self, seconds: float = 2.0) -> list[str]:
        """Let time go by on the page. Returns the answers that the server then gave."""
        self._heard.clear()
        self.page.clock.run_for(seconds * 1000)
        self.page.wait_for_timeout(500)
        for _ in range(100):  # under load an answer would come in with those of the next tick
            if self._told < self._asked:
                self.page.wait_for_timeout(100)
        return list(self._heard)

    def _ask(self, request: Request) -> None:
        self._asked += "/queue/join" in request.url

    def _hear(self, route: Route) -> None:
        answer = route.fetch()
        told = [line for line in answer.text().splitlines() if "process_completed" in line]
        self._heard += told
        self._told += len(told)
        route.fulfill(response=answer)


def skipped(output: Any) -> bool:
    """Whether an output is left as it is, its properties too."""
    return isinstance(output, dict) and all(rest == "update" or skipped(rest) for rest in output.values())


def quiet(messages: list[str]) -> bool:
    """Whether there are answers, and none of them has anything new."""
    sent = [output for message in messages for output in json.loads(message.removeprefix("data: "))["output"]["data"]]
    return bool(sent) and all(map(skipped, sent)) and all(len(message) < 2000 for message in messages)


def until(came: Callable[[], object]) -> None:
    """A few ticks of patience: under load an answer comes with those of a later one."""
    assert any(came() for _ in range(10))


@pytest.mark.slow
def test_a_tick_without_news_sends_nothing_and_the_last_is_the_last(studio: Studio, new_page: NewPage) -> None:
    page, asked = new_page(), list[str]()
    who, clock = owner(page, studio), Ticking(page)
    with seeded.training(studio.store, who) as run:
        page.goto(f"{studio.address}?job={run.id}")
        expect(page.locator("#status .hft-bar")).to_be_visible()
        until(lambda: quiet(clock.tick()))  # before, what the page was not yet told
        assert quiet([*clock.tick(), *clock.tick(), *clock.tick()])
        page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.behind, configurable: true})")
        page.evaluate("window.behind = true")
        until(lambda: clock.tick() == [])  # an answer may be on its way still
        assert clock.tick(20) == []  # behind another tab
        page.evaluate("window.behind = false; document.dispatchEvent(new Event('visibilitychange'))")
        until(lambda: clock.tick() != [])
        seeded.advance(studio.store, run, 9)
        until(lambda: any("9 of" in message for message in clock.tick()))
        studio.store.move(run.id, State.DONE, result={"task": seeded.TASK})
        until(lambda: clock.tick() is not None and page.locator("#status .hft-chip", has_text="Done").count())
        expect(page.locator("#status .hft-chip")).to_have_text("Done")
        page.on("request", lambda request: asked.append(request.url))
        assert not clock.tick(60) and not asked


def test_a_page_holds_no_connection_open(studio: Studio) -> None:
    """A browser has six of them for all its tabs: with one for each, the seventh tab would stay empty."""
    assert httpx.get(f"{studio.address}config").json()["connect_heartbeat"] is False


@pytest.mark.slow
def test_the_first_page_is_there_in_about_the_time_of_an_empty_one(chromium: Browser, tmp_path: Path) -> None:
    """Medians of runs that take turns, each in a process and a browser's context of its own."""
    rounds = [first_page.both(chromium, tmp_path / str(number)) for number in range(7)]
    for stage in ("answered", "usable"):
        studio, empty = (statistics.median(pair[which][stage] for pair in rounds) for which in (0, 1))
        assert studio < 1.5 * empty, f"{stage}: {studio:.2f} s, an empty app {empty:.2f} s"
