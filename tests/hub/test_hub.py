"""The real client against the stand-in, by both of its ways to send large files."""

from __future__ import annotations

import pytest

from .fixtures import Loopback

WAYS = pytest.mark.parametrize("xet", [True, False], ids=["xet", "lfs"])

ROUND_TRIP = """
import json, os, random, sys, tempfile
from pathlib import Path
from huggingface_hub import HfApi, snapshot_download
repo, folder = sys.argv[1], Path(tempfile.mkdtemp())
(folder / "sub").mkdir()
(folder / "README.md").write_text("---\\nlicense: mit\\ntags: [a]\\n---\\n# Hi \\u4f60\\u597d\\n")
(folder / "sub" / "config.json").write_text("{}")
(folder / "model.safetensors").write_bytes(random.Random(repo).randbytes(12_000_000))
files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

def same(revision):
    got = Path(snapshot_download(repo, revision=revision, cache_dir=tempfile.mkdtemp()))
    return all((got / name).read_bytes() == data for name, data in files.items())

api = HfApi()
url = api.create_repo(repo)
first = api.upload_folder(repo_id=repo, folder_path=folder)
again = api.upload_folder(repo_id=repo, folder_path=folder)
(folder / "sub" / "config.json").write_text('{"changed": true}')
proposed = api.upload_folder(repo_id=repo, folder_path=folder, create_pr=True)
files["sub/config.json"] = b'{"changed": true}'
request = {"same": same(proposed.pr_revision), "status": api.get_discussion_details(repo, proposed.pr_num).status}
before = len(api.list_repo_commits(repo))
api.merge_pull_request(repo, proposed.pr_num)
info = api.model_info(repo, files_metadata=True)
print(json.dumps({
    "url": str(url), "idempotent": first.oid == again.oid, "request": request, "merged": same("main"),
    "commits": [before, len(api.list_repo_commits(repo))], "license": info.card_data.license,
    "sizes": {file.rfilename: file.size for file in info.siblings},
    "sub": [entry.path for entry in api.list_repo_tree(repo, "sub")],
    "paths": [entry.path for entry in api.get_paths_info(repo, ["sub", "README.md", "none"])],
}))
"""


@WAYS
def test_what_went_up_comes_down_byte_for_byte(hub: Loopback, xet: bool) -> None:
    told = hub.child(ROUND_TRIP, f"alice/round-{xet}", xet=xet)
    assert told["url"] == f"{hub.url}/alice/round-{xet}"
    assert told["idempotent"] and told["merged"] and told["request"]["same"]
    assert told["request"]["status"] == ("draft" if xet else "open")
    assert told["commits"] == [2, 3]
    assert told["license"] == "mit"
    assert told["sizes"]["model.safetensors"] == 12_000_000
    assert told["sub"] == ["sub/config.json"]
    assert sorted(told["paths"]) == ["README.md", "sub"]
    ways = {line.split("/")[1] for line in hub.requests()}
    assert ("v1" in ways) == xet and ("lfs" in ways) != xet
    parts = [line for line in hub.requests() if line.startswith("PUT /lfs/")]
    assert len(parts) == (0 if xet else 3), "12 MB go up in parts of 5"


TRIES = """
import json, os, sys
from huggingface_hub import HfApi, hf_hub_download

def tries(call, *args, **named):
    try:
        call(*args, **named)
        return "fine"
    except Exception as error:
        return f"{type(error).__name__} {getattr(getattr(error, 'response', None), 'status_code', '')}".strip()

api = HfApi()
repo, mine = sys.argv[1], f"{sys.argv[2]}/mine"
print(json.dumps({
    "whoami": tries(api.whoami), "info": tries(api.model_info, repo), "create": tries(api.create_repo, mine),
    "twice": tries(api.create_repo, mine), "file": tries(hf_hub_download, repo, "README.md"),
    "revision": tries(api.model_info, repo, revision="none"),
    "write": tries(api.upload_file, path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo),
    "yaml": tries(api.upload_file, path_or_fileobj=b"---\\na: [\\n---\\n", path_in_repo="README.md", repo_id=mine),
    "none": tries(api.model_info, "alice/none"), "delete": tries(api.delete_repo, mine),
}))
"""

HIDDEN = "RepositoryNotFoundError"
EXPECTED = {
    "alice": {
        "whoami": "fine",
        "info": "fine",
        "create": "fine",
        "twice": "HfHubHTTPError 409",
        "file": "RemoteEntryNotFoundError 404",
        "revision": "RevisionNotFoundError 404",
        "write": "fine",
        "yaml": "ValueError",
        "none": f"{HIDDEN} 404",
        "delete": "fine",
    },
    "reader": {
        "whoami": "fine",
        "info": "fine",
        "create": "HfHubHTTPError 403",
        "file": "RemoteEntryNotFoundError 404",
        "write": "HfHubHTTPError 403",
        "delete": f"{HIDDEN} 404",
    },
    "bob": {
        "whoami": "fine",
        "info": f"{HIDDEN} 404",
        "create": "fine",
        "file": f"{HIDDEN} 404",
        "write": f"{HIDDEN} 404",
        "delete": "fine",
    },
    "nobody": {"whoami": "LocalTokenNotFoundError", "info": f"{HIDDEN} 401", "create": "HfHubHTTPError 401"},
    "stranger": {"whoami": "HfHubHTTPError 401", "info": "HfHubHTTPError 401", "create": "HfHubHTTPError 401"},
}


def test_a_private_repository_and_who_may_do_what(hub: Loopback) -> None:
    repo = "alice/secret"
    hub.child(f"from huggingface_hub import create_repo\ncreate_repo('{repo}', private=True)\nprint(1)")
    for user, expected in EXPECTED.items():
        told = hub.child(TRIES, repo, "bob" if user == "bob" else "alice", user=user, home=hub.home / user)
        assert {step: told[step] for step in expected} == expected, user


def test_failures_come_when_they_are_asked_for(hub: Loopback) -> None:
    hub.fail("GET /api/whoami", 503, after=1, times=1)
    hub.fail("POST /api/repos/create", "drop")
    first, second = (hub.child(TRIES, "alice/none", "alice") for _ in range(2))
    assert (first["whoami"], second["whoami"]) == ("fine", "HfHubHTTPError 503")
    assert first["create"] == second["create"] == "RemoteProtocolError"
    hub.heal()
    assert hub.requests() == []
