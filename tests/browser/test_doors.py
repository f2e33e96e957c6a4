"""What the studio answers to those who speak HTTP themselves."""

from __future__ import annotations

import errno
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from hftransfer.errors import HFTransferError
from hftransfer.jobs import supervisor
from hftransfer.jobs.states import State
from hftransfer.ui import boundaries, page
from hftransfer.values import Event
from tests.publish.models import image_model

from .conftest import Studio, free_port

ROOT = Path(__file__).parents[2]
ANN, BOB = "ann's secret", "bob's secret"
MEASURED = {"score": 0.9, "low": 0.8, "high": 0.95, "size_mb": 91.0, "latency_ms": 8.0, "seconds": 3.0}
COMPARED = {
    "candidates": [
        {"backbone": "ann's/backbone", **MEASURED},
        {"backbone": "ann's/large", "score": None, "error": {"cause": "memory ran out"}},
    ],
    "choice": "ann's/backbone",
    "why": "it is small",
    "metric": "accuracy",
    "rows": 80,
}


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


def call(studio: Studio, name: str, data: list[Any], headers: dict[str, str] | None = None) -> str:
    """What a handler answers to raw HTTP, as text."""
    config = httpx.get(studio.address + "config").json()
    found = [entry for entry in config["dependencies"] if entry["api_name"] == name]
    assert len(found) == 1, f"{len(found)} handlers are called {name}"
    question = {"data": data, "fn_index": found[0]["id"], "session_hash": f"session-{time.time()}"}
    httpx.post(studio.address + "gradio_api/queue/join", json=question, headers=headers).raise_for_status()
    *_, last = events = list(_events(studio, question["session_hash"]))
    assert '"success":true' in last.replace(" ", ""), f"{name} crashed: {last}"
    return "".join(events)


def _events(studio: Studio, session: str) -> Iterator[str]:
    address = f"{studio.address}gradio_api/queue/data?session_hash={session}"
    with httpx.stream("GET", address, timeout=60) as stream:
        for line in stream.iter_lines():
            yield line
            if '"process_completed"' in line:
                return


def test_the_owner_sees_a_run_and_another_visitor_does_not(studio: Studio, run: Any) -> None:
    assert "ann&#x27;s pets" in json.loads(f'"{_plain(call(studio, "look_run", [run.id, ANN, "", "", ""]))}"')
    for secret, key in ((BOB, ""), ("", ""), (BOB, "guessed")):
        seen = call(studio, "look_run", [run.id, secret, key, "", ""])
        assert "pets" not in seen and "0.123456" not in seen and "There is no such run here" in seen


def test_another_visitor_cannot_predict_stop_or_train_with_it(studio: Studio, run: Any) -> None:
    assert "no such run" in call(studio, "predict", [run.id, BOB, "", "a text", "", None, 0.5])
    store = studio.store
    waiting = store.add("none", "ann's wait", supervisor.owner_of(ANN))
    for handler in ("stop_run", "finish_run", "resume_run"):
        call(studio, handler, [waiting.id, BOB])
        call(studio, handler, [waiting.id, ""])
    assert store.get(waiting.id).state is State.QUEUED
    call(studio, "stop_run", [waiting.id, ANN])
    assert store.get(waiting.id).state is State.CANCELLED
    assert "Go back to the first step" in call(studio, "start_run", [waiting.id, BOB, "", *[None] * choices(studio)])


def test_another_visitor_cannot_use_what_was_given_planned_or_collected(studio: Studio, run: Any) -> None:
    store, owner = studio.store, supervisor.owner_of(ANN)
    check, plan = store.add("check", "ann's table", owner), store.add("plan", "ann's plan", owner)
    compared = store.add("recommend", "ann's comparison", owner)
    for job in (check, plan, compared):
        store.move(job.id, State.PREPARING)
    store.move(compared.id, State.DONE, result=COMPARED)
    store.move(check.id, State.DONE, result={"task": "text-classification", "rows": 9, "labels": {}, "problems": []})
    store.move(plan.id, State.FAILED, error={"cause": "ann's cause", "place": "", "fix": ""})
    for secret in (BOB, ""):
        told = [
            call(studio, "look_data", [check.id, secret, ""]),
            call(studio, "reread", [check.id, secret, "a", "", ["b"]]),
            call(studio, "repair", [check.id, secret]),
            call(studio, "plan_run", [check.id, secret, "", "", *[None] * choices(studio)]),
            call(studio, "look_plan", [plan.id, secret, ""]),
            call(studio, "compare", [check.id, secret, "", *[None] * choices(studio)]),
            call(studio, "compared_before", [check.id, secret, compared.id]),
            call(studio, "look_compared", [compared.id, secret, ""]),
            call(studio, "take_backbone", [compared.id, secret]),
            call(studio, "delete_run", [run.id, secret, check.id]),
            call(studio, "push", [run.id, secret, "bob/stolen", True, "hf_bob"]),
            call(studio, "look_push", [plan.id, secret, ""]),
            call(studio, "predict_all", [run.id, secret, "", None, None, 0.5]),
        ]
        assert not [text for text in told if "ann's" in _read(text)]
        assert "there is no such run here" in _read(told[-1])
    assert "ann's cause" in _read(call(studio, "look_plan", [plan.id, ANN, ""]))
    table = _read(call(studio, "look_compared", [compared.id, ANN, ""]))
    assert (
        "ann's/backbone" in table
        and "90.0%" in table
        and "(80.0% – 95.0%)" in table
        and "not tried: memory ran out" in table
    )
    assert "ann's/backbone" in _read(call(studio, "take_backbone", [compared.id, ANN]))
    assert store.get(run.id).state is State.DONE
    assert [job.kind for job in store.listed(supervisor.owner_of(BOB))] == []


def test_another_visitor_is_given_class_cards_of_their_own(studio: Studio) -> None:
    """Everything else about cards asks `drafts` with the visitor's owner: see tests/ui/test_drafts.py."""
    draft = _drafted(studio, "", ANN)
    assert _drafted(studio, draft, ANN) == draft
    assert draft not in {_drafted(studio, draft, BOB), _drafted(studio, f"../{supervisor.owner_of(ANN)}/{draft}", BOB)}
    assert "does not say whose" in call(studio, "open_cards", [draft, ""])


def _drafted(studio: Studio, draft: str, secret: str) -> str:
    answer = json.loads(call(studio, "open_cards", [draft, secret]).split("data: ")[-1])
    return str(answer["output"]["data"][1])


def choices(studio: Studio) -> int:
    """How many choices the form has: what the handler takes, less what says who asks for what."""
    config = httpx.get(studio.address + "config").json()
    (start,) = [entry for entry in config["dependencies"] if entry["api_name"] == "start_run"]
    return len(start["inputs"]) - 3


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
    first = call(studio, "look_run", [run.id, ANN, "", "", ""])
    mark = f"{run.id}:done:{studio.store.get(run.id).changes}:0"
    assert mark in first
    assert "hft-" not in call(studio, "look_run", [run.id, ANN, "", mark, ""])


def test_what_goes_wrong_is_a_card_and_no_bare_error(studio: Studio) -> None:
    assert "does not say whose" in call(studio, "take_helpdesk", [None])
    model = studio.home / "no-model"
    model.mkdir()
    job = studio.store.add("train", "pets", supervisor.owner_of(ANN), output=str(model))
    studio.store.move(job.id, State.PREPARING)
    studio.store.move(job.id, State.DONE, result={"task": "image-classification"})
    for name, content in (("huge.png", _huge()), ("broken.png", b"no picture")):
        sent = httpx.post(f"{studio.address}gradio_api/upload", files={"files": (name, content)}).json()
        picture = {"path": sent[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        assert "hft-failure" in call(studio, "predict", [job.id, ANN, "", "", "", picture, 0.5])


def _huge() -> bytes:
    """A PNG of 100 megapixels in a few kilobytes."""
    file = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, "PNG")
    return file.getvalue()


def test_the_machines_own_errors_are_cards_too(own_home: Path) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(own_home / "uploads" / "ann" / "t.csv"))

    card = page.told(lambda card: card)(full)()
    assert "No space left on device" in card and "t.csv" in card and str(own_home) not in card


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"GRADIO_SERVER_PORT": "abc"}, "no port"),
        ({"GRADIO_SERVER_PORT": "99999"}, "no port"),
        ({"GRADIO_SERVER_NAME": "192.0.2.1"}, "Cannot assign requested address"),
        ({"HFTRANSFER_JOBS_AT_ONCE": "x"}, "no number"),
    ],
)
def test_the_app_file_tells_a_wrong_setting_in_words(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    environment = {**os.environ, "HFTRANSFER_HOME": str(tmp_path), **settings}
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:7860"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"x-forwarded-for": "192.0.2.1"}, 403),
    ],
)
def test_a_page_for_this_machine_answers_nobody_elsewhere(studio: Studio, headers: dict[str, str], status: int) -> None:
    for path in ("", "config", "gradio_api/info"):
        assert httpx.get(studio.address + path, headers=headers).status_code == status


def test_an_image_model_opens_no_path_that_a_text_file_names(studio: Studio, tmp_path: Path) -> None:
    job = studio.store.add("train", "pets", supervisor.owner_of(ANN), output=str(image_model(tmp_path / "model")))
    studio.store.move(job.id, State.PREPARING)
    studio.store.move(job.id, State.DONE, result={"task": "image-classification"})
    inside = tmp_path / "secret.png"
    Image.new("RGB", (32, 32)).save(inside)
    sent = httpx.post(f"{studio.address}gradio_api/upload", files={"files": ("t.txt", str(inside).encode())}).json()
    texts = {"path": sent[0], "orig_name": "t.txt", "meta": {"_type": "gradio.FileData"}}
    answer = call(studio, "predict_all", [job.id, ANN, "", None, texts, 0.5])
    assert "give an input first" in _read(answer) and "secret.png" not in answer


def test_a_port_in_use_or_none_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HFTransferError, match="in use"):
            boundaries.probe("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(HFTransferError, match="no port"):
        boundaries.probe("127.0.0.1", 99999)


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


def _read(text: str) -> str:
    """As a visitor reads it, but for capitals."""
    return json.loads(f'"{_plain(text)}"').replace("&#x27;", "'").lower()
