"""What the web process must not do: phone home, decode picture bombs, or fill the temp folder."""

from __future__ import annotations

import os
import warnings

from PIL import Image

from ..home import home

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported
PIXELS = 64_000_000  # of the largest picture that is decoded here


def draw() -> None:
    """Limits for this process: pictures above `PIXELS` are an error, and Gradio's cache is in our home."""
    Image.MAX_IMAGE_PIXELS = PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def cache() -> None:
    """Put Gradio's cache beside our uploads, so that taking a file over is a rename, and close it to others."""
    room = home("web-cache")
    room.chmod(0o700)
    os.environ["GRADIO_TEMP_DIR"] = str(room)
