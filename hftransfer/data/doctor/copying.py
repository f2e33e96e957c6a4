"""A clean copy on disk: class folders of images, or a table in JSON lines with its images beside."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from ...pixels import is_turned, upright
from ...tasks.tokens import Word, spans
from ..pictures.images import look
from ..pictures.remarks import SAID
from ..rows import ALL
from ..tables.spelling import joined
from ..trees import LEFT_OUT, is_junk
from .sheet import Sheet, texts_in

SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2", "HEIF": ".heic", "DIB": ".bmp"}
LOSSY = ("JPEG", "MPO")
PLAIN = re.compile(r'[^\x00-\x1f<>:"/\\|?*]{1,100}')  # what every system takes as a name
IMAGES = "images"

Kept = tuple[int, Any]  # a row's number, and its input


def write(folder: Path, sheet: Sheet, kept: np.ndarray, *, folders: bool, tags: bool, column: str = "label") -> None:
    """The rows that are kept, each part under its own name.

    Args:
        folders: as class folders, where the labels can be names of folders.
        tags: whether a label is of words with tags.
        column: what the labels' column is called.
    """
    records = RECORDS[sheet.column]
    if tags:
        numbers = np.flatnonzero(kept)
        whole = all(map(_are_words, sheet.inputs(numbers), (sheet.labels[number] for number in numbers)))
        records = _of_words if whole else _of_spans
    labels = {sheet.labels[number] for number in np.flatnonzero(kept)}
    as_folders = folders and all(map(_is_name, labels))
    for part in sheet.parts:
        numbers = np.flatnonzero(kept & _mask(sheet, part))
        rows = zip(numbers.tolist(), sheet.inputs(numbers), strict=True)
        if as_folders:
            _write_folders(folder / part if part != ALL else folder, sheet, numbers, rows)
        else:
            with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(f"{_line(record, column)}\n" for record in records(folder, sheet, rows))


def _line(record: Mapping[str, Any], column: str) -> str:
    named = {column if name == "label" else name: value for name, value in record.items()}
    return json.dumps(named, ensure_ascii=False)


def write_left_out(folder: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """Each row that is not in the copy: its place, the code, and why."""
    if rows:
        with (folder / LEFT_OUT).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([("place", "code", "reason"), *rows])


def _mask(sheet: Sheet, part: str) -> np.ndarray:
    mask = np.zeros(len(sheet), dtype=bool)
    sheet.of(part, mask)[:] = True
    return mask


def _of_texts(folder: Path, sheet: Sheet, rows: Iterable[Kept]) -> Iterator[dict[str, Any]]:
    for number, value in rows:
        names = ("text", "text_pair")
        yield {**dict(zip(names, texts_in(value), strict=False)), "label": sheet.labels[number]}


def _of_words(folder: Path, sheet: Sheet, rows: Iterable[Kept]) -> Iterator[dict[str, Any]]:
    for number, text in rows:
        words = [Word(*word) for word in json.loads(sheet.labels[number])]
        yield {"tokens": [text[word.start : word.end] for word in words], "tags": [word.tag for word in words]}


def _of_spans(folder: Path, sheet: Sheet, rows: Iterable[Kept]) -> Iterator[dict[str, Any]]:
    for number, text in rows:
        words = [Word(*word) for word in json.loads(sheet.labels[number])]
        found = spans(words, (word.tag for word in words))
        yield {"text": text, "spans": [dict(zip(("start", "end", "label"), one, strict=True)) for one in found]}


def _are_words(text: str, label: str) -> bool:
    """Whether the text is its words and nothing else, so that they alone give it back."""
    places = [tuple(word[:2]) for word in json.loads(label)]
    again, where = joined([text[start:end] for start, end in places])
    return again == text and [tuple(place) for place in where] == places


def _of_images(folder: Path, sheet: Sheet, rows: Iterable[Kept]) -> Iterator[dict[str, Any]]:
    (folder / IMAGES).mkdir(exist_ok=True)
    for number, content in rows:
        whole, suffix = seen(content)
        name = f"{IMAGES}/{number:06}{suffix}"
        (folder / name).write_bytes(whole)
        yield {"image": name, "label": sheet.labels[number]}


RECORDS: dict[str, Callable[[Path, Sheet, Iterable[Kept]], Iterator[dict[str, Any]]]] = {
    "text": _of_texts,
    "image": _of_images,
}


def _write_folders(folder: Path, sheet: Sheet, numbers: np.ndarray, rows: Iterable[Kept]) -> None:
    """Files keep their names, with the suffix that is true; where two would be the same, a number is added."""
    taken: set[tuple[str, str]] = set()
    for origin, (number, content) in zip(sheet.origins(numbers), rows, strict=True):
        label, (whole, suffix) = sheet.labels[number], seen(content)
        stem = PurePosixPath(origin).stem
        stem = stem if _is_name(stem) else f"{number:06}"
        stem = stem if (label, f"{stem}{suffix}".casefold()) not in taken else f"{stem}-{number}"
        taken.add((label, f"{stem}{suffix}".casefold()))
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{stem}{suffix}").write_bytes(whole)


def _is_name(text: str) -> bool:
    return bool(PLAIN.fullmatch(text)) and not is_junk(text) and text == text.strip(". ") and text.isprintable()


def seen(content: bytes) -> tuple[bytes, str]:
    """An image as models see it, and the suffix of what it is: the bytes as they are where they are so already."""
    converted = any(SAID[remark][0] == "converted-image" for remark in look(content).remarks)
    with Image.open(io.BytesIO(content)) as image:
        form = image.format or "PNG"
        if not converted and not is_turned(image):
            return content, SUFFIXES.get(form, f".{form.lower()}")
        shown, file = upright(image), io.BytesIO()
        plain = Image.frombytes(shown.mode, shown.size, shown.tobytes())  # with nothing beside its pixels
        lossy = form in LOSSY and not converted
        plain.save(file, "JPEG", quality=95, subsampling=0) if lossy else plain.save(file, "PNG")
        return file.getvalue(), ".jpg" if lossy else ".png"
