"""Reading: what a repository is, which files it has, and their bytes."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode

import yaml

from .accounts import card_metadata
from .blobs import Entry, git_oid
from .hub import Hub
from .lfs import signature
from .repos import Commit, Repository
from .web import Refused, Request, Response, Routes

routes = Routes()
PAGE = 1000  # files in one answer of the tree
POINTER = 134  # bytes of an LFS pointer file, about


@routes.on("GET", "/api/{repo}(?:/revision/{revision})?")
def info(hub: Hub, request: Request, kind: str, name: str, revision: str | None) -> dict[str, Any]:
    repository = hub.readable(request, kind, name)
    return describe(hub, repository, repository.resolve(revision), request.flag("blobs"))


def describe(hub: Hub, repository: Repository, commit: Commit, blobs: bool = False) -> dict[str, Any]:
    card = _card(hub, commit)
    tags = [*(card.get("tags") or []), *([f"license:{card['license']}"] if card.get("license") else [])]
    return {
        "_id": git_oid(repository.name.encode())[:24],
        "id": repository.name,
        "modelId": repository.name,
        "author": repository.owner,
        "sha": commit.oid,
        "lastModified": commit.date,
        "createdAt": repository.created,
        "private": repository.private,
        "disabled": False,
        "gated": False,
        "downloads": 0,
        "likes": 0,
        "tags": tags,
        "cardData": card,
        "library_name": card.get("library_name"),
        "pipeline_tag": card.get("pipeline_tag"),
        "siblings": [_sibling(path, entry, blobs) for path, entry in sorted(commit.tree.items())],
    }


def _card(hub: Hub, commit: Commit) -> dict[str, Any]:
    entry = commit.tree.get("README.md")
    try:
        return card_metadata(hub.blobs.read(entry).decode()) if entry else {}
    except yaml.YAMLError:
        return {}


def _sibling(path: str, entry: Entry, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": path}
    return {"rfilename": path, "size": entry.size, "blobId": entry.oid} | _large(entry, "sha256")


def _large(entry: Entry, key: str) -> dict[str, Any]:
    return {"lfs": {key: entry.lfs, "size": entry.size, "pointerSize": POINTER}} if entry.lfs else {}


def _file(hub: Hub, repository: Repository, commit: Commit, path: str, expand: bool) -> dict[str, Any]:
    entry = commit.tree[path]
    row = {"type": "file", "oid": entry.oid, "size": entry.size, "path": path} | _large(entry, "oid")
    if entry.lfs in hub.xet.by_sha256:
        row["xetHash"] = hub.xet.by_sha256[entry.lfs][0]
    if expand:
        changed = repository.last_change(commit, path)
        row["lastCommit"] = {"id": changed.oid, "title": changed.title, "date": changed.date}
    return row


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "oid": git_oid(path.encode()), "size": 0, "path": path}


@routes.on("GET", "/api/{repo}/tree/{revision}(?:/{path})?")
def tree(hub: Hub, request: Request, kind: str, name: str, revision: str, path: str | None) -> Response:
    repository = hub.readable(request, kind, name)
    commit = repository.resolve(revision)
    prefix = f"{path.strip('/')}/" if path else ""
    deep = request.flag("recursive")
    files = [file for file in sorted(commit.tree) if file.startswith(prefix)]
    if prefix and not files:
        raise Refused(404, "Entry not found", "EntryNotFound")
    rows = [_folder(folder) for folder in _folders(files, prefix, deep)]
    here = [file for file in files if deep or "/" not in file[len(prefix) :]]
    rows += [_file(hub, repository, commit, file, request.flag("expand")) for file in here]
    return _page(hub, request, rows)


def _folders(files: list[str], prefix: str, deep: bool) -> list[str]:
    found: dict[str, None] = {}
    for file in files:
        parts = file[len(prefix) :].split("/")
        for depth in range(1, len(parts) if deep else min(len(parts), 2)):
            found[prefix + "/".join(parts[:depth])] = None
    return list(found)


def _page(hub: Hub, request: Request, rows: list[dict[str, Any]]) -> Response:
    start = int(request.query.get("cursor", 0))
    headers = {}
    if len(rows) > start + PAGE:
        query = urlencode({**request.query, "cursor": start + PAGE})
        headers["Link"] = f'<{hub.url}{request.path}?{query}>; rel="next"'
    return Response.json(rows[start : start + PAGE], headers)


@routes.on("POST", "/api/{repo}/paths-info/{revision}")
def paths_info(hub: Hub, request: Request, kind: str, name: str, revision: str) -> list[dict[str, Any]]:
    """Some files and folders; the client sends a form. Those that don't exist are left out."""
    repository = hub.readable(request, kind, name)
    commit = repository.resolve(revision)
    form = parse_qs(request.body.decode())
    expand = form.get("expand", [""])[0].lower() == "true"
    rows = []
    for path in form.get("paths", []):
        if path in commit.tree:
            rows.append(_file(hub, repository, commit, path, expand))
        elif any(file.startswith(f"{path.rstrip('/')}/") for file in commit.tree):
            rows.append(_folder(path))
    return rows


@routes.on("GET", "/api/{repo}/commits/{revision}")
def commits(hub: Hub, request: Request, kind: str, name: str, revision: str) -> list[dict[str, Any]]:
    repository = hub.readable(request, kind, name)
    return [
        {
            "id": commit.oid,
            "title": commit.title,
            "message": commit.body,
            "authors": [{"user": commit.author}],
            "date": commit.date,
        }
        for commit in repository.history(repository.resolve(revision))
    ]


@routes.on("GET", "/api/{repo}/refs")
def refs(hub: Hub, request: Request, kind: str, name: str) -> dict[str, Any]:
    repository = hub.readable(request, kind, name)
    branches = {ref: oid for ref, oid in repository.heads.items() if not ref.startswith("refs/pr/")}
    proposed = {ref: oid for ref, oid in repository.heads.items() if ref.startswith("refs/pr/")}
    listed = {"branches": _refs(branches, "refs/heads/"), "tags": _refs(repository.tags, "refs/tags/"), "converts": []}
    return listed | ({"pullRequests": _refs(proposed, "")} if request.query.get("include_prs") else {})


def _refs(named: dict[str, str], prefix: str) -> list[dict[str, str]]:
    return [{"name": name, "ref": prefix + name, "targetCommit": oid} for name, oid in named.items()]


@routes.on("GET HEAD", "/{web_repo}/resolve/{revision}/{path}")
def resolve(hub: Hub, request: Request, kind: str | None, name: str, revision: str, path: str) -> Response:
    """A file's bytes; for a large one, the way to the storage, which has another host name."""
    repository = hub.readable(request, kind, name)
    commit = repository.resolve(revision)
    headers = {"X-Repo-Commit": commit.oid}
    entry = commit.tree.get(path)
    if entry is None:
        raise Refused(404, "Entry not found", "EntryNotFound")
    if entry.lfs is None:
        return Response.file(hub.blobs.path(entry), request, headers | {"ETag": f'"{entry.oid}"'})
    headers |= {"X-Linked-Etag": f'"{entry.lfs}"', "X-Linked-Size": str(entry.size)}
    if entry.lfs in hub.xet.by_sha256:
        token = f"{hub.url}/api/{repository.kind}s/{repository.name}/xet-read-token/{commit.oid}"
        headers |= {"X-Xet-Hash": hub.xet.by_sha256[entry.lfs][0], "Link": f'<{token}>; rel="xet-auth"'}
    place = f"{hub.cdn}/cdn/lfs/{entry.lfs}?signature={signature('download', entry.lfs)}"
    return Response(302, headers=headers | {"Location": place})
