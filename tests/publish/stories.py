"""What the tests have a child process do: push, pull and fail, and say as JSON what happened.

A child's own Hub is given by its environment; each story prints one line at its end.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, hf_hub_download
from PIL import Image
from transformers import pipeline

from hftransfer.errors import HFTransferError
from hftransfer.publish import hub, pull, push
from hftransfer.values import Event

torch.set_num_threads(1)


class Heard(list[str]):
    """A listener that keeps the messages."""

    def __call__(self, event: Event) -> None:
        self.append(event.message)


def tell(story: dict[str, Any]) -> None:
    print(json.dumps(story))


def fault(match: str, action: str | int, times: int | None = None) -> None:
    """Let the Hub fail; "" lets it be well again."""
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    address = f"{os.environ['HF_ENDPOINT']}/-/faults"
    ask(urllib.request.Request(address, method="DELETE")).close()
    if match:
        body = json.dumps({"match": match, "action": action, "times": times}).encode()
        ask(urllib.request.Request(address, body, method="POST")).close()


def failing(call: Callable[..., Any], *args: Any, **named: Any) -> dict[str, str]:
    """An expected error's parts."""
    try:
        call(*args, **named)
    except HFTransferError as error:
        return error.to_json()
    return {"kind": "", "cause": "no error"}


def exists(repo: str) -> bool:
    return HfApi().repo_exists(repo)


def round_trip(text: str, image: str, way: str) -> None:
    """Push a text and an image model, in all manners, and pull them into an empty cache."""
    heard, api, repo = Heard(), HfApi(), f"alice/text-{way}"
    first = push(Path(text), f"text-{way}", on_event=heard)
    again = push(Path(text), repo)
    changed = Path(shutil.copytree(text, Path(tempfile.mkdtemp()) / "model"))
    (changed / "LICENSE").write_text("free")
    card = (changed / "README.md").read_text()
    (changed / "README.md").write_text("---\ntags: [mine]\n---\nMine: OWNER/MODEL")
    proposed = push(changed, repo, create_pr=True, samples=["a", "the"])
    api.merge_pull_request(repo, int(str(proposed.pull_request).rsplit("/", 1)[-1]))
    by_hand = Path(hf_hub_download(repo, "README.md")).read_text().splitlines()[-1]
    (changed / "README.md").write_text(card)
    (changed / "LICENSE").unlink()
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="added_tokens.json", repo_id=repo)
    second = push(changed, repo)
    pictures = push(Path(image), f"alice/image-{way}", private=True, samples=[Image.new("L", (40, 20), 90)])
    public = failing(push, changed, repo, private=True)
    folder = pull(repo, on_event=heard)
    sure = pipeline("text-classification", model=str(folder))("the no")
    tell(
        {
            "first": first.to_json(), "again": again.to_json(), "proposed": proposed.to_json(),
            "by_hand": by_hand, "second": second.to_json(), "image": pictures.to_json(), "public": public,
            "titles": [commit.title for commit in api.list_repo_commits(repo)],
            "files": sorted(api.list_repo_files(repo)), "private": api.model_info(f"alice/image-{way}").private,
            "notes": [Path(hf_hub_download(repo, name)).read_text() for name in NOTES],
            "weights": (folder / "model.safetensors").read_bytes() == Path(text, "model.safetensors").read_bytes(),
            "moved": _pulled_while_it_moves(api, repo, folder.name),
            "sure": sure == pipeline("text-classification", model=text)("the no"), "heard": heard,
            "image_pulled": pull(f"alice/image-{way}").is_dir(), "left": _left_behind(),
        }
    )  # fmt: skip


def _pulled_while_it_moves(api: HfApi, repo: str, commit: str) -> bool:
    """Whether a pull stays with the commit that it began with: the branch moves once its config is there."""
    fetch = hub._fetch

    def moving(name: str, revision: str, patterns: list[str], cached: bool) -> Path:
        got = fetch(name, revision, patterns, cached)
        api.upload_file(path_or_fileobj=b"later", path_in_repo=f"{len(patterns)}.txt", repo_id=repo)
        return got

    hub._fetch = moving
    try:
        return pull(repo).name == commit
    finally:
        hub._fetch = fetch


NOTES = ("README.md", "recipe.json", "report.json")


def _left_behind() -> list[str]:
    return [path.name for path in Path(tempfile.gettempdir()).glob("hftransfer-proof-*")]


def refusals(text: str) -> None:
    """Every way in which a push or a pull is refused, and what is left on the Hub after it."""
    folder, api = Path(text), HfApi()
    story: dict[str, Any] = {
        "malformed": failing(push, folder, "https://hf.co/alice/x"),
        "not_ours": failing(push, folder, "bob/mine"),
        "missing": failing(push, Path(tempfile.mkdtemp()), "alice/x"),
        "nowhere": failing(push, Path("/no/such/folder"), "alice/x"),
    }
    api.create_repo("alice/hidden", private=True)
    for name, files in {"headless": {"config.json": b'{"architectures": ["BertModel"]}'}, "empty": {}}.items():
        api.create_repo(f"alice/{name}")
        for file, content in files.items():
            api.upload_file(path_or_fileobj=content, path_in_repo=file, repo_id=f"alice/{name}")
    api.create_repo("alice/pickled")
    api.upload_file(path_or_fileobj=b"\0", path_in_repo="pytorch_model.bin", repo_id="alice/pickled")
    story |= {name: failing(pull, f"alice/{name}") for name in ("none", "headless", "empty", "pickled")}
    story["revision"] = failing(pull, "alice/empty", revision="none")
    for user, token in {"stranger": "hf_unknown", "reader": "hf_reader", "bob": "hf_bob"}.items():
        os.environ["HF_TOKEN"] = token
        story |= {user: failing(push, folder, "alice/x"), f"{user}_pull": failing(pull, "alice/hidden")}
    os.environ.pop("HF_TOKEN")
    story |= {"nobody": failing(push, folder, "alice/x"), "nobody_pull": failing(pull, "alice/hidden")}
    os.environ["HF_TOKEN"] = "hf_alice"
    story["left"] = [name for name in ("alice/x", "bob/mine") if exists(name)]
    tell(story)


def broken(text: str, xet: bool) -> None:
    """Faults in the middle of a push: what is told, and what stays on the Hub."""
    folder, story = Path(text), {}
    commit = "POST .*/commit/"
    upload = "POST /v1/shards" if xet else "POST .*lfs/objects/batch"
    faults: dict[str, tuple[str, str | int]] = {
        "upload": (upload, 403),
        "commit": (commit, "drop"),
        "down": (commit, 503),
        "lost": (commit, "lose"),
    }
    for name, (match, action) in faults.items():
        fault(match, action, times=1)
        repo = f"alice/broken-{name}-{xet}"
        story[name] = failing(push, folder, repo) | {"exists": exists(repo)}
    fault("", 0)
    story["mended"] = push(folder, f"alice/broken-lost-{xet}").to_json()
    # Xet checks what it downloads and would ask again for minutes; so there the way to the weights is missing.
    way, harm = ("GET /v1/reconstructions", 404) if xet else ("GET /cdn/", "tamper")
    story["weights"] = _differing(folder, f"alice/weights-{xet}", way, harm)
    story["card"] = _differing(folder, f"alice/card-{xet}", "GET .*/resolve/.*/README.md", "tamper")
    tell(story | {"left": _left_behind()})


def _differing(folder: Path, repo: str, match: str, action: str | int) -> dict[str, Any]:
    """Push where what comes down is not what went up."""
    heard = Heard()
    fault(match, action)
    done = push(folder, repo, on_event=heard)
    fault("", 0)
    return {**done.to_json(), "doubt": done.doubt, "heard": heard}


def without_hub(text: str, known: str) -> None:
    """Push and pull where the Hub is away: `known` is in the cache."""
    heard = Heard()
    tell(
        {
            "pushed": failing(push, Path(text), "alice/x"), "known": pull(known, on_event=heard).is_dir(),
            "unknown": failing(pull, "alice/never-seen"), "heard": heard,
        }
    )  # fmt: skip
