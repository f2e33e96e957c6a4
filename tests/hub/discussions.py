"""Discussions and pull requests."""

from __future__ import annotations

from typing import Any

from .hub import Hub
from .repos import Repository, now
from .web import Refused, Request, Routes

routes = Routes()


def opened(repository: Repository, title: str, text: str, author: str, *, base: str | None = None) -> dict[str, Any]:
    """A new pull request from the commit `base`; without one, a discussion."""
    number = len(repository.discussions) + 1
    discussion: dict[str, Any] = {
        "num": number,
        "title": title,
        "isPullRequest": base is not None,
        "status": "open",
        "author": {"name": author},
        "createdAt": now(),
        "repo": {"name": repository.name, "type": repository.kind},
        "events": [],
    }
    if base is not None:
        discussion |= {"changes": {"base": "refs/heads/main"}, "filesWithConflicts": [], "diff": ""}
        repository.heads[f"refs/pr/{number}"] = base
    repository.discussions.append(discussion)
    _happened(discussion, author, "comment", {"edited": False, "hidden": False, "latest": {"raw": text}})
    return discussion


def _happened(discussion: dict[str, Any], author: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    number = f"{discussion['num']}-{len(discussion['events']) + 1}"
    event = {"id": number, "type": kind, "createdAt": now(), "author": {"name": author}, "data": data}
    discussion["events"].append(event)
    return event


@routes.on("GET", "/api/{repo}/discussions")
def listed(hub: Hub, request: Request, kind: str, name: str) -> dict[str, Any]:
    repository = hub.readable(request, kind, name)
    wanted = {"pull_request": (True,), "discussion": (False,)}.get(request.query.get("type", ""), (True, False))
    rows = [row for row in reversed(repository.discussions) if row["isPullRequest"] in wanted]
    return {"discussions": rows, "count": len(rows), "start": 0}


@routes.on("POST", "/api/{repo}/discussions")
def create(hub: Hub, request: Request, kind: str, name: str) -> dict[str, Any]:
    """A pull request that is opened before its commit, as a client with Xet does, is a draft."""
    repository = hub.proposable(request, kind, name)
    wanted = request.json()
    base = repository.resolve("main").oid if wanted.get("pullRequest") else None
    made = opened(repository, wanted["title"], wanted["description"], hub.user(request).name, base=base)
    if made["isPullRequest"]:
        made["status"] = "draft"
    return {"num": made["num"]}


@routes.on("GET", "/api/{repo}/discussions/{number}")
def details(hub: Hub, request: Request, kind: str, name: str, number: str) -> dict[str, Any]:
    return _find(hub.readable(request, kind, name), number)


@routes.on("POST", "/api/{repo}/discussions/{number}/comment")
def comment(hub: Hub, request: Request, kind: str, name: str, number: str) -> dict[str, Any]:
    discussion = _find(hub.proposable(request, kind, name), number)
    data = {"edited": False, "hidden": False, "latest": {"raw": request.json()["comment"]}}
    return {"newMessage": _happened(discussion, hub.user(request).name, "comment", data)}


@routes.on("POST", "/api/{repo}/discussions/{number}/status")
def change_status(hub: Hub, request: Request, kind: str, name: str, number: str) -> dict[str, Any]:
    discussion = _find(hub.proposable(request, kind, name), number)
    discussion["status"] = request.json()["status"]
    event = _happened(discussion, hub.user(request).name, "status-change", {"status": discussion["status"]})
    return {"newStatus": event}


@routes.on("POST", "/api/{repo}/discussions/{number}/merge")
def merge(hub: Hub, request: Request, kind: str, name: str, number: str) -> dict[str, Any]:
    """Put what the pull request changed on top of main."""
    repository = hub.writable(request, kind, name)
    discussion = _find(repository, number)
    author = hub.user(request).name
    with hub.lock:
        ours, theirs = repository.resolve("main"), repository.resolve(f"refs/pr/{number}")
        shared = {commit.oid for commit in repository.history(ours)}
        fork = next(commit for commit in repository.history(theirs) if commit.oid in shared)
        paths = fork.tree.keys() | theirs.tree.keys()
        touched = {path for path in paths if fork.tree.get(path) != theirs.tree.get(path)}
        kept = {path: entry for path, entry in ours.tree.items() if path not in touched}
        added = {path: entry for path, entry in theirs.tree.items() if path in touched}
        made = repository.commit("main", kept | added, f"{discussion['title']} (#{number})", "", author)
    discussion["changes"]["mergeCommitId"] = made.oid
    discussion["status"] = "merged"
    return {"newStatus": _happened(discussion, author, "status-change", {"status": "merged"})}


def _find(repository: Repository, number: str) -> dict[str, Any]:
    if int(number) > len(repository.discussions):
        raise Refused(404, "no such discussion")
    return repository.discussions[int(number) - 1]
