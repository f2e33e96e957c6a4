"""What the Hub's client raises, told as one clear error: cause, place, next step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2  # the client's own HTTP library: its exceptions come through unwrapped
from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..errors import HFTransferError, HubError

TOKENS = f"{constants.ENDPOINT}/settings/tokens"
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
AGAIN = "nothing is lost: try again later"

# The first row that fits an exception tells it; {repo} and {error} are filled in.
KINDS: tuple[tuple[type[Exception], str, str], ...] = (
    (OfflineModeIsEnabled, "offline mode is on, so the Hub cannot be asked", "unset HF_HUB_OFFLINE and try again"),
    (LocalTokenNotFoundError, "there is no Hugging Face token here", LOG_IN),
    (
        HFValidationError,
        "'{repo}' is no name for a repository",
        "write owner/name, of letters, digits, - _ and .",
    ),
    (GatedRepoError, "the repository asks for consent first", f"ask for access at {constants.ENDPOINT}/{{repo}}"),
    (RevisionNotFoundError, "the repository has no such revision", "give a branch, a tag or a commit that it has"),
    (RepositoryNotFoundError, "there is no such repository, or it is private", f"check its name; or {LOG_IN}"),
    (RemoteEntryNotFoundError, "the repository lacks a file: {error}", "check that it holds a Transformers model"),
    (LocalEntryNotFoundError, "the Hub does not answer, and the cache has not all of it", "connect, and try again"),
    (httpx2.ConnectError, "the Hub cannot be reached", "check the network, the proxy and HF_ENDPOINT"),
    (httpx2.TransportError, "the connection to the Hub broke: {error}", AGAIN),
)
STATUSES = {
    400: ("the Hub does not accept the request: {error}", "check the model card's metadata"),
    401: ("the Hub does not know the token", f"make another at {TOKENS}, then {LOG_IN}"),
    403: ("the token may not do this: {error}", f"use one that may write there ({TOKENS}), or pass --create-pr"),
    404: ("the Hub knows no such thing: {error}", "check the repository's name"),
    409: ("the repository is being changed by someone else: {error}", "try again"),
    412: ("someone else has committed meanwhile", "try again"),
    413: ("the Hub finds the upload too large: {error}", "make the model smaller"),
    429: ("the Hub asks to wait: {error}", AGAIN),
}
REFUSED = ("the Hub refuses: {error}", "see what it says on the repository's page")
DOWN = ("the Hub is in trouble: {error}", AGAIN)
CARD = ("the Hub does not accept the model card: {error}", "correct the block at the top of README.md")
# Xet's own errors are OSErrors and RuntimeErrors that hold a status in words.
TRANSFER = ("the transfer failed: {error}", AGAIN)
XET_REFUSED = re.compile(r"error \((401|403) ")


@contextmanager
def explained(repo: str) -> Iterator[None]:
    """Raise as HubError what a call of the client cannot do; what is no fault of Hub or user passes."""
    try:
        yield
    except HFTransferError:
        raise
    except (httpx2.HTTPError, OSError, ValueError, RuntimeError) as error:
        told = explain(error, repo)
        if told is None:
            raise
        raise told from error


def explain(error: BaseException, repo: str) -> HubError | None:
    """One of the client's exceptions in words; None for one that is not about the Hub."""
    if isinstance(error, RuntimeError) and error.__cause__:  # an upload in parts wraps what went wrong
        return explain(error.__cause__, repo)
    told = _words(error)
    if told is None:
        return None
    cause, fix = (text.format(repo=repo, error=_first_line(error)) for text in told)
    return HubError(cause, place=f"{constants.ENDPOINT}/{repo}", fix=fix)


def _words(error: BaseException) -> tuple[str, str] | None:
    for kind, cause, fix in KINDS:
        if isinstance(error, kind) and not _is_bad_token(error):
            return cause, fix
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return STATUSES.get(status, DOWN if status >= 500 else REFUSED)
    if isinstance(error, ValueError):
        return CARD if "README.md" in str(error) else None
    refused = XET_REFUSED.search(str(error))
    return STATUSES[int(refused[1])] if refused else TRANSFER


def _is_bad_token(error: BaseException) -> bool:
    """The Hub answers 401 for what it hides, too; then it doesn't speak of credentials."""
    refused = isinstance(error, HfHubHTTPError) and error.response.status_code == 401
    return refused and "Invalid credentials" in str(error)


def _first_line(error: BaseException) -> str:
    """The server's own words where there are some, else what the exception says."""
    said = getattr(error, "server_message", None) or str(error)
    lines = [line.strip(" -.") for line in said.splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(error).__name__
