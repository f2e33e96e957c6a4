"""Start a stand-in by hand: python -m tests.hub --data DIR alice:hf_alice bob:hf_bob:read"""

from __future__ import annotations

import argparse
from pathlib import Path

from .hub import Account, Hub
from .server import Server


def account(text: str) -> tuple[str, Account]:
    """`name:token` or `name:token:role`."""
    name, token, *role = text.split(":")
    return token, Account(name, *role)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hub", description=__doc__)
    parser.add_argument("accounts", nargs="+", type=account, help="name:token or name:token:read")
    parser.add_argument("--data", type=Path, required=True, help="where the files are kept")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    choices = parser.parse_args()
    server = Server(Hub(dict(choices.accounts), choices.data), choices.port)
    print(server.hub.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
