"""Rows on disk: read once, checked, written as Arrow files and mapped into memory."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
from datasets.arrow_writer import ArrowWriter
from datasets.table import cast_array_to_feature

from ..errors import HFTransferError, OutputError, SourceError
from ..home import home, prune
from ..tasks import TASKS
from ..values import Event, Listener, Problem
from .checks import Aside, enough, told
from .packed.bounds import most_pixels
from .packed.members import DAMAGE
from .pictures.images import look
from .pictures.remarks import Remarks
from .rows import Found, Row, digest, storable

FORM = 2  # of the files below; a change of theirs makes older ones unused
KEPT_BYTES = 20 << 30  # the cache's size; the least recently used goes first
BATCH_ROWS = 1000
BATCH_BYTES = 2**25
ABOUT = "about.json"
COLUMNS = {task.modality.name: task.modality.column for task in TASKS.values()}
FEATURES = {
    "image": datasets.Image(),
    "text": datasets.Value("string"),
    "pair": datasets.List(datasets.Value("string"), length=2),
}


@dataclass(frozen=True)
class Kept:
    """A source's rows on disk.

    Each part has the columns `image` or `text`, `label` (the text it was found as),
    `origin`, and `digest` (16 bytes, of the input alone). Parts without a usable row
    are left out, and named by `unusable`; `asides` are all rows that were set aside.
    """

    name: str
    place: str
    modality: str
    parts: Mapping[str, datasets.Dataset]
    problems: tuple[Problem, ...]
    unusable: tuple[str, ...] = ()
    columns: Mapping[str, Any] | None = None
    asides: tuple[Aside, ...] = ()

    def part(self, split: str) -> datasets.Dataset:
        """The rows of a split, or all rows where the source has no such split.

        Raises:
            SourceError: it has one, but none of its rows can be used.
        """
        if split in self.unusable:
            raise SourceError(
                f"the {split} split is there, but none of its rows can be used",
                place=self.place,
                fix="give its rows labels, or give a source of labelled rows alone",
            )
        return self.parts[split] if split in self.parts else datasets.concatenate_datasets(list(self.parts.values()))


def keep(found: Found, on_event: Listener) -> Kept:
    """The rows of a source, from the last time where its content has not changed.

    Two processes may do this at once: each writes its own folder, the first stays.

    Raises:
        SourceError: too few rows can be used.
    """
    folder = home("datasets") / digest(FORM, found.key, most_pixels())
    kept = _opened(folder, found)
    if kept is None:
        _write(folder, found, on_event)
        kept = _opened(folder, found)
        assert kept is not None
        prune(folder.parent, KEPT_BYTES)
    with suppress(FileNotFoundError):  # another process made room just now: what is mapped stays readable
        os.utime(folder)
    on_event(Event("load", f"{found.name}: {sum(map(len, kept.parts.values()))} rows"))
    return kept


def _opened(folder: Path, found: Found) -> Kept | None:
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        parts = {part: datasets.Dataset.from_file(str(folder / f"{part}.arrow")) for part in found.parts}
    except (OSError, ValueError):  # never written, or damaged
        return None
    problems = (*found.problems, *(Problem(**problem) for problem in about["problems"]))
    used = {part: rows for part, rows in parts.items() if len(rows)}
    unusable = (*found.unlabelled, *(part for part in parts if part not in used))
    return Kept(
        storable(found.name),
        storable(found.place),
        found.modality,
        used,
        tuple(map(_storable, problems)),
        unusable,
        found.columns,
        tuple(Aside(*aside) for aside in about["asides"]),
    )


def _storable(problem: Problem) -> Problem:
    return Problem(**{name: storable(text) for name, text in problem.to_json().items()})


def _write(folder: Path, found: Found, on_event: Listener) -> None:
    stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        asides: list[Aside] = []
        counts: Counter[str] = Counter()
        remarks = Remarks()
        for part in found.parts:
            asides += _write_part(stage / f"{part}.arrow", found, part, counts, remarks, on_event)
        enough(found.place, found.modality, counts, asides)
        problems = [problem.to_json() for problem in (*told(asides), *remarks.told())]
        (stage / ABOUT).write_text(json.dumps({"problems": problems, "asides": asides}), encoding="utf-8")
        _put(stage, folder, found)
    except OSError as error:
        raise OutputError(
            f"cannot keep the data on disk: {error.strerror or error}",
            place=str(folder.parent),
            fix="free some space there, or set HFTRANSFER_HOME to another folder",
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _put(stage: Path, folder: Path, found: Found) -> None:
    """Move into place, unless another process was first; what is damaged there makes room."""
    try:
        stage.rename(folder)
    except OSError:
        if _opened(folder, found) is None:
            shutil.rmtree(folder)
            stage.rename(folder)


def _write_part(
    path: Path, found: Found, part: str, counts: Counter[str], remarks: Remarks, on_event: Listener
) -> list[Aside]:
    """Write one part's usable rows, count their labels, and return the others."""
    features = _features(found)
    asides: list[Aside] = []
    with ArrowWriter(features=features, path=str(path)) as writer:
        for batch in _batches(_look(found, row, remarks) for row in found.parts[part]()):
            good = [row for row in batch if isinstance(row, Row)]
            asides += [row for row in batch if isinstance(row, Aside)]
            counts.update(str(row.label) for row in good)
            writer.write_table(_table(good, features))
            on_event(Event("load", f"{found.name}: reading", sum(counts.values())))
        writer.finalize()
    return asides


def _look(found: Found, row: Row, remarks: Remarks) -> Row | Aside:
    """The row with its input read, or why it cannot be used."""
    row = row._replace(label=row.label and storable(row.label), origin=storable(row.origin))
    if row.fault:
        return Aside(row.fault, row.origin, None)
    if row.input is None:
        return Aside("malformed-row", row.origin, row.label)
    if row.label is None:
        return Aside("missing-label", row.origin, None)
    if found.modality == "image":
        return _look_at_image(found, row, remarks)
    if isinstance(row.input, tuple):
        first, second = map(storable, row.input)
        whole = first.strip() and second.strip()
        return row._replace(input=(first, second)) if whole else Aside("empty-text", row.origin, row.label)
    text = storable(str(row.input))
    return row._replace(input=text) if text.strip() else Aside("empty-text", row.origin, row.label)


def _look_at_image(found: Found, row: Row, remarks: Remarks) -> Row | Aside:
    path = row.input if isinstance(row.input, str) else ""
    try:
        looked = look(row.input if isinstance(row.input, bytes) else _load(found, path), path)
    except HFTransferError as error:
        if not isinstance(error.__cause__, DAMAGE) or isinstance(error, OutputError):
            raise  # no damage, but a member that lies, or a full disk
        return Aside("unreadable-image", row.origin, row.label)
    except FileNotFoundError:
        return Aside("missing-image", row.origin, row.label)
    except OSError:  # a folder, a file that may not be read
        return Aside("unreadable-image", row.origin, row.label)
    if looked.fault:
        return Aside(looked.fault, row.origin, row.label)
    remarks.add(looked.remarks, row.origin)
    return row._replace(input=looked.content)


def _load(found: Found, path: str) -> bytes:
    if not path or found.read is None:
        raise FileNotFoundError(path)
    return found.read(path)


def _features(found: Found) -> datasets.Features:
    text = datasets.Value("string")
    kind = "pair" if (found.columns or {}).get("pair") else found.modality
    return datasets.Features(
        {COLUMNS[found.modality]: FEATURES[kind], "label": text, "origin": text, "digest": datasets.Value("binary")}
    )


def _table(rows: Sequence[Row], features: datasets.Features) -> pa.Table:
    inputs = [row.input for row in rows]
    column, feature = next(iter(features.items()))
    is_image = isinstance(feature, datasets.Image)
    stored = pa.array(inputs, pa.binary() if is_image else features.arrow_schema.field(column).type)
    columns = {
        column: cast_array_to_feature(stored, feature),
        "label": [row.label for row in rows],
        "origin": [row.origin for row in rows],
        "digest": [_digest(value) for value in inputs],
    }
    return pa.table(columns, schema=features.arrow_schema)


def _digest(value: str | tuple[str, str] | bytes | None) -> bytes:
    """Of a pair, the same for the same two texts in the same order alone."""
    if isinstance(value, tuple):
        return blake2b(b"".join(map(_digest, value)), digest_size=16).digest()
    return blake2b(value if isinstance(value, bytes) else str(value).encode(), digest_size=16).digest()


def _size(row: Row) -> int:
    """About how much memory a row takes: words with tags take more than their text."""
    value = row.input or ""
    return (sum(map(len, value)) if isinstance(value, tuple) else len(value)) + len(row.label or "")


def _batches(rows: Iterable[Row | Aside]) -> Iterator[list[Row | Aside]]:
    """As many rows as memory always has room for."""
    batch: list[Row | Aside] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += _size(row) if isinstance(row, Row) else 0
        if len(batch) == BATCH_ROWS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
