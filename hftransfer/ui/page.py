"""What the steps share: who is looking, at which check and which run, and the walkthrough itself.

All of it lives in the browser and comes back with every request, so that a page goes on
after the server was restarted, and nothing of it is believed: `supervisor.find` is asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

import gradio as gr

from ..errors import HFTransferError, JobError
from ..jobs import supervisor
from ..jobs.states import Job, silent
from . import pieces, uploads, visitors
from .words import say

Handler = TypeVar("Handler", bound=Callable[..., Any])
DATA, TRAIN, TRY, PUBLISH = range(4)
CAUGHT = (HFTransferError, OSError, sqlite3.Error)  # what the user or the machine got wrong

# Puts the check and the run into the page's address, other parameters left as they are.
TO_ADDRESS = """(address) => {
  const url = new URL(window.location);
  for (const name of ["data", "job", "key"]) url.searchParams.delete(name);
  for (const [name, value] of new URLSearchParams(address)) url.searchParams.set(name, value);
  window.history.replaceState(null, "", url);
}"""

# The same for the check alone: when it changes, the run need not be known to the page yet.
DATA_TO_ADDRESS = """(data) => {
  const url = new URL(window.location);
  data ? url.searchParams.set("data", data) : url.searchParams.delete("data");
  window.history.replaceState(null, "", url);
}"""

# Gives a visitor their secret, once, before the first request of the page: what is done
# before the server has answered at all belongs to them too. It is the handler's last input.
WITH_OWNER = """(...given) => {
  const bytes = () => Array.from(crypto.getRandomValues(new Uint8Array(16)));
  const made = () => bytes().map((byte) => byte.toString(16).padStart(2, "0")).join("");
  given[given.length - 1] ||= (window.hftransferOwner ||= made());
  return given;
}"""


@dataclass(frozen=True)
class Page:
    """The components that every step may read. `address` holds the query string that names what is shown."""

    owner: gr.BrowserState
    data: gr.Textbox
    job: gr.Textbox
    key: gr.Textbox
    address: gr.Textbox
    steps: gr.Walkthrough

    def remember(self, event: gr.events.Dependency) -> None:
        """After this event, put what is shown into the address."""
        shown, private = [self.data, self.job, self.key], {"api_visibility": "private"}
        names = event.then(address_of, shown, self.address, show_progress="hidden", **private)
        names.then(None, self.address, None, js=TO_ADDRESS, **private)

    def remember_data(self) -> None:
        """Whenever other data is shown, put it into the address, and leave the run that stands there."""
        self.data.change(None, self.data, None, js=DATA_TO_ADDRESS, api_visibility="private")


def in_sight(timer: str) -> str:
    """For a timer: a tab that is behind another asks again once it is looked at, and draws nothing meanwhile."""
    return f"""(...given) => new Promise((go) => {{
      const waits = (window.hftransferWaits ||= {{}});
      if (!document.hidden) return go(given);
      if (waits.{timer}) return;
      waits.{timer} = true;
      const seen = () => {{ waits.{timer} = false; go(given); }};
      document.addEventListener("visibilitychange", seen, {{ once: true }});
    }})"""


def hidden() -> gr.Textbox:
    """A value that stays in the browser."""
    return gr.Textbox(visible=False)


def address_of(data: str, job: str, key: str) -> str:
    """The query string for what is shown: the key lets who has the address see the run."""
    return urlencode({name: value for name, value in {"data": data, "job": job, "key": key}.items() if value})


def owner_of(secret: str | None) -> str:
    """The owner that a request acts for.

    Raises:
        JobError: it does not say whose it is, so that what is done would be everybody's.
    """
    owner = visitors.owner(secret)
    if not owner:
        raise JobError(say("error.stranger"), fix=say("error.stranger.fix"))
    return owner


def seen(id: Any, secret: str | None, key: Any = "", *, kind: str = "") -> Job | None:
    """The job, if there is one (of that kind) that this visitor may see."""
    try:
        job = visible(id, secret, key)
    except HFTransferError:
        return None
    return job if kind in ("", job.kind) else None


def visible(id: Any, secret: str | None, key: Any = "") -> Job:
    """The job that this visitor asks something of: as who they are, or by the key.

    Raises:
        JobError: there is none that they may see.
    """
    for owner in visitors.owners(secret):
        with suppress(HFTransferError):
            return supervisor.find(str(id or ""), owner)
    return supervisor.find(str(id or ""), "", str(key or ""))


def of_images(job: Job) -> bool:
    """Whether the run's model takes images."""
    return str((job.result or {}).get("task", "")).startswith("image")


def mark_of(job: Job, place: int = 0) -> str:
    """Changes whenever what is shown of the job would."""
    return f"{job.id}:{job.state}:{job.changes}:{place}" + (":silent" if silent(job) else "")


def told(refused: Callable[[str], Any]) -> Callable[[Handler], Handler]:
    """For handlers: what the user or the machine got wrong becomes the failure card.

    Args:
        refused: the handler's outputs, for the card.
    """

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        def guarded(*given: Any) -> Any:
            try:
                return handler(*given)
            except CAUGHT as error:
                return refused(refusal(error))

        return cast(Handler, guarded)

    return guard


def refusal(error: Exception) -> str:
    """The failure card for what was caught, without the server's own folders."""
    known = error if isinstance(error, HFTransferError) else _system_error(error)
    return uploads.nameless(pieces.failure(known))


def _system_error(error: Exception) -> HFTransferError:
    """What the machine refused, in words."""
    place = str(getattr(error, "filename", None) or "")
    return HFTransferError(
        say("error.system", why=getattr(error, "strerror", None) or error), place=place, fix=say("error.room.fix")
    )
