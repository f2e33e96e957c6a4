"""What the studio answers to those who speak HTTP themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hftransfer.jobs import supervisor
from hftransfer.jobs.states import State
from hftransfer.values import Event

from .conftest import Studio, free_port

ROOT = Path(__file__).parents[2]
ANN, BOB = "ann's secret", "bob's secret"


@pytest.fixture
def run(studio: Studio) -> Any:
    """A finished run of Ann's, whose model is a folder with one file."""
    store = studio.store
    model = studio.home / "model-of-ann"
    model.mkdir(exist_ok=True)
    (model / "config.json").write_text('{"secret": "of ann"}')
    job = store.add("train", "ann's pets", supervisor.owner_of(ANN), output=str(model))
    store.move(job.id, State.PREPARING)
    store.progress(job.id, Event("train", step=1, total=2, metrics={"loss": 0.123456}), State.TRAINING)
    store.move(job.id, State.DONE, result={"task": "text-classification"})
    return job


def call(studio: Studio, name: str, data: list[Any]) -> str:
    """What a handler answers to raw HTTP, as text."""
    config = httpx.get(studio.address + "config").json()
    found = [entry for entry in config["dependencies"] if entry["api_name"] == name]
    assert len(found) == 1, f"{len(found)} handlers are called {name}"
    question = {"data": data, "fn_index": found[0]["id"], "session_hash": f"session-{time.time()}"}
    httpx.post(studio.address + "gradio_api/queue/join", json=question).raise_for_status()
    return "".join(_events(studio, question["session_hash"]))


def _events(studio: Studio, session: str) -> Iterator[str]:
    address = f"{studio.address}gradio_api/queue/data?session_hash={session}"
    with httpx.stream("GET", address, timeout=60) as stream:
        for line in stream.iter_lines():
            yield line
            if '"process_completed"' in line:
                return


def test_the_owner_sees_a_run_and_another_visitor_does_not(studio: Studio, run: Any) -> None:
    assert "ann&#x27;s pets" in json.loads(f'"{_plain(call(studio, "look_run", [run.id, ANN, "", ""]))}"')
    for secret, key in ((BOB, ""), ("", ""), (BOB, "guessed")):
        seen = call(studio, "look_run", [run.id, secret, key, ""])
        assert "pets" not in seen and "0.123456" not in seen and "Ready to train" in seen


def test_another_visitor_cannot_predict_stop_or_train_with_it(studio: Studio, run: Any) -> None:
    assert "no such run" in call(studio, "predict", [run.id, BOB, "", "a text", None])
    store = studio.store
    waiting = store.add("none", "ann's wait", supervisor.owner_of(ANN))
    call(studio, "stop_run", [waiting.id, BOB])
    call(studio, "stop_run", [waiting.id, ""])
    assert store.get(waiting.id).state is State.QUEUED
    call(studio, "stop_run", [waiting.id, ANN])
    assert store.get(waiting.id).state is State.CANCELLED
    assert "Go back to the first step" in call(studio, "start_run", [waiting.id, BOB, *[None] * choices(studio)])


def choices(studio: Studio) -> int:
    """How many choices the form has: what the handler takes, less the two that say who asks for what."""
    config = httpx.get(studio.address + "config").json()
    (start,) = [entry for entry in config["dependencies"] if entry["api_name"] == "start_run"]
    return len(start["inputs"]) - 2


def test_a_model_is_downloaded_with_its_key_alone(studio: Studio, run: Any) -> None:
    address = f"{studio.address}download/{run.id}"
    assert httpx.get(address, params={"key": run.key}).status_code == 200
    for params in ({}, {"key": "guess"}):
        refused = httpx.get(address, params=params)
        assert (refused.status_code, "ann" in refused.text) == (404, False)
    assert httpx.get(f"{studio.address}download/..%2f..%2fetc").status_code == 404


def test_what_lies_in_the_home_is_not_served(studio: Studio, run: Any) -> None:
    for path in (studio.home / "jobs" / "jobs.sqlite3", studio.home / "model-of-ann" / "config.json"):
        assert path.exists()
        assert httpx.get(f"{studio.address}gradio_api/file={path}").status_code in (403, 404)


def test_a_tick_without_news_sends_nothing(studio: Studio, run: Any) -> None:
    first = call(studio, "look_run", [run.id, ANN, "", ""])
    mark = f"{run.id}:done:{studio.store.get(run.id).changes}:0"
    assert mark in first
    assert "hft-" not in call(studio, "look_run", [run.id, ANN, "", mark])


def test_the_app_file_listens_where_it_is_told(tmp_path: Path) -> None:
    port = free_port()
    told = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), "HFTRANSFER_HOME": str(tmp_path)}
    with subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env={**os.environ, **told}) as served:
        try:
            page = _first_page(f"http://127.0.0.1:{port}/")
        finally:
            served.kill()
    assert "hftransfer studio" in page
    assert "googleapis" not in page and 'analytics_enabled":false' in page.replace(" ", "")


def _first_page(address: str) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            return httpx.get(address).text
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the studio did not answer")


def _plain(text: str) -> str:
    return text.replace('"', "").replace("\\", "").replace("\n", " ")
