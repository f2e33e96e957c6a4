"""What the web process must not do: phone home, decode picture bombs, fill the temp folder, listen anywhere."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import time
import warnings

from PIL import Image

from ..errors import HFTransferError
from ..home import home
from .words import say

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
PIXELS = 64_000_000  # of the largest picture that is decoded here
STALE = 6 * 3600.0  # seconds that an upload lies in Gradio's cache
PORT, NAME = "GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def draw() -> None:
    """Limits for this process: pictures above `PIXELS` are an error, and Gradio's cache is in our home."""
    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def cache() -> None:
    """Put Gradio's cache beside our uploads, so that taking a file over is a rename, and close it to others."""
    room = home("web-cache")
    room.chmod(0o700)
    os.environ["GRADIO_TEMP_DIR"] = str(room)
    for entry in room.iterdir():  # Gradio forgets with its process what it has to remove
        if time.time() - entry.lstat().st_mtime > STALE:
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)


def host() -> str:
    """The address to listen on where none is given."""
    return os.environ.get(NAME) or LOOPBACK[0]


def is_local(host: str) -> bool:
    """Whether the page is for this machine alone: a folder that a visitor names is then their own."""
    return host in LOOPBACK and "SPACE_ID" not in os.environ


def probe(host: str, port: int | None) -> None:
    """Find out in a moment whether one can listen there: Gradio tries for long, and does not say why it failed.

    Raises:
        HFTransferError: the port is none, or the system refuses, with its reason.
    """
    place = f"{host}, port {port or 'by itself'}"
    if port is not None and not 0 < port < 2**16:
        raise HFTransferError(say("error.noport"), place=place, fix=say("error.noport.fix"))
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise HFTransferError(
            say("error.listen", why=error.strerror), place=place, fix=say("error.listen.fix")
        ) from error


def _port_is_one() -> None:
    """Gradio reads the variable when it is imported, and stumbles over it."""
    text = os.environ.get(PORT, "1")
    if not (text.isdecimal() and 0 < int(text) < 2**16):
        raise HFTransferError(say("error.noport"), place=f"{PORT}={text}", fix=say("error.noport.fix"))


def _folder_is_no_package() -> None:
    """Gradio asks for the Hub's package `spaces`, and would take a folder of that name in the current one for it."""
    found = importlib.util.find_spec("spaces") if "spaces" not in sys.modules else None
    if found is not None and found.origin is None:
        sys.modules["spaces"] = None  # type: ignore[assignment]  # an import of it fails, as where there is none


_port_is_one()
_folder_is_no_package()
