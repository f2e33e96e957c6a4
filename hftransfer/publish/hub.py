"""Models to the Hub and from it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError
from huggingface_hub.utils import validate_repo_id

from ..errors import BackboneError, HubError
from ..values import Event, Listener, silent
from .checkpoint import FILES, MODEL_FILES, PICKLED, matches, open_checkpoint, read_json, task_of
from .proof import Claim, answers, silenced, synthetic_samples
from .refusals import TOKENS, explained

CHECKPOINTS = (*MODEL_FILES, "pytorch_model*.bin*")  # what an older model may have left in a repository


@dataclass(frozen=True)
class Published:
    """A model on the Hub.

    `pull_request` is the address of the one that was opened, if any. `verified` says
    that a fresh download gave the same bytes, and those the same answers; where it
    is False, `doubt` says why, and how to undo the publication.
    """

    repo: str
    url: str
    commit: str
    pull_request: str | None
    verified: bool
    doubt: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "doubt"}


@dataclass(frozen=True)
class Remote:
    """A repository as it is before anything is sent: its last commit and its files."""

    api: HfApi
    name: str
    head: str
    files: tuple[str, ...]
    created: bool

    @property
    def url(self) -> str:
        return f"{self.api.endpoint}/{self.name}"


def push(
    folder: Path,
    repo: str,
    *,
    private: bool = False,
    create_pr: bool = False,
    samples: Sequence[Any] = (),
    on_event: Listener = silent,
) -> Published:
    """Publish a saved model in one commit, then prove that it works from there.

    The token comes from HF_TOKEN or the local login. A fault leaves nothing half
    written: there is one commit or none, and a repository that was made for it goes
    again.

    Args:
        folder: a model that `fine_tune` or `Predictor.save` wrote.
        repo: owner/name; without an owner, one of the user's own.
        private: make a new repository private.
        create_pr: open a pull request instead of committing.
        samples: inputs to compare answers on (texts or PIL images), never published;
            without any, synthetic ones.

    Raises:
        BackboneError: the folder holds no whole model of ours.
        HubError: the Hub refuses, or doesn't answer.
    """
    checkpoint = open_checkpoint(Path(folder))
    api = HfApi()
    name = _full_name(api, repo)
    if not samples:
        samples = synthetic_samples(checkpoint.task.modality.name)
        on_event(Event("push", f"no data given: the proof compares answers on {len(samples)} synthetic inputs"))
    expected = answers(checkpoint.folder, checkpoint.task, samples)
    claim = Claim(checkpoint.task, checkpoint.contents(name), samples, expected)
    with silenced(), explained(name):
        remote = _remote(api, name, private, on_event)
        commit = _commit(remote, claim, create_pr, on_event)
    on_event(Event("push", f"proving commit {commit.oid[:8]} by a fresh download"))
    wrong = claim.disproof(name, commit.pr_revision or commit.oid, commit.oid)
    doubt = f"not verified: {wrong}; {_way_back(remote, commit)}" if wrong else ""
    on_event(Event("push", doubt or "verified: the same bytes, and the same answers"))
    return Published(name, remote.url, commit.oid, commit.pr_url, not wrong, doubt)


def _full_name(api: HfApi, repo: str) -> str:
    """The repository's name with its owner, once the token proved to be one that may write."""
    with explained(repo):
        validate_repo_id(repo)
        user = api.whoami()
    role = user.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise HubError("the token may only read", place=api.endpoint, fix=f"make one that may write at {TOKENS}")
    return repo if "/" in repo else f"{user['name']}/{repo}"


def _remote(api: HfApi, name: str, private: bool, on_event: Listener) -> Remote:
    """Look at the repository, which is made where there is none."""
    created = False
    try:
        info = api.model_info(name)
    except RepositoryNotFoundError:
        api.create_repo(name, private=private or None)
        info, created = api.model_info(name), True
        on_event(Event("push", f"made the repository {name}"))
    if private and not info.private:
        raise HubError(
            "the repository exists and is public",
            place=f"{api.endpoint}/{name}",
            fix=f"choose another name, or first run `hf repos settings {name} --private`",
        )
    files = tuple(file.rfilename for file in info.siblings or ())
    return Remote(api, name, str(info.sha), files, created)


def _commit(remote: Remote, claim: Claim, create_pr: bool, on_event: Listener) -> CommitInfo:
    """All files in one commit; what an earlier checkpoint left and this one has not goes."""
    add = [
        CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
        for name, content in claim.sent.items()
    ]
    stale = [name for name in remote.files if matches(name, CHECKPOINTS) and name not in claim.sent]
    size = sum(operation.upload_info.size for operation in add)
    on_event(Event("push", f"sending {len(add)} files, {size / 1e6:.1f} MB, to {remote.name}"))
    try:
        return remote.api.create_commit(
            remote.name,
            [*add, *(CommitOperationDelete(name) for name in stale)],
            commit_message=f"{claim.task.name} model, fine-tuned with hftransfer",
            parent_commit=remote.head,
            create_pr=create_pr,
        )
    except BaseException:
        _forget(remote)
        raise


def _forget(remote: Remote) -> None:
    """Delete a repository that was made for a commit which failed, if it is still as it was made."""
    with suppress(Exception):  # the failure itself is what is told
        if remote.created and remote.api.model_info(remote.name).sha == remote.head:
            remote.api.delete_repo(remote.name)


def _way_back(remote: Remote, commit: CommitInfo) -> str:
    if commit.pr_url:
        return f"close the pull request: {commit.pr_url}"
    if remote.created:
        return f"to undo, delete the repository: hf repos delete {remote.name}"
    if commit.oid == remote.head:
        return f"nothing was changed: {remote.url} already was at this commit"
    return f"to undo, revert to the commit before, {remote.head}: {remote.url}/commits/main"


def pull(repo: str, *, revision: str | None = None, on_event: Listener = silent) -> Path:
    """Download a classifier from the Hub into the client's cache; without the Hub, the cached one is taken.

    Only configuration, vocabulary and safetensors are fetched: nothing that could run code.

    Returns:
        The folder of the checkpoint.

    Raises:
        HubError: there is no such model for this user, or neither Hub nor cache has an answer.
        BackboneError: it is no classifier, or has no weights in safetensors.
    """
    with silenced(), explained(repo):
        validate_repo_id(repo)
        wanted, cached = _known_revision(HfApi(), repo, revision, on_event)
        commit = _fetch(repo, wanted, ["config.json"], cached)
        config = commit / "config.json"
        if not config.is_file():
            cause = "the repository holds no Transformers model"
            raise BackboneError(cause, place=_on_hub(repo), fix="check its name")
        task_of(read_json(config), _on_hub(repo))
        return _fetch(repo, commit.name, [*FILES], cached)  # a branch may move on meanwhile


def _known_revision(api: HfApi, repo: str, revision: str | None, on_event: Listener) -> tuple[str, bool]:
    """What to download, and whether it must come from the cache because the Hub is away."""
    wanted = revision or "main"
    try:
        info = api.model_info(repo, revision=wanted)
    except (OfflineModeIsEnabled, httpx2.TransportError, HfHubHTTPError) as error:
        if isinstance(error, HfHubHTTPError) and error.response.status_code < 500:
            raise
        on_event(Event("download", f"the Hub does not answer: looking for {repo} in the cache"))
        return wanted, True
    _require_safetensors(repo, [file.rfilename for file in info.siblings or ()])
    on_event(Event("download", f"{repo} at {str(info.sha)[:8]}"))
    return wanted, False


def _require_safetensors(repo: str, names: Sequence[str]) -> None:
    """Raises BackboneError for weights that are there as pickles alone."""
    pickled = any(matches(name, PICKLED) for name in names)
    if pickled and not any(matches(name, ("*.safetensors",)) for name in names):
        fix = "use a model that has safetensors"
        raise BackboneError("the model's weights are pickled, which could run code", place=_on_hub(repo), fix=fix)


def _on_hub(repo: str) -> str:
    return f"{repo} on the Hub"


def _fetch(repo: str, revision: str, patterns: list[str], cached: bool) -> Path:
    got = snapshot_download(
        repo, revision=revision, allow_patterns=patterns, ignore_patterns=["*/*"], local_files_only=cached
    )
    return Path(got)
