"""Inputs in, predictions out: for rows that have labels, and for texts whose words have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from transformers import TokenClassificationPipeline

from ..data import as_pair, open_image
from ..errors import SourceError
from ..models.inputs import encode
from ..models.loading import quiet
from ..models.words import aggregation, require_offsets
from ..values import Prediction
from .ready import Ready

OVERLAP = 4  # parts of a long text share so many-th of what the backbone takes


def answer(model: Ready, values: Sequence[Any]) -> Iterator[Prediction]:
    """The answers to one batch of inputs.

    Raises:
        SourceError: one of them cannot be read.
    """
    opener = _pair if model.pairs else OPENERS[model.task.modality.name]
    return ANSWERS[model.task.target.unit](model, values, [opener(value) for value in values])


def _image(value: Any) -> Image.Image:
    return value if isinstance(value, Image.Image) else open_image(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise SourceError(f"{value!r} is no text", place="inputs", fix="give strings")
    return value


def _pair(value: Any) -> tuple[str, str]:
    """Two texts: as such, as `{text, text_pair}`, or in one string."""
    if isinstance(value, Mapping) and {"text", "text_pair"} <= set(value):
        value = (value["text"], value["text_pair"])
    if isinstance(value, str):
        return as_pair(value)
    if not (isinstance(value, Sequence) and len(value) == 2):
        raise SourceError(f"{value!r} is no pair of texts", place="inputs", fix="give two texts, [one, other]")
    return _text(value[0]), _text(value[1])


def _row_answers(model: Ready, values: Sequence[Any], opened: Sequence[Any]) -> Iterator[Prediction]:
    scores = model.scores(encode(model.backbone, opened))
    for value, row in zip(values, scores, strict=True):
        found = {label: float(score) for label, score in zip(model.labels, row, strict=True)}
        answer, score = model.task.target.decode(row.tolist(), model.labels, model.thresholds)
        ranked = dict(sorted(found.items(), key=lambda pair: -pair[1])) if score is not None else found
        yield Prediction(_named(value), answer, score, ranked)


def _word_answers(model: Ready, values: Sequence[Any], opened: Sequence[Any]) -> Iterator[Prediction]:
    """Entities as Transformers' own pipeline puts them together; texts beyond the limit in parts that overlap."""
    tokenizer = model.backbone.processor
    require_offsets(tokenizer)
    with quiet():
        ask = TokenClassificationPipeline(
            model=model.backbone.model,
            tokenizer=tokenizer,
            device=model.backbone.model.device,
            aggregation_strategy=aggregation(tokenizer),
            stride=tokenizer.model_max_length // OVERLAP,
        )
        found = ask(list(opened), batch_size=len(opened))
    for value, text, entities in zip(values, opened, found, strict=True):
        answer = [_entity(text, entity) for entity in entities]
        yield Prediction(_named(value), answer, None, {})


def _entity(text: str, found: Mapping[str, Any]) -> dict[str, Any]:
    start, end = int(found["start"]), int(found["end"])
    place = {"text": text[start:end], "start": start, "end": end}
    return {"label": str(found["entity_group"]), **place, "score": float(found["score"])}


def _named(value: Any) -> str:
    if isinstance(value, Image.Image):
        return str(getattr(value, "filename", "") or "image")
    return str(value) if isinstance(value, str | Path) else json.dumps(value, ensure_ascii=False)


OPENERS: dict[str, Callable[[Any], Any]] = {"image": _image, "text": _text}
ANSWERS: dict[str, Callable[[Ready, Sequence[Any], Sequence[Any]], Iterator[Prediction]]] = {
    "row": _row_answers,
    "word": _word_answers,
}
