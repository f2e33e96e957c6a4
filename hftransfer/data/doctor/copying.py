"""A clean copy on disk: class folders of images, or a table in JSON lines with its images beside."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ..rows import ALL
from ..trees import LEFT_OUT, is_junk
from .sheet import Sheet, texts_in

ORIENTATION = 0x0112
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2", "HEIF": ".heic", "PPM": ".ppm"}
PLAIN = re.compile(r'[^\x00-\x1f<>:"/\\|?*]{1,100}')  # what every system takes as a name
IMAGES = "images"

Kept = tuple[int, Any]  # a row's number, and its input


def write(folder: Path, sheet: Sheet, kept: np.ndarray, *, folders: bool) -> None:
    """The rows that are kept, each part under its own name.

    Args:
        folders: as class folders, where the labels can be names of folders.
    """
    labels = {sheet.labels[number] for number in np.flatnonzero(kept)}
    as_folders = folders and all(map(_is_name, labels))
    for part in sheet.parts:
        numbers = np.flatnonzero(kept & _mask(sheet, part))
        rows = zip(numbers.tolist(), sheet.inputs(numbers), strict=True)
        if as_folders:
            _write_folders(folder / part if part != ALL else folder, sheet, numbers, rows)
        else:
            with (folder / f"{part}.jsonl").open("w", encoding="utf-8") as file:
                file.writelines(
                    f"{json.dumps(record, ensure_ascii=False)}\n" for record in _records(folder, sheet, rows)
                )


def write_left_out(folder: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """Each row that is not in the copy: its place, the code, and why."""
    if rows:
        with (folder / LEFT_OUT).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([("place", "code", "reason"), *rows])


def _mask(sheet: Sheet, part: str) -> np.ndarray:
    mask = np.zeros(len(sheet), dtype=bool)
    sheet.of(part, mask)[:] = True
    return mask


def _records(folder: Path, sheet: Sheet, rows: Iterable[Kept]) -> Iterator[dict[str, Any]]:
    return RECORDS[sheet.column](folder, sheet, rows)


def _of_texts(folder: Path, sheet: Sheet, rows: Iterable[Kept]) -> Iterator[dict[str, Any]]:
    for number, value in rows:
        names = ("text", "text_pair")
        yield {**dict(zip(names, texts_in(value), strict=False)), "label": sheet.labels[number]}


def _of_images(folder: Path, sheet: Sheet, rows: Iterable[Kept]) -> Iterator[dict[str, Any]]:
    (folder / IMAGES).mkdir(exist_ok=True)
    for number, content in rows:
        whole, suffix = turned(content)
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
        label, (whole, suffix) = sheet.labels[number], turned(content)
        stem = PurePosixPath(origin).stem
        stem = stem if _is_name(stem) else f"{number:06}"
        stem = stem if (label, f"{stem}{suffix}".casefold()) not in taken else f"{stem}-{number}"
        taken.add((label, f"{stem}{suffix}".casefold()))
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{stem}{suffix}").write_bytes(whole)


def _is_name(text: str) -> bool:
    return bool(PLAIN.fullmatch(text)) and not is_junk(text) and text == text.strip(". ") and text.isprintable()


def turned(content: bytes) -> tuple[bytes, str]:
    """An image upright, and the suffix of what it is: the bytes as they are where nothing is to be turned."""
    with Image.open(io.BytesIO(content)) as image:
        form = image.format or "PNG"
        if image.getexif().get(ORIENTATION, 1) not in range(2, 9):
            return content, SUFFIXES.get(form, f".{form.lower()}")
        upright, file = ImageOps.exif_transpose(image), io.BytesIO()
        jpeg = form in ("JPEG", "MPO") and upright.mode in ("RGB", "L")
        plain = Image.frombytes(upright.mode, upright.size, upright.tobytes()) if jpeg else upright.convert("RGB")
        plain.save(file, "JPEG", quality=95, subsampling=0) if jpeg else plain.save(file, "PNG")
        return file.getvalue(), ".jpg" if jpeg else ".png"
