"""Backbones and data that train in a second: random weights, and classes that colour or one word gives away."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTImageProcessor,
    ViTModel,
)

_SIZE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"0123456789", "a", "the", "day", "was"]
_WORDS += ["lovely", "happy", "sad", "awful"]
COLOURS = {"amber": (240, 170, 20), "indigo": (70, 60, 220)}
TEXTS = {"good": "the day was lovely happy {n}", "bad": "the day was sad awful {n}"}


def text_backbone(folder: Path, *, width: int = 16) -> Path:
    """A BERT of two layers that knows two dozen words."""
    torch.manual_seed(0)
    vocab = {word: place for place, word in enumerate(_WORDS)}
    size = {**_SIZE, "hidden_size": width, "intermediate_size": 2 * width}
    spread = 2.0 / width**0.5
    config = BertConfig(vocab_size=len(vocab), max_position_embeddings=32, initializer_range=spread, **size)
    BertModel(config).eval().save_pretrained(folder)
    BertTokenizer(vocab=vocab, model_max_length=32).save_pretrained(folder)
    return folder


def image_backbone(folder: Path) -> Path:
    """A ViT of two layers for images of 32 pixels."""
    torch.manual_seed(0)
    ViTModel(ViTConfig(image_size=32, patch_size=8, initializer_range=0.5, **_SIZE)).eval().save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def convolutional_backbone(folder: Path) -> Path:
    """A ResNet of two stages, with batch norms whose statistics are not the initial ones."""
    torch.manual_seed(0)
    model = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"))
    with torch.no_grad():
        for _ in range(20):
            model(torch.rand(8, 3, 64, 64))
    model.eval().save_pretrained(folder)
    ViTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def table(path: Path, *, rows: int = 20, labels: tuple[str, str] = ("good", "bad")) -> Path:
    """A CSV of `rows` texts a class, under other names for the classes if wanted."""
    lines = ["text,label"]
    for label, text in zip(labels, TEXTS.values(), strict=True):
        quoted = '"' + label.replace('"', '""') + '"'
        lines += [f"{text.format(n=number)},{quoted}" for number in range(rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def picture(colour: str, seed: int) -> bytes:
    """A PNG of 32 by 32 noisy pixels around a colour."""
    noise = np.random.default_rng(seed).integers(-15, 16, (32, 32, 3))
    pixels = np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pictures(path: Path, *, images: int = 16) -> Path:
    """A zip with a folder of `images` pictures for each colour."""
    with zipfile.ZipFile(path, "w") as archive:
        for at, colour in enumerate(COLOURS):
            for number in range(images):
                archive.writestr(f"colours/{colour}/{number}.png", picture(colour, at * images + number))
    return path
