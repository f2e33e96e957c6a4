"""Tables of texts, of images' paths or of images, made into rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from ...errors import ColumnError
from ...recipe import Recipe
from ...values import SPLITS, Problem
from ..rows import ALL, Found, Row, Table, digest, digest_all, split_in
from ..trees import Entry, Tree, read
from .choose import choose
from .columns import Columns, listed
from .conll import read_conll
from .delimited import read_delimited
from .naming import normal
from .records import read_json, read_json_lines, read_parquet
from .shapes import rows_of

READERS = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".tab": read_delimited,
    ".txt": read_delimited,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".parquet": read_parquet,
    **dict.fromkeys((".conll", ".conllu", ".bio", ".iob", ".iob2"), read_conll),
}
CHUNK = 2**20


def read_tables(tree: Tree, entries: Sequence[Entry], recipe: Recipe) -> Found:
    """The rows of a tree's tables; images' paths are relative to the table that names them.

    Raises:
        SourceError: a table cannot be read, or several do not belong together.
        ColumnError: the columns cannot be found.
    """
    groups = _by_split(entries)
    parts = {split: [_open(tree, entry) for entry in group] for split, group in groups.items()}
    key = digest(*(f"{entry.path}\0{_content(tree, entry)}" for entry in entries))
    found = found_in(tree.name, tree.place, parts, recipe, key=key, load=partial(read, tree))
    found = replace(found, problems=(*found.problems, *_other_tables(entries, groups)))
    return found if found.modality == "text" else replace(found, key=digest_all(_stamps(tree, found)))


def _stamps(tree: Tree, found: Found) -> Iterator[bytes]:
    """The table's own key, and that of each image that it names."""
    yield found.key.encode()
    for row in chain.from_iterable(rows() for rows in found.parts.values()):
        if isinstance(row.input, str):
            yield f"{row.input} {tree.stamp(row.input)}".encode("utf-8", "surrogatepass")


def found_in(
    name: str,
    place: str,
    parts: Mapping[str, Sequence[Table]],
    recipe: Recipe,
    *,
    key: str,
    load: Callable[[str], bytes] | None,
) -> Found:
    """The rows of tables that are sorted into parts already, columns chosen on the first."""
    first = next(iter(parts.values()))[0]
    columns = choose(first, recipe)
    labelled = {part: group for part, group in parts.items() if first in group or _labelled(group, columns)}
    tables = [table for group in labelled.values() for table in group]
    for table in tables:
        _check(table, columns)
    rows = {part: partial(_rows_of_all, group, columns) for part, group in labelled.items()}
    unlabelled = tuple(part for part in parts if part not in labelled)
    unused = [_no_labels(part, parts[part][0], columns) for part in unlabelled]
    said = dict.fromkeys(chain(columns.problems, unused, *(table.problems for table in tables)))
    chosen = digest(key, columns.modality, columns.form, columns.pair, *columns.used)
    return Found(name, place, columns.modality, chosen, rows, load, tuple(said), unlabelled, columns.to_json())


def _open(tree: Tree, entry: Entry) -> Table:
    return READERS[entry.suffix](entry.path, lambda: tree.open(entry.path))


def _content(tree: Tree, entry: Entry) -> str:
    with tree.open(entry.path) as file:
        return digest_all(iter(lambda: file.read(CHUNK), b""))


def _by_split(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Tables by the splits that their names speak of.

    Where all are of one split they are everything; where none is train, those of no
    split are; where there is a train, those of no split are left out.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(split_in(entry.path) or ALL, []).append(entry)
    if len(groups) == 1:
        return {ALL: list(entries)}
    if ALL in groups:
        groups.setdefault("train", groups.pop(ALL))
    return {split: groups[split] for split in SPLITS if split in groups}


def _other_tables(entries: Sequence[Entry], groups: Mapping[str, Sequence[Entry]]) -> Iterator[Problem]:
    left = [entry.path for entry in entries if not any(entry in group for group in groups.values())]
    if left:
        message = f"tables of no split were left out: {', '.join(left[:3])}{', …' if len(left) > 3 else ''}"
        yield Problem("other-table", "info", left[0], message, "name the files train, validation or test")


def _labelled(tables: Sequence[Table], columns: Columns) -> bool:
    wanted = {normal(name) for name in (*columns.labels, *columns.places)}
    return all(wanted <= set(map(normal, table.names)) for table in tables)


def _no_labels(part: str, table: Table, columns: Columns) -> Problem:
    there = set(map(normal, table.names))
    lacking = next(name for name in (*columns.labels, *columns.places) if normal(name) not in there)
    return Problem(
        "unlabelled-split",
        "warning",
        table.place,
        f"the {part} rows were left out: there is no column '{lacking}'",
        "add their labels, or leave the file out",
    )


def _check(table: Table, columns: Columns) -> None:
    for name in columns.used:
        if normal(name) not in map(normal, table.names):
            raise ColumnError(
                f"there is no column '{name}', which the other tables have",
                place=f"{table.place}, which has {listed(table)}",
                fix="give all tables the same columns, or name one table as the source",
            )


def _rows_of_all(tables: Sequence[Table], columns: Columns) -> Iterator[Row]:
    return chain.from_iterable(rows_of(table, columns) for table in tables)
