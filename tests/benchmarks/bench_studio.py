"""Whether the studio's page stays responsive while many tabs watch one run.

    python -m tests.benchmarks.bench_studio [--tabs 0 30] [--seconds 20] [--quiet] [--drawn 3] [--no-first]

A tab asks what the page's own timer asks, every two seconds, and then what follows where there is
news; it draws nothing, as a tab that is behind another draws nothing. `--drawn` adds real tabs of
one Chromium (six connections to a host for all of them), each of which redraws two plots at every
tick: ten of them keep two cores busy, whatever the server does. The run stands in the store alone and is moved
on several times a second, so that every tick has news (`--quiet`: none has). Measured meanwhile:
the web process's share of a core, the time of a tick, and in one more real tab that watches the
run, the time of a click that the server answers with the next step. Browser and tabs share the
machine, so figures are to be compared within one run. The first line is the time to the first page.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from hftransfer.jobs.states import Job
from hftransfer.ui.train.step import EVERY
from tests.browser import first_page, seeded
from tests.browser.conftest import FLAGS, Studio
from tests.browser.test_access import owner

STEPS_A_SECOND = 4
# Milliseconds from a click until a step is shown that the server is asked for, and back by the browser alone.
SWITCH = """() => new Promise((done) => {
  const shown = (name) => document.querySelector(name)?.offsetParent;
  const until = (name, then) => shown(name) ? then() : setTimeout(() => until(name, then), 4);
  document.querySelector("#steps [data-tab-id='0']").click();
  until("#upload", () => {
    const began = performance.now();
    document.querySelector("#to-train").click();
    until("#status", () => done(performance.now() - began));
  });
})"""


@dataclass
class Figures:
    """What was measured with some number of tabs; times in milliseconds."""

    tabs: int
    server: float = 0.0
    browser: float = 0.0
    ticks: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)

    def row(self) -> str:
        spread = "".join(f"{_at(times, 0.5):9.0f}{_at(times, 0.95):9.0f}" for times in (self.ticks, self.clicks))
        return f"{self.tabs:5d}{self.server:10.0%}{self.browser:10.0%}{spread}{len(self.clicks):8d}"


HEAD = " tabs    server    beside tick p50      p95clck p50      p95  clicks"


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


@contextmanager
def repeating(act: Callable[[], object], seconds: float) -> Iterator[None]:
    """Do something again and again in a thread meanwhile."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(seconds):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Mover:
    """The worker that the run does not have."""

    def __init__(self, studio: Studio, run: Job) -> None:
        self.studio, self.run, self.step = studio, run, 5

    def __call__(self) -> None:
        self.step += 1
        seeded.advance(self.studio.store, self.run, self.step)


class Tab:
    """Asks what a page that watches the run asks, in a session of its own."""

    def __init__(self, studio: Studio, run: Job, times: list[float]) -> None:
        self.api, self.run, self.times, self.mark = f"{studio.address}gradio_api/queue", run, times, ""
        found = httpx.get(f"{studio.address}config").json()["dependencies"]
        self.handlers = {entry["api_name"]: entry for entry in found}
        self.client = httpx.Client(timeout=60)

    def __call__(self) -> None:
        """A tick, and what the page asks when the run has changed."""
        began = time.perf_counter()
        *_, mark = self._ask("look_run", self.run.id, "", self.run.key, self.mark)
        self.times.append(1000 * (time.perf_counter() - began))
        if isinstance(mark, str):  # else nothing is new
            self.mark = mark
            self._ask("run_changed", self.run.id, "", self.run.key)

    def _ask(self, name: str, *given: str) -> list[Any]:
        handler, session = self.handlers[name], str(random.random())
        data = [*given, *[None] * (len(handler["inputs"]) - len(given))]
        question = {"data": data, "fn_index": handler["id"], "session_hash": session}
        self.client.post(f"{self.api}/join", json=question).raise_for_status()
        with self.client.stream("GET", f"{self.api}/data", params={"session_hash": session}) as stream:
            (last,) = [line for line in stream.iter_lines() if "process_completed" in line]
        output: dict[str, Any] = json.loads(last.removeprefix("data: "))["output"]
        return list(output["data"])


def used(process: psutil.Process) -> float:
    """Seconds of processor time of a process and those that it started."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family if one.is_running())


def watching(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    page.locator("#status .hft-bar").wait_for()
    return page


def measure(browser: Browser, studio: Studio, options: argparse.Namespace, tabs: int) -> Figures:
    """Open the tabs, and then watch for some seconds."""
    figures, home = Figures(tabs), browser.new_context()
    who = owner(home.new_page(), studio)
    data = seeded.check(studio.store, who)
    with seeded.training(studio.store, who) as run, ExitStack() as meanwhile:
        address = f"{studio.address}?data={data.id}&job={run.id}&key={run.key}"
        meanwhile.enter_context(repeating(time.time if options.quiet else Mover(studio, run), 1 / STEPS_A_SECOND))
        watched, *_ = [watching(home, address) for _ in range(1 + options.drawn)]
        for _ in range(tabs):
            meanwhile.enter_context(repeating(Tab(studio, run, figures.ticks), EVERY))
            time.sleep(EVERY / tabs)
        follow(studio, watched, figures, options.seconds)
    home.close()
    return figures


def follow(studio: Studio, watched: Page, figures: Figures, seconds: float) -> None:
    """Click now and then, and see what it costs."""
    server, near = psutil.Process(studio.process.pid), psutil.Process()
    figures.ticks.clear()
    began, before, beside = time.perf_counter(), used(server), used(near)
    while time.perf_counter() - began < seconds:
        figures.clicks.append(watched.evaluate(SWITCH))
        watched.wait_for_timeout(300)
    spent = time.perf_counter() - began
    figures.server = (used(server) - before) / spent
    figures.browser = (used(near) - beside) / spent - figures.server


def first(browser: Browser, rounds: int = 5) -> str:
    pairs = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            pairs.append(first_page.both(browser, Path(folder)))
    words = []
    for stage in ("answered", "usable"):
        ours, bare = (statistics.median(pair[which][stage] for pair in pairs) for which in (0, 1))
        words.append(f"{stage} after {ours:.2f} s, an empty app {bare:.2f} s (x {ours / bare:.2f})")
    return "first page: " + "; ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tabs", type=int, nargs="+", default=[0, 30])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--drawn", type=int, default=0)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--no-first", action="store_true")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        if not options.no_first:
            print(first(browser))
        studio = Studio(Path(folder))
        print(HEAD)
        for tabs in options.tabs:
            print(measure(browser, studio, options, tabs).row(), flush=True)
        studio.kill()


if __name__ == "__main__":
    main()
