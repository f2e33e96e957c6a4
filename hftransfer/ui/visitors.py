"""Who is looking: in a Space the user who signed in, everywhere else whoever's browser keeps a secret."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from ..jobs import supervisor


def can_sign_in() -> bool:
    """Whether this is a Space with `hf_oauth`: elsewhere Gradio's sign-in only plays one."""
    return os.environ.get("SYSTEM") == "spaces" and "OAUTH_CLIENT_ID" in os.environ


def owner(secret: str | None) -> str:
    """The owner that a request acts for; none where it does not say whose it is."""
    user = str(_signed_in().get("userinfo", {}).get("sub") or "")
    if user:
        return supervisor.owner_of_user(user)
    return supervisor.owner_of(secret) if secret else ""


def token() -> str:
    """The Hub token of the user who signed in, if one did."""
    return str(_signed_in().get("access_token") or "")


def _signed_in() -> Mapping[str, Any]:
    """What the Hub said of the user, from the cookie that Gradio's sign-in signed; nothing where that is over."""
    context = sys.modules.get("gradio.context")
    request = context.LocalContext.request.get(None) if context and can_sign_in() else None
    scope = getattr(getattr(request, "request", None), "scope", {})
    found = scope.get("session", {}).get("oauth_info") or {}
    return found if found.get("expires_at", 0) > time.time() else {}
