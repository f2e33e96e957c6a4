"""The studio, as a Space or `python app.py` runs it."""

from __future__ import annotations

from hftransfer.ui import launch

if __name__ == "__main__":
    launch()
