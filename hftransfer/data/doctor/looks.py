"""Images that show the same: by perceptual hash, then by what they look like small."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import blake2b

import numpy as np
from PIL import Image

from ...pixels import upright
from .sheet import Sheet

SIDE, COARSE = 32, 8
SMALL = 16  # pixels a side that images are compared by
TABLES, BITS = 8, 16  # of the hash's 64: of two that differ in four, 97 % share a table's
NEIGHBOURS = 2
FURTHEST = 6  # bits that the hashes of two alike may differ in
LEAST_ALIKE = 0.995  # of the correlation: digits of one hand reach 0.99, a JPEG saved again 0.998
MOST_APART = 24.0  # levels of 255, on average: another light is no other image
BLANK = 4.0  # levels that an image's pixels deviate by: below there is nothing to compare
_SUBSETS = np.array([np.random.default_rng([20261121, table]).permutation(64)[:BITS] for table in range(TABLES)])
_WEIGHTS = (1 << np.arange(BITS)).astype(np.int64)


def similar(sheet: Sheet) -> np.ndarray:
    """Pairs of rows whose images look the same, [pairs, 2]."""
    bits, small = _seen(sheet)
    pairs = _candidates(bits)
    near = (bits[pairs[:, 0]] != bits[pairs[:, 1]]).sum(1) <= FURTHEST
    return pairs[near][_look_alike(small, pairs[near])]


def pixels(content: bytes) -> int:
    """The same for images of the same pixels, however they are stored."""
    with Image.open(io.BytesIO(content)) as image:
        seen = upright(image)
        state = blake2b(repr(seen.size).encode(), digest_size=8)
        state.update(seen.tobytes())
        return int.from_bytes(state.digest())


def _seen(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Each row's hash as 64 booleans, and its pixels in the small."""
    bits = np.zeros((len(sheet), COARSE * COARSE), dtype=bool)
    small = np.zeros((len(sheet), SMALL * SMALL * 3), dtype=np.uint8)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # decoders work outside of Python's lock
        for start, contents in sheet.stretches():
            seen = np.stack(list(pool.map(_reduced, contents)))
            rows = slice(start, start + len(seen))
            bits[rows] = _hashed(seen)
            halves = seen.reshape(len(seen), SMALL, SIDE // SMALL, SMALL, SIDE // SMALL, 3)
            small[rows] = halves.mean((2, 4)).reshape(len(seen), -1)
    return bits, small


def _reduced(content: bytes) -> np.ndarray:
    """The image as few pixels."""
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (SIDE * 2, SIDE * 2))
        return np.asarray(upright(image).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.uint8)


def _hashed(seen: np.ndarray) -> np.ndarray:
    """The signs of the lowest waves of the grey image, around their middle."""
    grey = seen.astype(np.float32).mean(-1)
    waves = (_cosines() @ grey @ _cosines().T).reshape(len(seen), -1)
    return waves > np.median(waves[:, 1:], axis=1, keepdims=True)


@cache
def _cosines() -> np.ndarray:
    places = np.arange(SIDE) + 0.5
    return np.cos(np.pi / SIDE * np.arange(COARSE)[:, None] * places).astype(np.float32)


def _candidates(bits: np.ndarray) -> np.ndarray:
    """Pairs that share the bits of a table; in a bucket, each with its neighbours in the order of all bits."""
    whole = np.packbits(bits, axis=1).view(">u8")[:, 0]
    found = [np.zeros((0, 2), dtype=np.int64)]
    for subset in _SUBSETS:
        keys = bits[:, subset] @ _WEIGHTS
        order = np.lexsort((whole, keys))
        for step in range(1, NEIGHBOURS + 1):
            near = keys[order[step:]] == keys[order[:-step]]
            found.append(np.stack([order[:-step][near], order[step:][near]], 1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _look_alike(small: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    alike = [_compared(small[part[:, 0]], small[part[:, 1]]) for part in _parts(pairs)]
    return np.concatenate([np.zeros(0, dtype=bool), *alike])


def _compared(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    first, second = one.astype(np.float32), other.astype(np.float32)
    apart = np.abs(first - second).mean(1)
    first -= first.mean(1, keepdims=True)
    second -= second.mean(1, keepdims=True)
    spread = np.sqrt((first**2).mean(1) * (second**2).mean(1))
    same = (first * second).mean(1) >= LEAST_ALIKE * spread
    return same & (apart <= MOST_APART) & (spread > BLANK**2)


def _parts(pairs: np.ndarray) -> Iterable[np.ndarray]:
    return (pairs[start : start + 2**14] for start in range(0, len(pairs), 2**14))
