"""A repository: commits, the refs that name them, and its discussions."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .blobs import Blobs, Entry
from .web import Refused

Tree = Mapping[str, Entry]
LARGE = ("safetensors", "bin", "pt", "gguf", "onnx")
ATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE).encode()


def now() -> str:
    """The time as the Hub writes it, to the millisecond."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass(frozen=True)
class Commit:
    oid: str
    tree: Tree
    title: str
    body: str
    author: str
    parent: str | None
    date: str = field(default_factory=now)


@dataclass
class Repository:
    """`heads` maps branches and `refs/pr/N` to commits; `kind` is model, dataset or space."""

    kind: str
    name: str
    private: bool
    created: str = field(default_factory=now)
    commits: dict[str, Commit] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    discussions: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def start(cls, kind: str, name: str, private: bool, blobs: Blobs, author: str) -> Repository:
        """A new repository holds one commit, as the Hub makes it."""
        repository = cls(kind, name, private)
        repository.commit("main", {".gitattributes": blobs.put(ATTRIBUTES)}, "initial commit", "", author)
        return repository

    @property
    def owner(self) -> str:
        return self.name.split("/")[0]

    @property
    def web_path(self) -> str:
        return self.name if self.kind == "model" else f"{self.kind}s/{self.name}"

    def commit(self, ref: str, tree: Tree, title: str, body: str, author: str) -> Commit:
        """Put a commit on top of a ref, and move the ref there."""
        parent = self.heads.get(ref)
        seed = f"{sorted(tree.items())}{title}{body}{author}{parent}{time.time_ns()}"
        made = Commit(hashlib.sha1(seed.encode()).hexdigest(), dict(tree), title, body, author, parent)
        self.commits[made.oid] = made
        self.heads[ref] = made.oid
        return made

    def resolve(self, revision: str | None) -> Commit:
        """The commit that a branch, tag, pull request or (shortened) hash names.

        Raises Refused (RevisionNotFound) where there is none.
        """
        wanted = re.sub(r"^refs/(heads|tags)/", "", revision or "main")
        named = self.heads.get(wanted) or self.tags.get(wanted)
        if named is None and len(wanted) >= 7:
            named = next((oid for oid in self.commits if oid.startswith(wanted)), None)
        if named is None:
            raise Refused(404, f"Invalid rev id: {wanted}", "RevisionNotFound")
        return self.commits[named]

    def history(self, commit: Commit) -> Iterator[Commit]:
        """The commit and those before it, newest first."""
        at: Commit | None = commit
        while at:
            yield at
            at = self.commits[at.parent] if at.parent else None

    def last_change(self, commit: Commit, path: str) -> Commit:
        """The newest commit, from `commit` back, that changed a file."""
        found = commit
        for older in self.history(commit):
            if older.tree.get(path) != commit.tree.get(path):
                break
            found = older
        return found
