"""The studio in a process of its own. `python -m tests.browser.serve PORT`: prints its address, then answers
every line on standard input with the heavy modules that it has imported, and ends when its input does."""

from __future__ import annotations

import json
import sys

from hftransfer.ui import launch

HEAVY = {"torch", "torchvision", "transformers", "datasets", "evaluate", "accelerate", "sklearn"}

if __name__ == "__main__":
    _, address = launch("127.0.0.1", int(sys.argv[1]), block=False)
    print("\n" + address, flush=True)
    for _ in sys.stdin:
        print("\n" + json.dumps(sorted(HEAVY & set(sys.modules))), flush=True)
