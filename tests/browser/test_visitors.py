"""The studio in a Space: whoever signed in is known by that, from any browser, and by nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from itsdangerous import TimestampSigner

from hftransfer.jobs import supervisor
from hftransfer.jobs.states import State

from .conftest import Studio
from .test_doors import call

SECRET = "the Space's own"
SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "ann/studio",
    "OAUTH_CLIENT_ID": "studio",
    "OAUTH_CLIENT_SECRET": SECRET,
    "OAUTH_SCOPES": "openid profile",
    "OPENID_PROVIDER_URL": "http://127.0.0.1:1",
}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    served = Studio(tmp_path_factory.mktemp("space"), **SPACE)
    yield served
    served.kill()


def cookie(user: str, *, lasts: float = 3600, secret: str = SECRET) -> dict[str, str]:
    """What Gradio's sign-in leaves in the browser."""
    session = {"oauth_info": {"userinfo": {"sub": user}, "access_token": "hf_x", "expires_at": time.time() + lasts}}
    signer = TimestampSigner(hashlib.sha256(f"{secret}-v4".encode()).hexdigest())
    return {"cookie": "session=" + signer.sign(base64.b64encode(json.dumps(session).encode())).decode()}


def run_of(space: Studio, owner: str) -> Any:
    job = space.store.add("train", "ann's pets", owner)
    space.store.move(job.id, State.PREPARING)
    space.store.move(job.id, State.FAILED, error={"cause": "the cause is ann", "place": "", "fix": ""})
    return job


def test_a_user_sees_their_runs_from_any_browser_and_nobody_else_does(space: Studio) -> None:
    job = run_of(space, supervisor.owner_of_user("ann"))
    for secret in ("one browser", "another", ""):
        assert "cause is ann" in call(space, "look_run", [job.id, secret, "", "", ""], headers=cookie("ann"))
    forged = supervisor.owner_of_user("ann")
    strangers = [cookie("bob"), cookie("ann", lasts=-1), cookie("ann", secret="guessed"), {}]
    for headers in strangers:
        for secret in ("one browser", "ann", forged, ""):
            assert "cause" not in call(space, "look_run", [job.id, secret, "", "", ""], headers=headers)


def test_no_other_site_speaks_for_a_user_who_signed_in(space: Studio) -> None:
    job = run_of(space, supervisor.owner_of_user("ann"))
    own = space.address.rstrip("/")
    asked = [job.id, "", "", "", ""]
    for headers in ({"origin": own}, {"sec-fetch-site": "same-origin", "origin": own}):
        assert "cause is ann" in call(space, "look_run", asked, headers=cookie("ann") | headers)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}):
        assert "cause" not in call(space, "look_run", asked, headers=cookie("ann") | headers)


def test_who_has_not_signed_in_is_known_by_their_browser(space: Studio) -> None:
    job = run_of(space, supervisor.owner_of("one browser"))
    assert "cause" in call(space, "look_run", [job.id, "one browser", "", "", ""])
    assert "cause" not in call(space, "look_run", [job.id, "another", "", "", ""])


def test_only_a_space_offers_to_sign_in_and_no_other_believes_the_cookie(
    space: Studio, studio: Studio, tmp_path: Path
) -> None:
    assert "Sign in with Hugging Face" in httpx.get(space.address + "config").text
    assert "Sign in with Hugging Face" not in httpx.get(studio.address + "config").text
    job = run_of(studio, supervisor.owner_of_user("ann"))
    assert "cause" not in call(studio, "look_run", [job.id, "x", "", "", ""], headers=cookie("ann"))


def test_what_a_space_does_for_visitors_has_not_its_own_login(space: Studio, studio: Studio) -> None:
    """What that means for a job is held by tests/jobs/test_tokens.py."""
    for served, theirs in ((space, True), (studio, False)):
        call(served, "take_helpdesk", ["a browser's secret"])
        (job, *_) = served.store.listed(supervisor.owner_of("a browser's secret"))
        asked = json.loads((served.home / "jobs" / job.id / supervisor.REQUEST).read_text())
        assert bool(asked.get("visitors")) is theirs
