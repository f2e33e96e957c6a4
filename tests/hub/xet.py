"""Xet's addresses: tokens, uploads of xorbs and shards, reconstructions.

A client with `hf_xet` takes this way always; the Hub cannot choose plain LFS for it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from typing import Any

import hf_xet

from .hub import Hub
from .web import Refused, Request, Response, Routes

routes = Routes()
SECRET = b"xet"
LIFETIME = 3600  # seconds


def token(scope: str, expires: int) -> str:
    seal = hmac.new(SECRET, f"{scope}{expires}".encode(), "sha256").hexdigest()
    return f"{scope}.{expires}.{seal}"


def check_token(request: Request, *scopes: str) -> None:
    scope, _, rest = (request.token or "").partition(".")
    expires = rest.partition(".")[0]
    if scope not in scopes or not expires.isdecimal() or request.token != token(scope, int(expires)):
        raise Refused(401, "no valid Xet token")


@routes.on("GET", "/api/{repo}/xet-read-token/{revision}")
def read_token(hub: Hub, request: Request, kind: str, name: str, revision: str) -> Response:
    hub.readable(request, kind, name)
    return _grant(hub, "read")


@routes.on("GET", "/api/{repo}/xet-write-token/{revision}")
def write_token(hub: Hub, request: Request, kind: str, name: str, revision: str) -> Response:
    if request.flag("create_pr"):
        hub.proposable(request, kind, name)
    else:
        hub.writable(request, kind, name)
    return _grant(hub, "write")


def _grant(hub: Hub, scope: str) -> Response:
    expires = int(time.time()) + LIFETIME
    access = token(scope, expires)
    headers = {"X-Xet-Cas-Url": hub.url, "X-Xet-Access-Token": access, "X-Xet-Token-Expiration": str(expires)}
    return Response.json({"accessToken": access, "exp": expires, "casUrl": hub.url}, headers)


@routes.on("POST", "/v1/xorbs/default/{hash}")
def put_xorb(hub: Hub, request: Request, hash: str) -> dict[str, Any]:
    check_token(request, "write")
    hub.xet.put_xorb(hash, request.body)
    return {"was_inserted": True}


@routes.on("POST", "/v1/shards")
def put_shard(hub: Hub, request: Request) -> dict[str, Any]:
    check_token(request, "write")
    hub.xet.put_shard(request.body)
    return {"result": 1}


@routes.on("GET", "/v1/reconstructions/{hash}")
def reconstruction(hub: Hub, request: Request, hash: str) -> dict[str, Any]:
    check_token(request, "read", "write")
    size = hub.xet.size(hash)
    first, last = request.byte_range(size) or (0, size - 1)
    return hub.xet.reconstruction(hash, first, last, hub.cdn)


@routes.on("GET HEAD", "/cdn/xorbs/{hash}")
def xorb(hub: Hub, request: Request, hash: str) -> Response:
    return Response.file(hub.blobs.xorb(hash), request, {"ETag": f'"{hash}"'})


def materialise(hub: Hub, sha256: str) -> None:
    """Have a large file on disk: what came in as chunks is put together once, and checked.

    Raises Refused (400) for a file that was never uploaded.
    """
    path = hub.blobs.large(sha256)
    if path.exists():
        return
    if sha256 not in hub.xet.by_sha256:
        raise Refused(400, f"LFS object {sha256} was never uploaded")
    digest, size = hub.xet.by_sha256[sha256]
    expires = int(time.time()) + LIFETIME
    partial = path.with_name(f"{sha256}.{threading.get_ident()}")
    session = hf_xet.XetSession().new_file_download_group(
        endpoint=hub.url, token=token("read", expires), token_expiry_unix_secs=expires
    )
    with session as group:
        group.start_download_file(hf_xet.XetFileInfo(digest, size), str(partial))
    if hashlib.sha256(partial.read_bytes()).hexdigest() != sha256:
        raise Refused(400, "the chunks do not give the file that was announced")
    os.replace(partial, path)
