"""Everything the stand-in knows: who may do what, and what there is."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from .blobs import Blobs
from .faults import Faults
from .repos import Repository
from .web import Refused, Request
from .xet_store import XetStore


@dataclass(frozen=True)
class Account:
    """Whose token it is, and what it may do: `role` is write or read."""

    name: str
    role: str = "write"


@dataclass
class Hub:
    """`url` is the Hub's address, `cdn` that of its file storage: the same machine by another name."""

    accounts: dict[str, Account]
    folder: Path
    url: str = ""
    cdn: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.blobs = Blobs(self.folder)
        self.xet = XetStore(self.blobs)

    def account(self, request: Request) -> Account | None:
        """Who asks; None for nobody. Raises Refused (401) for a token that is none."""
        if request.token is None:
            return None
        account = self.accounts.get(request.token)
        if account is None:
            raise Refused(401, "Invalid credentials in Authorization header")
        return account

    def user(self, request: Request) -> Account:
        """Who asks. Raises Refused (401) for nobody."""
        account = self.account(request)
        if account is None:
            raise Refused(401, "Invalid username or password.")
        return account

    def writer(self, request: Request, namespace: str | None = None) -> Account:
        """Who asks to write, here (`namespace`) or anywhere. Raises Refused (401, 403)."""
        account = self.user(request)
        if account.role == "read" or namespace not in (None, account.name):
            where = f"the namespace {namespace}" if namespace else "any repository"
            raise Refused(403, f"You don't have the rights to write to {where}")
        return account

    def readable(self, request: Request, kind: str | None, name: str) -> Repository:
        """A repository that the asker may see; for others a private one does not exist."""
        repository = self.repositories.get((kind or "model", name))
        account = self.account(request)
        hidden = repository is not None and repository.private and (not account or account.name != repository.owner)
        if repository is None or hidden:
            if account is None:
                raise Refused(401, "Invalid username or password.", "RepoNotFound")
            raise Refused(404, "Repository not found", "RepoNotFound")
        return repository

    def writable(self, request: Request, kind: str | None, name: str) -> Repository:
        """A repository that the asker may change."""
        repository = self.readable(request, kind, name)
        self.writer(request, repository.owner)
        return repository

    def proposable(self, request: Request, kind: str | None, name: str) -> Repository:
        """A repository to which the asker may open a pull request: any that they see."""
        repository = self.readable(request, kind, name)
        self.writer(request)
        return repository
