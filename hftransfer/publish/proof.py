"""Proof that a published model works: what comes down is what went up, and gives the same answers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from huggingface_hub import snapshot_download
from huggingface_hub.utils import logging as hub_logging
from PIL import Image
from transformers import pipeline

from ..errors import BackboneError, HFTransferError
from ..models.dense import is_dense, loader_of, read_config
from ..models.loading import load_processor, quiet
from ..recipe import Recipe
from ..tasks import Task
from .checkpoint import FILES
from .refusals import explained

TOLERANCE = 1e-5  # between scores of the same weights on the same machine

TEXTS = (
    "Where can I see how far my order has come?",
    "This is the best thing I have bought in years, thank you!",
    "The screen stays black after the update, and nothing I tried helps.",
    "no",
    "请问什么时候可以收到货？我已经等了两个星期了。",
    "Please stop the monthly payment; I no longer use it.",
)
# Widths and heights in pixels, and PIL's modes: plain, small and grey, tall, wide with transparency.
IMAGES = ((224, 224, "RGB"), (32, 32, "L"), (60, 180, "RGB"), (160, 90, "RGBA"))

PROCESSORS = {"text": "tokenizer", "image": "image_processor"}  # as a pipeline's argument

Answers = list[dict[str, float]]


def _images() -> list[Image.Image]:
    noise = np.random.default_rng(0)
    made = []
    for width, height, mode in IMAGES:
        ramp = np.linspace(0, 200, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
        pixels = (ramp + noise.integers(0, 16, (height, width, 3))).astype(np.uint8)
        made.append(Image.fromarray(pixels).convert(mode))
    return made


SAMPLES: Mapping[str, Callable[[], list[Any]]] = {"text": lambda: list(TEXTS), "image": _images}


def synthetic_samples(modality: str) -> list[Any]:
    """The same few inputs every time, for a proof that has none of the user's: texts or PIL images."""
    return SAMPLES[modality]()


@contextmanager
def silenced() -> Iterator[None]:
    """Keep the client's and Transformers' bars and remarks off the standard error: events tell instead."""
    verbosity = hub_logging.get_verbosity()
    hub_logging.set_verbosity(logging.ERROR)
    try:
        with quiet():
            yield
    finally:
        hub_logging.set_verbosity(verbosity)


def answers(folder: Path, task: Task, samples: Sequence[Any]) -> Answers:
    """What `transformers.pipeline` says: for every sample, each label's score, or that of each token.

    It loads the model itself, but for one with a dense head, which it is given.

    Args:
        samples: texts or images; for a model of pairs two texts each, or texts, which are paired with the next.

    Raises:
        BackboneError: Transformers cannot load or use what lies in the folder.
    """
    try:
        with silenced():
            ask = _pipeline(folder, task)
            given = _paired(samples) if getattr(ask.model.config, "text_pair", False) else samples
            return [ASKS[task.pipeline](ask, sample) for sample in given]
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BackboneError(
            f"transformers.pipeline cannot use the model: {first}", place=str(folder), fix="train the model again"
        ) from error


def _pipeline(folder: Path, task: Task) -> Any:
    config = read_config(str(folder))
    given: dict[str, Any] = {"model": str(folder)}
    if is_dense(config):
        model = loader_of(task, config).from_pretrained(folder, config=config, dtype="float32")
        processor = load_processor(task, str(folder), config, Recipe())
        given = {"model": model, PROCESSORS[task.modality.name]: processor}
    return pipeline(task.pipeline, device="cpu", **given)  # type: ignore[call-overload]


def _paired(samples: Sequence[Any]) -> list[dict[str, str]]:
    """Two texts as the pipeline takes them."""
    following = [*samples[1:], *samples[:1]]
    pairs = [(one, other) if isinstance(one, str) else one for one, other in zip(samples, following, strict=True)]
    return [{"text": one, "text_pair": other} for one, other in pairs]


def _labels(ask: Any, sample: Any, **more: Any) -> dict[str, float]:
    every = ask.model.config.num_labels  # None would mean five, for images
    return {row["label"]: float(row["score"]) for row in ask(sample, top_k=every, **more)}


def _tokens(ask: Any, sample: Any) -> dict[str, float]:
    """Each token's tag and score by its place, those outside of entities among them."""
    said = ask(sample, ignore_labels=[])
    return {f"{row['index']} {row['entity']}": float(row["score"]) for row in said}


ASKS: Mapping[str, Callable[[Any, Any], dict[str, float]]] = {
    "image-classification": _labels,
    "text-classification": partial(_labels, truncation=True),
    "token-classification": _tokens,
}


def disagreement(ours: Answers, theirs: Answers) -> str:
    """How two models' answers differ, in words; empty where they don't."""
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True), start=1):
        if one.keys() != other.keys():
            return f"sample {number} gets other labels"
        far = max((abs(one[label] - other[label]) for label in one), default=0.0)
        if not far <= TOLERANCE * _size(one):
            return f"a score of sample {number} is off by {far:.2g}"
    return ""


def _size(scores: Mapping[str, float]) -> float:
    """What a difference is measured by: scores are at most 1, numbers may be large."""
    return max(1.0, *map(abs, scores.values())) if scores else 1.0


@dataclass(frozen=True)
class Claim:
    """What a published model is to live up to.

    `sent` is what was uploaded, by name; `expected` the answers to `samples` of the
    model as it lay here.
    """

    task: Task
    sent: Mapping[str, Path | bytes]
    samples: Sequence[Any]
    expected: Answers

    def disproof(self, repo: str, revision: str, commit: str) -> str:
        """Download a commit into an empty cache and look for any difference.

        Args:
            revision: the commit, or the reference of a pull request, whose head must be `commit`.

        Returns:
            What is wrong, in words; empty where all is as claimed.
        """
        with TemporaryDirectory(prefix="hftransfer-proof-", ignore_cleanup_errors=True) as cache:
            try:
                got = self._download(repo, revision, cache)
                if got.name != commit:
                    return f"{revision} is at commit {got.name[:8]}, not at {commit[:8]}"
                return self._difference(got) or disagreement(self.expected, answers(got, self.task, self.samples))
            except HFTransferError as error:
                return error.cause

    def _download(self, repo: str, revision: str, cache: str) -> Path:
        with silenced(), explained(repo):
            return Path(snapshot_download(repo, revision=revision, cache_dir=cache, allow_patterns=[*FILES]))

    def _difference(self, got: Path) -> str:
        for name, content in self.sent.items():
            if not (got / name).is_file():
                return f"{name} is missing"
            if digest(got / name) != digest(content):
                return f"{name} has other bytes than were sent"
        return ""


def digest(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
