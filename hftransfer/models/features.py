"""Features of a frozen backbone: every input goes through it once, and never again.

They are kept on disk under a key of the data, the backbone's weights, its processor and
the precision, so that a second run on the same data does no forward pass.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..home import home, prune
from ..values import Backbone, Event, Listener, silent
from .anatomy import Anatomy
from .device import autocast, keep_memory
from .inputs import encode, length
from .views import View, pooled, reading
from .words import tokens_of, without_padding

if TYPE_CHECKING:
    import datasets

AT_ONCE = 1000  # texts
KEPT_BYTES = 4 << 30  # the cache's size; the least recently used goes first
_CODE = re.compile(r"\d+[fm]")  # of a view


def read_features(
    backbone: Backbone,
    anatomy: Anatomy,
    rows: datasets.Dataset,
    digest: str,
    *,
    views: tuple[View, ...],
    device: torch.device,
    dtype: torch.dtype,
    batch_size: int = 32,
    on_event: Listener = silent,
) -> np.ndarray:
    """The pooled states of every row, through each of `views`.

    Args:
        rows: the input column (`image` or `text`) in order.
        digest: the hash of those inputs.
        views: the depths and poolings to read.

    Returns:
        A memory-mapped float32 array of shape [rows, views, width]; of [tokens, views,
        width] where every token has its own state: those of a text in order, special
        ones left out, one text after another.
    """
    key = _key(backbone, anatomy, digest, dtype)
    kept = _read_before(key, views)
    if kept is None:
        path = home("features") / f"{key}-{''.join(map(_code, views))}.npy"
        with replacing(path) as part:
            _compute(part, backbone, anatomy, rows, views, device, dtype, batch_size, on_event)
        prune(path.parent, KEPT_BYTES)
        kept = np.load(path, mmap_mode="r")
    return kept


def _read_before(key: str, views: tuple[View, ...]) -> np.ndarray | None:
    """These views' features, out of the first file that has them all: who reads fewer reads none anew."""
    wanted = [_code(view) for view in views]
    for path in sorted(home("features").glob(f"{key}-*.npy"), key=lambda path: len(path.name)):
        held = _CODE.findall(path.stem.removeprefix(key))
        kept = cached(path) if set(wanted) <= set(held) else None
        if kept is not None:
            return kept if held == wanted else kept[:, [held.index(code) for code in wanted]]
    return None


def _code(view: View) -> str:
    """A view in a file's name."""
    return f"{view.depth}{view.pooling[0]}"


def cached(path: Path) -> np.ndarray | None:
    """The features of an earlier run; None where there are none, or only damaged ones."""
    try:
        os.utime(path)
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None


def whole_array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """A new array on disk, whose space is really there: a disk that fills up later would kill the process.

    Raises:
        OSError: there is not enough space.
    """
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _key(backbone: Backbone, anatomy: Anatomy, digest: str, dtype: torch.dtype) -> str:
    """Data, weights, revision and processor; what else changes the numbers comes along."""
    processor = described(backbone)
    read = (anatomy.every_token, anatomy.dense or anatomy.head)
    parts = (digest, backbone.key, backbone.revision, processor, read, dtype, torch.__version__)
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def described(backbone: Backbone) -> str:
    """The processor, as far as it changes what a model is given."""
    processor = backbone.processor
    if hasattr(processor, "to_dict"):
        return repr(sorted(processor.to_dict().items(), key=lambda item: item[0]))
    return f"{processor.__class__.__name__} {processor.model_max_length} {len(processor)}"


def _compute(
    path: Path,
    backbone: Backbone,
    anatomy: Anatomy,
    rows: datasets.Dataset,
    views: tuple[View, ...],
    device: torch.device,
    dtype: torch.dtype,
    batch_size: int,
    on_event: Listener,
) -> None:
    keep_memory()
    model = backbone.model.eval()  # batch norms and dropouts hold still
    out: np.ndarray | None = None
    done = 0
    places_of = _token_places(backbone, rows) if anatomy.every_token else None
    total = int(places_of.ends[-1]) if places_of else len(rows)
    with torch.inference_mode(), reading(model, anatomy, views) as states:
        for places, batch in batches(backbone, rows, batch_size):
            there = {name: tensor.to(device) for name, tensor in batch.items()}
            with autocast(device, dtype):
                model(**there)
            mask = there.get("attention_mask")
            made = torch.stack([pooled(model, anatomy, states[view.depth], view, mask) for view in views], -2)
            found, spots = places_of.pick(made, mask, places) if places_of else (made, places)
            if out is None:
                out = whole_array(path, np.float32, (total, *found.shape[1:]))
            out[spots] = found.cpu().numpy()
            done += len(places)
            on_event(Event("features", step=done, total=len(rows)))


@dataclass(frozen=True)
class _TokenPlaces:
    """Where each text's own tokens go: those of row i before `ends[i]`, in order."""

    inner: Sequence[np.ndarray]
    ends: np.ndarray

    def pick(
        self, states: torch.Tensor, mask: torch.Tensor | None, rows: np.ndarray
    ) -> tuple[torch.Tensor, np.ndarray]:
        """The own tokens of a batch's states [B, T, …], and their places."""
        mask = torch.ones(states.shape[:2]) if mask is None else mask
        whole = zip(without_padding(states, mask), rows, strict=True)
        kept = [tokens[torch.from_numpy(self.inner[row])] for tokens, row in whole]
        spots = [np.arange(self.ends[row] - self.inner[row].sum(), self.ends[row]) for row in rows]
        return torch.cat(kept), np.concatenate(spots)


def _token_places(backbone: Backbone, rows: datasets.Dataset) -> _TokenPlaces:
    column = rows.column_names[0]
    texts = (rows[start : start + AT_ONCE][column] for start in range(0, len(rows), AT_ONCE))
    inner = [found.inner for part in texts for found in tokens_of(backbone.processor, part)]
    return _TokenPlaces(inner, np.cumsum([mask.sum() for mask in inner]))


def batches(
    backbone: Backbone, rows: datasets.Dataset, batch_size: int
) -> Iterator[tuple[np.ndarray, dict[str, torch.Tensor]]]:
    """Encoded batches with their rows' places, texts of like length together.

    Decoding is not done ahead in a thread: on a CPU that fights with the backbone for
    its cores, and took a sixth longer.
    """
    order = in_order(backbone, rows)
    column = rows.column_names[0]
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        yield places, encode(backbone, rows[places][column])


def in_order(backbone: Backbone, rows: datasets.Dataset) -> np.ndarray:
    """The places of rows, short texts first."""
    if backbone.modality == "image":
        return np.arange(len(rows))
    characters = np.fromiter((length(text) for text in rows[rows.column_names[0]]), int, len(rows))
    return np.argsort(characters, kind="stable")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write under; the file appears whole or not at all."""
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=".", suffix=".partial"))
    try:
        yield folder / "features.npy"
        os.replace(folder / "features.npy", path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
