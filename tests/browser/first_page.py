"""How long it takes from `python` to the first page: the studio's, and that of an empty Gradio app."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from .conftest import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
EMPTY = """
import gradio
with gradio.Blocks(analytics_enabled=False) as app:
    pass
app.launch(quiet=True, ssr_mode=False)
"""
# What runs, and what is there once its page is.
STUDIO = (["app.py"], "#upload input[type=file]")
BARE = (["-c", EMPTY], "footer")


def both(chromium: Browser, home: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of the studio, and of the empty app."""
    return start(chromium, *STUDIO, home), start(chromium, *BARE, home)


def start(chromium: Browser, program: list[str], shown: str, home: Path) -> dict[str, float]:
    """Seconds until `/` is answered, and until the page can be used in a browser that has nothing of it yet."""
    port = free_port()
    told = {"GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False", "HFTRANSFER_HOME": str(home)}
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *program], cwd=ROOT, env={**os.environ, **told}, stderr=subprocess.DEVNULL
    ) as served:
        try:
            answered = _answer(f"http://127.0.0.1:{port}/") - began
            return {"answered": answered, "usable": answered + _load(chromium, f"http://127.0.0.1:{port}/", shown)}
        finally:
            served.kill()


def _answer(address: str) -> float:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            httpx.get(address).raise_for_status()
            return time.perf_counter()
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError(f"nobody answers at {address}")


def _load(chromium: Browser, address: str, shown: str) -> float:
    context = chromium.new_context()
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address)
    page.locator(shown).wait_for(state="attached")
    spent = time.perf_counter() - began
    context.close()
    return spent
