"""Which language a page comes in, in a real browser: what Gradio's page translates, and what the server says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from .conftest import free_port
from .walk import LONG, expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HELP = "Rows a step."


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.browser.serve_labels", str(free_port())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        yield next(line.strip() for line in served.stdout if line.startswith("http"))
        served.kill()


@pytest.mark.parametrize(
    ("locale", "named", "start", "field", "help"),
    [
        ("zh-CN", "zh-CN", "开始训练", "批大小", "每步的样本数。"),
        ("zh-TW", "zh-TW", "開始訓練", "批次大小", "每步的樣本數。"),
        ("zh-HK", "zh-TW", "開始訓練", "批次大小", "每步的樣本數。"),
        ("fr-FR", "en", "Train", "Batch size", HELP),
    ],
)
def test_labels_and_handlers_speak_one_language(
    locale: str, named: str, start: str, field: str, help: str, chromium: Browser, address: str
) -> None:
    context = chromium.new_context(locale=locale)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#said")).to_have_text(start, timeout=LONG)
    expect(page.locator("#button")).to_have_text(start)
    expect(page.locator("#field")).to_contain_text(field)
    expect(page.locator("#field")).to_contain_text(help)
    expect(page.locator("html")).to_have_attribute("lang", named)  # which Gradio's own texts are in
    assert "__i18n__" not in page.locator("body").inner_text()
    context.close()
