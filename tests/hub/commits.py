"""Writing: which files go up how, commits, branches and tags."""

from __future__ import annotations

import base64
import json
from typing import Any

from .blobs import Entry
from .discussions import opened
from .hub import Hub
from .repos import LARGE, Repository
from .web import Refused, Request, Routes
from .xet import materialise

routes = Routes()
REGULAR = 10_000_000  # bytes; anything larger goes up as a large file, whatever its name


@routes.on("POST", "/api/{repo}/preupload/{revision}")
def preupload(hub: Hub, request: Request, kind: str, name: str, revision: str) -> dict[str, Any]:
    repository = hub.proposable(request, kind, name)
    tree = repository.resolve(revision).tree
    return {"files": [_mode(file, tree.get(file["path"])) for file in request.json()["files"]]}


def _mode(file: dict[str, Any], known: Entry | None) -> dict[str, Any]:
    binary = b"\0" in base64.b64decode(file["sample"])
    large = file["size"] > REGULAR or binary or file["path"].endswith(tuple(f".{suffix}" for suffix in LARGE))
    row = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
    return row | ({"oid": known.etag} if known else {})


@routes.on("POST", "/api/{repo}/commit/{revision}")
def commit(hub: Hub, request: Request, kind: str, name: str, revision: str) -> dict[str, Any]:
    """One line of JSON for the header, one for each file; all of it happens or none."""
    propose = request.flag("create_pr")
    own = not propose and not revision.startswith("refs/pr/")
    repository = (hub.writable if own else hub.proposable)(request, kind, name)
    lines = [json.loads(line) for line in request.body.splitlines() if line.strip()]
    for line in lines:
        if line["key"] == "lfsFile":
            materialise(hub, line["value"]["oid"])  # may ask this very server: not under the lock
    with hub.lock:
        return _commit(hub, repository, revision, lines, hub.user(request).name, propose)


def _commit(
    hub: Hub, repository: Repository, revision: str, lines: list[dict[str, Any]], author: str, propose: bool
) -> dict[str, Any]:
    base = repository.resolve(revision)
    header = next(line["value"] for line in lines if line["key"] == "header")
    if header.get("parentCommit") not in (None, base.oid):
        raise Refused(412, "A commit has happened since. Please refresh and try again.")
    tree = _changed(hub, dict(base.tree), lines)
    title, body = header["summary"], header.get("description", "")
    answer: dict[str, Any] = {}
    if propose:
        number = opened(repository, title, body, author, base=base.oid)["num"]
        revision = f"refs/pr/{number}"
        answer["pullRequestUrl"] = f"{hub.url}/{repository.web_path}/discussions/{number}"
    made = repository.commit(revision, tree, title, body, author)
    url = f"{hub.url}/{repository.web_path}/commit/{made.oid}"
    return answer | {"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""}


def _changed(hub: Hub, tree: dict[str, Entry], lines: list[dict[str, Any]]) -> dict[str, Entry]:
    for line in lines:
        value = line["value"]
        match line["key"]:
            case "file":
                tree[value["path"]] = hub.blobs.put(base64.b64decode(value["content"]))
            case "lfsFile":
                tree[value["path"]] = hub.blobs.pointer(value["oid"])
            case "deletedFile":
                if tree.pop(value["path"], None) is None:
                    raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
            case "deletedFolder":
                inside = [path for path in tree if path.startswith(f"{value['path'].rstrip('/')}/")]
                for path in inside:
                    del tree[path]
    return tree


@routes.on("POST", "/api/{repo}/branch/{word}")
def create_branch(hub: Hub, request: Request, kind: str, name: str, word: str) -> dict[str, Any]:
    repository = hub.writable(request, kind, name)
    if word in repository.heads:
        raise Refused(409, f"Reference already exists: refs/heads/{word}")
    repository.heads[word] = repository.resolve(request.json().get("startingPoint")).oid
    return {}


@routes.on("DELETE", "/api/{repo}/branch/{word}")
def delete_branch(hub: Hub, request: Request, kind: str, name: str, word: str) -> dict[str, Any]:
    if hub.writable(request, kind, name).heads.pop(word, None) is None:
        raise Refused(404, "no such branch", "RevisionNotFound")
    return {}


@routes.on("POST", "/api/{repo}/tag/{revision}")
def create_tag(hub: Hub, request: Request, kind: str, name: str, revision: str) -> dict[str, Any]:
    repository = hub.writable(request, kind, name)
    tag = request.json()["tag"]
    if tag in repository.tags:
        raise Refused(409, f"Tag reference exists already: {tag}")
    repository.tags[tag] = repository.resolve(revision).oid
    return {}


@routes.on("DELETE", "/api/{repo}/tag/{word}")
def delete_tag(hub: Hub, request: Request, kind: str, name: str, word: str) -> dict[str, Any]:
    if hub.writable(request, kind, name).tags.pop(word, None) is None:
        raise Refused(404, "no such tag", "RevisionNotFound")
    return {}
