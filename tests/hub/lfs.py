"""Large files by the git-lfs protocol: what a client without Xet uses."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from .hub import Hub
from .web import Refused, Request, Response, Routes

routes = Routes()
PART = 5_000_000  # bytes; larger files go up in parts of this size


def signature(purpose: str, sha256: str) -> str:
    """Stands for the signed addresses of the Hub's storage."""
    return hmac.new(purpose.encode(), sha256.encode(), "sha256").hexdigest()[:16]


def check_signature(request: Request, purpose: str, sha256: str) -> None:
    if request.query.get("signature") != signature(purpose, sha256):
        raise Refused(403, "the signature does not fit")


@routes.on("POST", r"/{web_repo}\.git/info/lfs/objects/batch")
def batch(hub: Hub, request: Request, kind: str | None, name: str) -> dict[str, Any]:
    hub.proposable(request, kind, name)
    body = request.json()
    multipart = "multipart" in body["transfers"]
    objects = [_offer(hub, item["oid"], item["size"], name, multipart) for item in body["objects"]]
    parted = any("header" in item.get("actions", {}).get("upload", {}) for item in objects)
    return {"transfer": "multipart" if parted else "basic", "objects": objects}


def _offer(hub: Hub, sha256: str, size: int, name: str, multipart: bool) -> dict[str, Any]:
    """Where to send a file; no actions for one that is already here."""
    item: dict[str, Any] = {"oid": sha256, "size": size}
    if hub.blobs.large(sha256).exists():
        return item
    upload: dict[str, Any] = {"href": f"{hub.url}/lfs/{sha256}?signature={signature('upload', sha256)}"}
    parts = -(-size // PART)
    if multipart and parts > 1:
        numbered = {f"{number:05d}": f"{upload['href']}&part={number}" for number in range(1, parts + 1)}
        upload["header"] = {"chunk_size": str(PART)} | numbered
    return item | {"actions": {"upload": upload, "verify": {"href": f"{hub.url}/{name}.git/info/lfs/objects/verify"}}}


@routes.on("PUT", "/lfs/{hash}")
def receive(hub: Hub, request: Request, hash: str) -> Response:
    check_signature(request, "upload", hash)
    if "part" in request.query:
        hub.blobs.write(hub.blobs.part(hash, int(request.query["part"])), request.body)
        return Response(headers={"ETag": f'"{hashlib.md5(request.body).hexdigest()}"'})
    return _keep(hub, hash, request.body)


@routes.on("POST", "/lfs/{hash}")
def join_parts(hub: Hub, request: Request, hash: str) -> Response:
    check_signature(request, "upload", hash)
    parts = [hub.blobs.part(hash, int(part["partNumber"])) for part in request.json()["parts"]]
    return _keep(hub, hash, b"".join(part.read_bytes() for part in parts))


def _keep(hub: Hub, sha256: str, data: bytes) -> Response:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Refused(400, "the content does not have the announced sha256")
    hub.blobs.write(hub.blobs.large(sha256), data)
    return Response.json({})


@routes.on("POST", r"/{web_repo}\.git/info/lfs/objects/verify")
def verify(hub: Hub, request: Request, kind: str | None, name: str) -> dict[str, Any]:
    wanted = request.json()
    path = hub.blobs.large(wanted["oid"])
    if not path.exists() or path.stat().st_size != wanted["size"]:
        raise Refused(404, "the object is missing")
    return {}


@routes.on("GET HEAD", "/cdn/lfs/{hash}")
def send(hub: Hub, request: Request, hash: str) -> Response:
    check_signature(request, "download", hash)
    return Response.file(hub.blobs.large(hash), request, {"ETag": f'"{hash}"'})
