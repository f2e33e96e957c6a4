"""Fixtures that give a test a Hub of its own.

The client reads its HF_* variables when it is imported, so what talks to this Hub runs
in a child process: `hub.child(source)`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOKENS = {"alice": "hf_alice", "bob": "hf_bob", "reader": "hf_reader", "nobody": None, "stranger": "hf_unknown"}
# Warnings are errors, but for one that the client itself causes where it sends a part of a file.
STRICT = ("-W", "error", "-W", "ignore:Use 'content=:DeprecationWarning")
ACCOUNTS = ("alice:hf_alice", "bob:hf_bob", "alice:hf_reader:read")


@dataclass(frozen=True)
class Loopback:
    """A running Hub.

    `tokens` has alice and bob, who may write; reader, which is alice's token for
    reading alone; stranger, which the Hub does not know; and nobody, who has none.
    `home` is this test's own HF_HOME.
    """

    url: str
    home: Path
    tokens: dict[str, str | None] = field(default_factory=lambda: dict(TOKENS))

    def env(self, *, user: str = "alice", xet: bool = True, home: Path | None = None, **more: str) -> dict[str, str]:
        """The environment of a child process that is to talk to this Hub and to no other."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        env = plain | {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home or self.home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "0" if xet else "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self.home.parent),
        }
        token = self.tokens[user]
        return env | ({"HF_TOKEN": token} if token else {}) | more

    def child(self, source: str, *args: Any, timeout: float = 120, **env: Any) -> Any:
        """Run Python source in a process of its own; gives what it printed last, read as JSON.

        `args` are its `sys.argv[1:]`; the rest goes to `env`. Its standard error is shown where it fails.
        """
        command = [sys.executable, *STRICT, "-c", source, *map(str, args)]
        done = subprocess.run(
            command, env=self.env(**env), cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def fail(self, match: str, action: str | int, *, after: int = 0, times: int | None = None) -> None:
        """Let requests go wrong from now on: see `faults`."""
        self._ask("POST", "/-/faults", {"match": match, "action": action, "after": after, "times": times})

    def heal(self) -> None:
        """No failures any more, and an empty log."""
        self._ask("DELETE", "/-/faults")

    def requests(self) -> list[str]:
        """What was asked since the last `heal`: "METHOD /path status"."""
        return list(self._ask("GET", "/-/requests"))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def hub_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one Hub for the whole session: tests keep apart by their repositories' names."""
    command = [sys.executable, "-m", "tests.hub", "--data", str(tmp_path_factory.mktemp("hub")), *ACCOUNTS]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            assert url, "the Hub did not start"
            yield url
        finally:
            server.terminate()


@pytest.fixture
def hub(hub_url: str, tmp_path: Path) -> Iterator[Loopback]:
    """A Hub without failures, and an empty HF_HOME."""
    loopback = Loopback(hub_url, tmp_path / "hf_home")
    loopback.heal()
    yield loopback
    loopback.heal()
