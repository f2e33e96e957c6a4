"""Raw rows to the tensors that a backbone takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image

from ..pixels import upright
from ..values import Backbone


def encode(backbone: Backbone, values: Sequence[Any]) -> dict[str, torch.Tensor]:
    """A batch of images (PIL), texts or pairs of texts as the backbone's processor makes them.

    Returns:
        `pixel_values` of shape [B, 3, H, W], or `input_ids` and the like of [B, T],
        padded to the longest of the batch and cut at the backbone's limit.
    """
    return ENCODERS[backbone.modality](backbone.processor, values)


def _images(processor: Any, images: Sequence[Image.Image]) -> dict[str, torch.Tensor]:
    return dict(processor(images=[upright(image) for image in images], return_tensors="pt"))


def _texts(tokenizer: Any, texts: Sequence[str]) -> dict[str, torch.Tensor]:
    return dict(tokenizer(*columns(texts), padding=True, truncation=True, return_tensors="pt"))


def columns(texts: Sequence[Any]) -> tuple[list[str], ...]:
    """Texts as a tokenizer takes them: one list, or two where each is a pair."""
    paired = len(texts) and not isinstance(texts[0], str)
    return tuple(map(list, zip(*texts, strict=True))) if paired else (list(texts),)


def length(text: Any) -> int:
    """A text's characters, both of a pair."""
    return len(text) if isinstance(text, str) else sum(map(len, text))


ENCODERS: dict[str, Callable[[Any, Sequence[Any]], dict[str, torch.Tensor]]] = {"image": _images, "text": _texts}


def example(backbone: Backbone) -> dict[str, torch.Tensor]:
    """Two rows of made-up input, to see what the model does with it."""
    return encode(backbone, EXAMPLES[backbone.modality]())


def _example_images() -> list[Image.Image]:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (2, 64, 64, 3), generator=generator, dtype=torch.uint8).numpy()
    return [Image.fromarray(pixels) for pixels in noise]


EXAMPLES: dict[str, Callable[[], Sequence[Any]]] = {
    "image": _example_images,
    "text": lambda: ["One example.", "Another, a little longer one."],
}
