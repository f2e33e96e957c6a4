"""The small real sets that backbones are compared on: what a probe trains on and is tested on."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets import Image as ImageFeature
from PIL import Image
from sklearn.model_selection import train_test_split

from hftransfer import Recipe, load_data


@dataclass(frozen=True)
class TargetSet:
    """Images or texts with their classes: [train, test] each."""

    name: str
    modality: str
    values: tuple[Sequence[Any], Sequence[Any]]
    labels: tuple[np.ndarray, np.ndarray]
    unseen: bool = True  # whether its kind stayed out of the starters' pretraining

    def splits(self) -> DatasetDict:
        """The same rows as a source for `fine_tune`."""
        names = [str(name) for name in sorted({*self.labels[0].tolist()})]
        features = Features(
            {
                self.modality: ImageFeature() if self.modality == "image" else Value("string"),
                "label": ClassLabel(names=names),
            }
        )
        rows = zip(("train", "test"), self.values, self.labels, strict=True)
        return DatasetDict(
            {
                split: Dataset.from_dict({self.modality: list(values), "label": labels.tolist()}, features=features)
                for split, values, labels in rows
            }
        )


def image_sets(shared: Path) -> dict[str, Callable[[], TargetSet]]:
    """By name, each read when called; `shared` holds data/images."""
    images = shared / "data" / "images"
    zips = {name: images / f"{name}.zip" for name in ("cifar10_small", "trash6", "handdigits10", "dtd10", "omniglot20")}
    read = {name: (lambda name=name, path=path: _zip(name, path)) for name, path in zips.items()}
    return {"digits": _digits, "mnist_1k": lambda: _mnist(images / "mnist_10k"), **read}


def text_sets(shared: Path) -> dict[str, Callable[[], TargetSet]]:
    """By name, each read when called; `shared` holds data/text."""
    texts = shared / "data" / "text"
    return {
        "helpdesk": _helpdesk,
        "trec": lambda: _two_files("trec", texts / "trec", _trec, unseen=False),
        "agnews_800": lambda: _agnews(texts / "agnews_7600" / "test.csv"),
        "sst2": lambda: _two_files("sst2", texts / "sst2", _sst2, unseen=False, test="dev"),
    }


def parted(name: str, modality: str, values: Sequence[Any], labels: Sequence[Any], **how: Any) -> TargetSet:
    numbers = np.unique(labels, return_inverse=True)[1]
    order = np.arange(len(numbers))
    train, test = train_test_split(order, stratify=numbers, random_state=0, **how)
    picked = tuple([values[row] for row in rows] for rows in (train, test))
    return TargetSet(name, modality, (picked[0], picked[1]), (numbers[train], numbers[test]))


def _digits() -> TargetSet:
    splits = load_data("sample:digits", Recipe()).splits.values()
    images = [image for split in splits for image in split["image"]]
    labels = [label for split in splits for label in split["label"]]
    return parted("digits", "image", images, labels, test_size=0.5)


def _mnist(folder: Path) -> TargetSet:
    pixels, labels = (_idx(next(folder.glob(f"*{kind}*"))) for kind in ("images", "labels"))
    images = [Image.fromarray(square).convert("RGB") for square in pixels.reshape(-1, 28, 28)]
    return parted("mnist_1k", "image", images, labels.tolist(), train_size=1000)


def _idx(path: Path) -> np.ndarray:
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3])


def _zip(name: str, path: Path) -> TargetSet:
    found: dict[str, tuple[list[Image.Image], list[str]]] = {"train": ([], []), "test": ([], [])}
    with zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.namelist()):
            *_, split, label, file = ["", "", *entry.split("/")]
            if split in found and file.lower().endswith((".jpg", ".jpeg", ".png")):
                found[split][0].append(Image.open(io.BytesIO(archive.read(entry))).convert("RGB"))
                found[split][1].append(label)
    return _numbered(name, "image", found["train"], found["test"])


def _numbered(name: str, modality: str, train: tuple, test: tuple, unseen: bool = True) -> TargetSet:
    classes = sorted(set(train[1]))
    labels = tuple(np.array([classes.index(label) for label in part[1]]) for part in (train, test))
    return TargetSet(name, modality, (train[0], test[0]), (labels[0], labels[1]), unseen)


def _helpdesk() -> TargetSet:
    splits = load_data("sample:helpdesk", Recipe()).splits.values()
    texts = [text for split in splits for text in split["text"]]
    labels = [label for split in splits for label in split["label"]]
    return parted("helpdesk", "text", texts, labels, test_size=0.5)


def _two_files(name: str, folder: Path, read: Callable, *, unseen: bool, test: str = "test") -> TargetSet:
    return _numbered(name, "text", read(folder / "train.tsv"), read(folder / f"{test}.tsv"), unseen)


def _trec(path: Path) -> tuple[list[str], list[str]]:
    rows = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter="\t"))[1:]
    return [row[0] for row in rows], [row[1] for row in rows]


def _sst2(path: Path) -> tuple[list[str], list[str]]:
    rows = [line.rsplit("\t", 1) for line in path.read_text("utf-8").splitlines()]
    return [row[0] for row in rows], [row[1] for row in rows]


def _agnews(path: Path) -> TargetSet:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return parted(
        "agnews_800", "text", [f"{row[1]}. {row[2]}" for row in rows], [row[0] for row in rows], train_size=800
    )
