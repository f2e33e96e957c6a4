"""Who one is, and the repositories one makes and unmakes."""

from __future__ import annotations

from typing import Any

import yaml
from huggingface_hub.repocard import REGEX_YAML_BLOCK

from .hub import Hub
from .repos import Repository, now
from .web import Refused, Request, Response, Routes

routes = Routes()


@routes.on("GET", "/api/whoami-v2")
def whoami(hub: Hub, request: Request) -> dict[str, Any]:
    account = hub.user(request)
    access = {"displayName": "test", "role": account.role, "createdAt": now()}
    return {
        "type": "user",
        "id": account.name,
        "name": account.name,
        "fullname": account.name.title(),
        "email": f"{account.name}@example.invalid",
        "emailVerified": True,
        "canPay": False,
        "isPro": False,
        "avatarUrl": f"{hub.url}/avatar.svg",
        "orgs": [],
        "auth": {"type": "access_token", "accessToken": access},
    }


@routes.on("POST", "/api/repos/create")
def create(hub: Hub, request: Request) -> dict[str, Any] | Response:
    wanted = request.json()
    account = hub.writer(request, wanted.get("organization"))
    kind = wanted.get("type") or "model"
    name = f"{wanted.get('organization') or account.name}/{wanted['name']}"
    with hub.lock:
        taken = hub.repositories.get((kind, name))
        if taken:
            url = f"{hub.url}/{taken.web_path}"
            return Response.json({"error": f"You already created this {kind} repo: {name}", "url": url}, status=409)
        private = wanted.get("visibility") == "private"
        made = Repository.start(kind, name, private, hub.blobs, account.name)
        hub.repositories[kind, name] = made
    return {"url": f"{hub.url}/{made.web_path}", "name": name}


@routes.on("DELETE", "/api/repos/delete")
def delete(hub: Hub, request: Request) -> dict[str, Any]:
    wanted = request.json()
    kind = wanted.get("type") or "model"
    name = f"{wanted.get('organization') or hub.user(request).name}/{wanted['name']}"
    hub.writable(request, kind, name)
    del hub.repositories[kind, name]
    return {}


@routes.on("POST", "/api/repos/move")
def move(hub: Hub, request: Request) -> dict[str, Any]:
    wanted = request.json()
    kind = wanted.get("type") or "model"
    repository = hub.writable(request, kind, wanted["fromRepo"])
    hub.writer(request, wanted["toRepo"].split("/")[0])
    with hub.lock:
        if (kind, wanted["toRepo"]) in hub.repositories:
            raise Refused(409, "a repository of that name exists")
        hub.repositories[kind, wanted["toRepo"]] = hub.repositories.pop((kind, repository.name))
        repository.name = wanted["toRepo"]
    return {}


@routes.on("PUT", "/api/{repo}/settings")
def settings(hub: Hub, request: Request, kind: str, name: str) -> dict[str, Any]:
    repository = hub.writable(request, kind, name)
    wanted = request.json()
    repository.private = wanted.get("visibility", "private" if repository.private else "public") == "private"
    return {"private": repository.private}


@routes.on("POST", "/api/validate-yaml")
def validate_yaml(hub: Hub, request: Request) -> dict[str, Any] | Response:
    try:
        metadata = card_metadata(request.json()["content"])
    except yaml.YAMLError as error:
        return Response.json({"errors": [{"message": str(error)}], "warnings": []}, status=400)
    warnings = [] if metadata else [{"message": "empty or missing yaml metadata in repo card"}]
    return {"errors": [], "warnings": warnings}


def card_metadata(text: str) -> dict[str, Any]:
    """The block at the top of a README.md, {} where there is none. Raises yaml.YAMLError."""
    block = REGEX_YAML_BLOCK.search(text)
    return (yaml.safe_load(block[2]) if block else None) or {}
