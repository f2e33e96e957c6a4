"""The studio, as a Space or `python app.py` runs it."""

from __future__ import annotations

from hftransfer.cli import main

if __name__ == "__main__":
    main(["studio"])
