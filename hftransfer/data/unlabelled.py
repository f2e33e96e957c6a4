"""Inputs without labels, as rows on disk: images in a folder or an archive, texts in files or a table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..errors import SourceError, SourceMissing
from ..recipe import Recipe
from ..tasks import Task
from ..values import Event, Listener, Part
from .arrow import keep
from .doctor.redaction import redacted
from .inputs import PLAIN, read_inputs
from .packed.archives import is_archive, open_archive
from .pictures.images import is_image_path
from .rows import ALL, Found, Row, digest, digest_all
from .tables.decoding import decode, encoding_of_all
from .trees import Entry, Folder, Tree, read, tree_key

NO_LABEL = "?"  # in the place of one, which nobody reads


def load_unlabelled(source: str, task: Task, recipe: Recipe, *, pairs: bool, on_event: Listener) -> Part:
    """The rows of a source whose labels, if it has any, are not looked at: the task's input column, and `origin`.

    Args:
        source: a folder or an archive of images, or of a text a file; a .txt with a text a line; a table.
        pairs: whether the texts are pairs.

    Raises:
        SourceMissing: there is nothing at that path.
        SourceError: it holds no such inputs, or none that can be read.
    """
    path = require_path(source)
    found = _of_tree(path, task.modality.name) if path.is_dir() or is_archive(path) else _of_file(path, task, pairs)
    kept = keep(redacted(found) if recipe.redact else found, on_event)
    for problem in kept.problems:
        if problem.severity != "info":
            on_event(Event("load", f"{problem.message} ({problem.where})"))
    rows = kept.part(ALL)
    digests = rows.data.column("digest").to_pylist()
    return Part(rows.select_columns([task.modality.column, "origin"]), digest_all(digests))


def require_path(source: str) -> Path:
    """Where the source lies.

    Raises:
        SourceMissing: there is nothing at that path.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise SourceMissing("there is no such file or folder", place=source, fix="check the path after --pseudo-label")
    return path


def _of_tree(path: Path, modality: str) -> Found:
    tree: Tree = Folder.whole(path) if path.is_dir() else open_archive(path)
    entries = tuple(entry for entry in tree.entries if _is_input(entry, modality))
    if not entries:
        if modality == "image":
            fix = "give a folder or an archive of images"
            raise SourceError("there are no images in it", place=tree.place, fix=fix)
        fix = "give a text a .txt file in it, a .txt with a text a line, or a table"
        raise SourceError("there are no texts in it", place=tree.place, fix=fix)
    paths = [entry.path for entry in entries]
    rows = partial(_images, paths) if modality == "image" else partial(_texts, tree, paths)
    key = digest("unlabelled", modality, tree_key(entries))
    return Found(tree.name, tree.place, modality, key, {ALL: rows}, partial(read, tree))


def _is_input(entry: Entry, modality: str) -> bool:
    return is_image_path(entry.path) if modality == "image" else entry.suffix == PLAIN


def _images(paths: list[str]) -> Iterator[Row]:
    return (Row(path, NO_LABEL, path) for path in paths)


def _texts(tree: Tree, paths: list[str]) -> Iterator[Row]:
    encoding, _ = encoding_of_all(paths, tree.open)
    return (Row(decode(read(tree, path), encoding), NO_LABEL, path) for path in paths)


def _of_file(path: Path, task: Task, pairs: bool) -> Found:
    if task.modality.name != "text":
        raise SourceError("this file holds no images", place=str(path), fix="give a folder or an archive of images")
    content = digest_all([path.read_bytes()])
    columns = {"pair": "second"} if pairs else None
    rows = partial(_lines, path, pairs)
    return Found(path.stem, str(path), "text", digest("unlabelled", content, pairs), {ALL: rows}, columns=columns)


def _lines(path: Path, pairs: bool) -> Iterator[Row]:
    texts = read_inputs(path, pair=pairs)
    return (Row(text, NO_LABEL, f"{path.name}:{number}") for number, text in enumerate(texts, 1))
