"""A studio in its own process, and a Chromium that reaches nothing but it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from hftransfer.jobs.store import Store
from tests import tiny

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

NEEDS = "needs the package playwright: `pip install 'hftransfer[test]'`"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
)


class Studio:
    """The served studio: its address, its home, and what it imported."""

    def __init__(self, home: Path, port: int | None = None, **more: str) -> None:
        self.home, self.port = home, port or free_port()
        (home / "jobs").mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "HFTRANSFER_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"} | more
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.serve", str(self.port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = self._line("http")

    @property
    def store(self) -> Store:
        return Store(self.home / "jobs" / "jobs.sqlite3")

    def imported(self) -> list[str]:
        """The heavy modules in the web process by now."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        heavy: list[str] = json.loads(self._line("["))
        return heavy

    def kill(self) -> None:
        """SIGKILL, as an impatient system does."""
        self.process.kill()
        self.process.communicate()

    def _line(self, start: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                return line.strip()
        raise AssertionError("the studio ended")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    served = Studio(tmp_path_factory.mktemp("home"))
    yield served
    served.kill()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium on the PATH (Debian: `apt-get install chromium`)")
    api = pytest.importorskip("playwright.sync_api", reason=NEEDS)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield browser
        browser.close()


NewPage = Callable[..., "Page"]


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """Opens pages, each in a browser of its own (or in that of another page); none may leave the machine."""
    outside: list[str] = []
    errors: list[str] = []

    def guard(route: Route) -> None:
        target = urlsplit(route.request.url)
        if target.hostname in ("127.0.0.1", "localhost") or target.scheme in ("data", "blob"):
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    def note(error: object) -> None:
        if "Failed to fetch" not in str(error):  # what a page says whose server was killed
            errors.append(str(error))

    def make(width: int = 1280, *, beside: Page | None = None, dark: bool = False, locale: str = "en-GB") -> Page:
        kind: Any = {"viewport": {"width": width, "height": 800}, "color_scheme": "dark" if dark else "light"}
        context = beside.context if beside else chromium.new_context(locale=locale, **kind)
        page = context.new_page()
        page.route("**/*", guard)
        page.on("pageerror", note)
        page.set_default_timeout(60_000)
        return page

    yield make
    for context in chromium.contexts:
        context.close()
    assert not outside, f"requests that left the machine: {outside}"
    assert not errors, f"errors in the page: {errors}"


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.text_backbone(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.image_backbone(tmp_path_factory.mktemp("vit"))
