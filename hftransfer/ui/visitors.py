"""Who is looking: in a Space the user who signed in, everywhere else whoever's browser keeps a secret."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..jobs import supervisor


def can_sign_in() -> bool:
    """Whether this is a Space with `hf_oauth`: elsewhere Gradio's sign-in only plays one."""
    return os.environ.get("SYSTEM") == "spaces" and "OAUTH_CLIENT_ID" in os.environ


def owners(secret: Any) -> list[str]:
    """Whom a request acts for: the user who signed in, and whoever's browser it is; none where it does not say."""
    user = str(_signed_in().get("userinfo", {}).get("sub") or "")
    signed = [supervisor.owner_of_user(user)] if user else []
    return signed + ([supervisor.owner_of(secret)] if secret and isinstance(secret, str) else [])


def owner(secret: Any) -> str:
    """Whose what is begun now will be, empty where nobody's."""
    return next(iter(owners(secret)), "")


def token() -> str:
    """The Hub token of the user who signed in, if one did."""
    return str(_signed_in().get("access_token") or "")


def _signed_in() -> Mapping[str, Any]:
    """What the Hub said of the user, from the cookie that Gradio's sign-in signed; nothing where that is over."""
    context = sys.modules.get("gradio.context")
    request = context.LocalContext.request.get(None) if context and can_sign_in() else None
    scope = getattr(getattr(request, "request", None), "scope", {})
    found = scope.get("session", {}).get("oauth_info") or {}
    fresh = found.get("expires_at", 0) > time.time()
    return found if fresh and _from_our_page(getattr(request, "headers", {})) else {}


def _from_our_page(headers: Mapping[str, str]) -> bool:
    """Whether no other site's page asks: the cookie comes with its requests too, and Gradio answers them."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin is None or urlsplit(origin).netloc == headers.get("host")
