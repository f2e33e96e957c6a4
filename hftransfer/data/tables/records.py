"""Tables that know their columns: JSON lines, JSON lists, Parquet, and `datasets.Dataset`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, BinaryIO

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import SourceError
from ..rows import Table
from .decoding import encoding_of, opened

Opener = Callable[[], BinaryIO]
Lines = Iterator[tuple[int, tuple[Any, ...] | None]]
LOOK = 1000  # records whose names make the columns
BATCH = 256
UNPARSABLE = (ValueError, RecursionError)  # the latter where it is nested thousands deep


def read_json_lines(place: str, opener: Opener) -> Table:
    """One JSON object a line. Raises SourceError where the first lines hold none."""
    encoding, problems = encoding_of(place, opener)
    records = partial(_json_lines, opener, encoding)
    names = _names(place, (record for _, record in islice(records(), LOOK)))
    return Table(place, names, lambda: _cells(records(), names), problems)


def read_json(place: str, opener: Opener) -> Table:
    """A list of JSON objects, or JSON lines under another name."""
    encoding, problems = encoding_of(place, opener)
    try:
        with opened(opener, encoding) as file:
            whole = json.load(file)
    except UNPARSABLE:
        return read_json_lines(place, opener)
    if not isinstance(whole, list):
        whole = next((value for value in whole.values() if isinstance(value, list)), []) if _is_object(whole) else []
    names = _names(place, islice(whole, LOOK))
    return Table(place, names, lambda: _cells(enumerate(whole, 1), names), problems)


def read_parquet(place: str, opener: Opener) -> Table:
    """A Parquet file; class names and images that `datasets` wrote into it are understood."""
    try:
        with opener() as file:
            schema = pq.read_schema(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            "this is no Parquet file, or a damaged one", place=place, fix="write the table again"
        ) from error
    if len(set(schema.names)) < len(schema.names):
        twice = next(name for name in schema.names if schema.names.count(name) > 1)
        raise SourceError(f"several columns are called '{twice}'", place=place, fix="rename them")
    return _arrow_table(place, _features(place, schema), partial(_parquet_batches, place, opener))


def _features(place: str, schema: pa.Schema) -> datasets.Features:
    """As `datasets` noted them in the file; from the columns themselves where it did not, or its note is no use."""
    try:
        return datasets.Features.from_arrow_schema(schema)
    except (ValueError, TypeError, KeyError, AttributeError):  # from a newer version, or from a tool that copied it
        pass
    try:
        return datasets.Features.from_arrow_schema(schema.remove_metadata())
    except ValueError as error:
        raise SourceError(f"a column cannot be read: {error}", place=place, fix="write the table without it") from error


def read_dataset(place: str, dataset: datasets.Dataset) -> Table:
    """A `datasets.Dataset`, without its formats and transforms, images not decoded."""
    features = dataset.features
    plain = dataset.with_format("arrow")
    return _arrow_table(place, features, lambda: plain.iter(BATCH))


def _arrow_table(place: str, features: datasets.Features, batches: Callable[[], Iterator[pa.Table]]) -> Table:
    names = tuple(features)
    readers = [_reader(features[name]) for name in names]

    def rows() -> Lines:
        line = 0
        for batch in batches():
            columns = [map(read, batch.column(name).to_pylist()) for name, read in zip(names, readers, strict=True)]
            for cells in zip(*columns, strict=True):
                line += 1
                yield line, cells

    return Table(place, names, rows)


def _reader(feature: Any) -> Callable[[Any], Any]:
    """How a stored cell is read: class names for their numbers, bytes or a path for an image."""
    if isinstance(feature, datasets.ClassLabel):
        return lambda cell: feature.int2str(cell) if cell is not None and cell >= 0 else None
    inner = getattr(feature, "feature", None)
    if inner is not None and _holds_classes(inner):
        read = _reader(inner)
        return lambda cell: [read(part) for part in cell] if isinstance(cell, list) else cell
    if isinstance(feature, Mapping) and _holds_classes(feature):
        readers = {name: _reader(part) for name, part in feature.items()}
        return lambda cell: {name: readers[name](part) for name, part in cell.items()} if cell is not None else None
    return _image_cell


def _holds_classes(feature: Any) -> bool:
    """Whether there are numbers of classes anywhere in a nested column."""
    inner = feature.values() if isinstance(feature, Mapping) else [getattr(feature, "feature", None)]
    return isinstance(feature, datasets.ClassLabel) or any(part is not None and _holds_classes(part) for part in inner)


def _image_cell(cell: Any) -> Any:
    if isinstance(cell, Mapping) and {"bytes", "path"} >= set(cell):
        return cell.get("bytes") or cell.get("path")
    return cell


def _parquet_batches(place: str, opener: Opener) -> Iterator[pa.Table]:
    with opener() as file:
        try:
            for batch in pq.ParquetFile(file).iter_batches(BATCH):
                yield pa.Table.from_batches([batch])
        except (pa.ArrowInvalid, OSError) as error:
            raise SourceError("the Parquet file is damaged", place=place, fix="write the table again") from error


def _json_lines(opener: Opener, encoding: str) -> Iterator[tuple[int, Any]]:
    with opened(opener, encoding) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _parsed(line)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except UNPARSABLE:
        return None


def _names(place: str, records: Iterator[Any]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for record in records if _is_object(record) for name in record))
    if not names:
        raise SourceError(
            "the file holds no JSON objects", place=place, fix='write one a line, such as {"text": …, "label": …}'
        )
    return names


def _cells(records: Iterator[tuple[int, Any]], names: tuple[str, ...]) -> Lines:
    for line, record in records:
        yield line, tuple(record.get(name) for name in names) if _is_object(record) else None


def _is_object(record: Any) -> bool:
    return isinstance(record, dict)
