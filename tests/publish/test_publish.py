"""Push and pull with the real client, against the stand-in for the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hub.fixtures import Loopback

from .models import SECRETS, image_model, text_model

WAYS = pytest.mark.parametrize("xet", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["xet", "lfs"])
SENT = [".gitattributes", "README.md", "config.json", "model.safetensors", "recipe.json", "report.json"]
TOKENIZER = ["tokenizer.json", "tokenizer_config.json"]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_model(tmp_path_factory.mktemp("text") / "model")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_model(tmp_path_factory.mktemp("image") / "model")


def tell(hub: Loopback, story: str, *args: Any, **env: Any) -> Any:
    return hub.child(f"import sys\nfrom tests.publish import stories\nstories.{story}", *args, **env)


@WAYS
def test_round_trip(hub: Loopback, text: Path, image: Path, xet: bool) -> None:
    way = "xet" if xet else "lfs"
    story = tell(hub, "round_trip(*sys.argv[1:])", text, image, way, xet=xet)
    repo, first = f"alice/text-{way}", story["first"]
    assert set(first) == {"repo", "url", "commit", "pull_request", "verified"}
    assert first == {**first, "repo": repo, "url": f"{hub.url}/{repo}", "pull_request": None, "verified": True}
    assert story["again"] == first, "the same files again change nothing"
    assert story["proposed"]["verified"] and story["proposed"]["pull_request"] == f"{hub.url}/{repo}/discussions/1"
    assert story["second"]["verified"] and story["second"]["commit"] != first["commit"]
    title = "text-classification model, fine-tuned with hftransfer"
    assert story["titles"] == [title, story["titles"][1], f"{title} (#1)", title, "initial commit"]
    assert story["files"] == sorted([*SENT, *TOKENIZER, "LICENSE"]), "no diary, and nothing of an older tokenizer"
    assert story["image"]["verified"] and story["private"] and story["image_pulled"]
    assert story["weights"] and story["sure"] and story["moved"]
    assert story["public"]["cause"] == "the repository exists and is public"
    assert any("6 synthetic inputs" in message for message in story["heard"])
    assert story["left"] == []
    for note in story["notes"]:
        assert not [secret for secret in SECRETS if secret in note.lower()]
    assert "read as cp1252" in story["notes"][0], "what names no file is told"
    assert f"# text-{way}\n" in story["notes"][0], "an untouched card is written anew for its repository"
    assert story["by_hand"] == f"Mine: {repo}", "a card written by hand keeps its words"
    assert repo in story["notes"][0] and "OWNER/MODEL" not in story["notes"][0]


REFUSED = {
    "malformed": ("HubError", "is no name for a repository", "owner/name"),
    "not_ours": ("HubError", "may not do this: You don't have the rights to write to the namespace bob", "--create-pr"),
    "missing": ("BackboneError", "it has no recipe.json", "hftransfer train"),
    "nowhere": ("BackboneError", "no such folder", "trained model"),
    "none": ("HubError", "no such repository, or it is private", "check its name"),
    "headless": ("BackboneError", "no classifier but a BertModel", "text-classification"),
    "empty": ("BackboneError", "no Transformers model", "check its name"),
    "pickled": ("BackboneError", "pickled", "safetensors"),
    "revision": ("HubError", "no such revision", "branch"),
    "stranger": ("HubError", "does not know the token", "settings/tokens"),
    "stranger_pull": ("HubError", "does not know the token", "settings/tokens"),
    "reader": ("HubError", "the token may only read", "settings/tokens"),
    "bob": ("HubError", "may not do this", "settings/tokens"),
    "bob_pull": ("HubError", "or it is private", "hf auth login"),
    "nobody": ("HubError", "no Hugging Face token here", "HF_TOKEN"),
    "nobody_pull": ("HubError", "or it is private", "HF_TOKEN"),
}


def test_refusals_name_cause_and_next_step(hub: Loopback, text: Path) -> None:
    story = tell(hub, "refusals(*sys.argv[1:])", text)
    for name, (kind, cause, fix) in REFUSED.items():
        told = story[name]
        assert (told["kind"], cause in told["cause"], fix in told["fix"]) == (kind, True, True), (name, told)
        assert told["place"] and "Traceback" not in str(told) and "\n" not in told["cause"]
    assert story["left"] == []


@WAYS
def test_a_push_that_breaks_and_one_that_is_not_as_sent(hub: Loopback, text: Path, xet: bool) -> None:
    story = tell(hub, f"broken(sys.argv[1], {xet})", text, xet=xet)
    assert story["upload"]["cause"].startswith("the token may not do this")
    assert story["commit"]["cause"].startswith("the connection to the Hub broke")
    assert story["down"]["cause"].startswith("the Hub is in trouble: made to fail")
    assert [story[name]["exists"] for name in ("upload", "commit", "down")] == [False] * 3
    assert story["lost"]["kind"] == "HubError" and story["lost"]["exists"], "its commit was made"
    assert story["mended"]["verified"] and story["left"] == []
    for name, doubt in {
        "weights": "the transfer failed: Task error" if xet else "model.safetensors has other bytes than were sent",
        "card": "README.md has other bytes than were sent",
    }.items():
        told = story[name]
        assert told["verified"] is False
        assert told["doubt"].startswith(f"not verified: {doubt}") and "hf repos delete alice/" in told["doubt"]
        assert told["heard"][-1] == told["doubt"]


CACHE = """
import sys
from huggingface_hub import create_repo, snapshot_download, upload_folder
folder, repo = sys.argv[1:]
create_repo(repo)
upload_folder(repo_id=repo, folder_path=folder)
snapshot_download(repo)
print(1)
"""


@pytest.mark.slow
def test_the_cache_serves_where_the_hub_is_away(hub: Loopback, text: Path) -> None:
    hub.child(CACHE, text, "alice/known")
    for away, cause in (
        ({"HF_HUB_OFFLINE": "1"}, "offline mode is on"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "the Hub cannot be reached"),
    ):
        story = tell(hub, "without_hub(sys.argv[1], 'alice/known')", text, **away)
        assert story["pushed"]["cause"].startswith(cause)
        assert story["known"] is True
        assert story["unknown"]["cause"] == "the Hub does not answer, and the cache has not all of it"
        assert story["heard"] == ["the Hub does not answer: looking for alice/known in the cache"]
