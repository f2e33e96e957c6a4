"""The thread through everything, as the shell does it: train, push, pull, predict, evaluate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import image_backbone, pictures, table, text_backbone


def shell(hub, *words: object, **env: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "hftransfer", *map(str, words)]
    done = subprocess.run(command, env=hub.env(**env), capture_output=True, text=True, check=False, timeout=200)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "xet"), [("text", True), pytest.param("image", False, marks=pytest.mark.slow)])
def test_a_run_travels_through_the_hub(kind: str, xet: bool, hub, tmp_path: Path) -> None:
    make = {"text": text_backbone, "image": image_backbone}[kind]
    source = table(tmp_path / "t.csv") if kind == "text" else pictures(tmp_path / "p.zip")
    model = tmp_path / "model"
    trained = shell(
        hub, "train", source, "-o", model, "--backbone", make(tmp_path / "b"), "--strategy", "full", "--json"
    )
    assert trained[0] == 0, trained[2]

    code, out, err = shell(hub, "push", model, "alice/thing", "--data", source, "--json", xet=xet)
    pushed = json.loads(out)
    assert code == 0, err
    assert set(pushed) == {"repo", "url", "commit", "pull_request", "verified"}
    assert pushed["repo"] == "alice/thing" and pushed["verified"] and pushed["pull_request"] is None

    evaluated = [shell(hub, "evaluate", place, source, "--json", xet=xet) for place in (model, "alice/thing")]
    assert evaluated[0][0] == 0 and evaluated[0][1] == evaluated[1][1]
    code, out, err = shell(hub, "predict", "alice/nothing", "x", "--json", xet=xet)
    assert code == 2 and json.loads(out)["error"]["kind"] == "HubError" and "Traceback" not in err


@pytest.mark.slow
def test_a_model_of_ours_is_gone_on_from_on_the_hub(hub, tmp_path: Path) -> None:
    how = ("--strategy", "feature-extraction", "--json")
    old, new = table(tmp_path / "a.csv"), table(tmp_path / "n.csv", labels=("good", "worse"))
    assert shell(hub, "train", old, "-o", tmp_path / "a", "--backbone", text_backbone(tmp_path / "b"), *how)[0] == 0
    assert shell(hub, "push", tmp_path / "a", "alice/old")[0] == 0
    code, out, err = shell(hub, "train", new, "-o", tmp_path / "n", "--backbone", "alice/old", *how)
    assert code == 0, err
    run = json.loads(out)
    assert run["labels"] == ["bad", "good", "worse"] and run["before"]["accuracy"]["value"] < 1
