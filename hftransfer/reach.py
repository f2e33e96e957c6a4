"""Whether the Hub can be asked, found out soon: its client would try on for half a minute."""

from __future__ import annotations

import re
import threading

import httpx2
from huggingface_hub import constants
from huggingface_hub.utils import build_hf_headers

NUMBER = re.compile(r"^\[Errno -?\d+\] ")
# What asking may end in: a proxy of a kind that is not installed, or certificates that are not there, too.
UNASKABLE = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, ImportError)


def silence(path: str = "", *, seconds: float = 5.0) -> str | None:
    """Why the Hub cannot be asked for a path, or None where it answers.

    Args:
        path: below the Hub's address; the address alone asks whether there is a Hub at all.
        seconds: after so many it counts as silent, looking up its name included.
    """
    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    answers: list[str | None] = []
    # In a thread: a name server that is out of reach cannot be given up on otherwise.
    asking = threading.Thread(target=lambda: answers.append(_ask(path, seconds)), daemon=True)
    asking.start()
    asking.join(seconds)
    return answers[0] if answers else f"{constants.ENDPOINT} did not answer within {seconds:g} s"


def _ask(path: str, seconds: float) -> str | None:
    url = f"{constants.ENDPOINT}/{path}".rstrip("/")
    try:
        status = httpx2.head(url, timeout=seconds, headers=build_hf_headers()).status_code
    except UNASKABLE as error:
        return f"{constants.ENDPOINT} cannot be reached: {NUMBER.sub('', str(error)) or type(error).__name__}"
    return f"{url} answers with {status}" if path and status >= 400 else None
