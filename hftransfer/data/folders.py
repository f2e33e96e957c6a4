"""What lies in a folder or an archive: class folders, or tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ..errors import SourceError
from ..recipe import Recipe
from ..tasks import get_task
from ..values import SPLITS, Problem
from .checks import first_few
from .packed.archives import is_packed
from .pictures.images import is_image_path
from .rows import ALL, Found, Row, digest, split_named
from .tables.choose import GUESSED
from .tables.conll import is_conll
from .tables.decoding import decode, encoding_of, encoding_of_all
from .tables.reading import READERS, read_tables
from .trees import LEFT_OUT, Entry, Tree, read, tree_key

_CONLL = (".conll", ".conllu", ".bio", ".iob", ".iob2")
TABLE_KINDS = ((".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", *_CONLL), (".txt",), (".json",))


def read_tree(tree: Tree, recipe: Recipe) -> Found:
    """Class folders of images, tables of texts or of images' paths, or class folders of texts.

    Raises:
        SourceError: there is nothing of these, or what is there cannot be read.
    """
    found = _read(tree, [entry for entry in tree.entries if _counts(entry)], recipe)
    return replace(found, problems=(*found.problems, *tree.problems, *_set_aside(tree)))


def _counts(entry: Entry) -> bool:
    """Whether an entry may be data. An empty image or text is an example that was lost, which is told as such."""
    return not is_packed(entry.path) and bool(entry.size or is_image_path(entry.path) or entry.suffix == ".txt")


def _read(tree: Tree, entries: Sequence[Entry], recipe: Recipe) -> Found:
    if not entries and any(is_packed(entry.path) for entry in tree.entries):
        raise SourceError(
            "there are only archives in it", place=tree.place, fix="unpack those, and give what lies inside"
        )
    if not entries:
        raise SourceError("there is nothing in it", place=tree.place, fix="give a folder or an archive that holds data")
    images = [entry for entry in entries if is_image_path(entry.path)]
    texts = [entry for entry in entries if entry.suffix == ".txt"]
    tables = _tables(tree)
    if images and not (_wants_text(recipe) and (tables or texts)):
        return _from_table(tree, tables, images, recipe) or _class_folders(tree, images, "image")
    if tables:
        return read_tables(tree, tables, recipe)
    return _class_folders(tree, texts, "text")


def _wants_text(recipe: Recipe) -> bool:
    asked = recipe.task is not None and get_task(recipe.task).modality.name == "text"
    return asked or recipe.text_column is not None


def _from_table(tree: Tree, tables: Sequence[Entry], images: Sequence[Entry], recipe: Recipe) -> Found | None:
    """The rows of a table of images' paths; None where the folders themselves say the classes.

    Beside class folders a table counts only where its columns' names, or the user, say
    what they are: it may hold anything.
    """
    asked = recipe.image_column or recipe.label_column
    needed = asked or not _are_classes(images)
    if not tables:
        return None
    try:
        found = read_tables(tree, tables, recipe)
    except SourceError:
        if needed:
            raise
        return None
    sure = all(problem.code != GUESSED for problem in found.problems)
    return found if found.modality == "image" and (sure or needed) else None


def _are_classes(images: Sequence[Entry]) -> bool:
    parts = _parts(images, _base(images, folders=1))
    return len({label for files in parts.values() for _, label in files}) > 1


def _tables(tree: Tree) -> list[Entry]:
    """The tables that lie near the top: those of the surest kind that there is."""
    for kinds in TABLE_KINDS:
        found = [entry for entry in tree.entries if entry.suffix in kinds and entry.size]
        base = _base(found, folders=0)
        depths = {entry: entry.path[len(base) :].count("/") for entry in found}
        if kinds == (".txt",):
            found = [entry for entry in found if depths[entry] == 0 and _is_table(tree, entry)]
        if near := [entry for entry in found if depths[entry] < 2]:
            return near
    return []


def _is_table(tree: Tree, entry: Entry) -> bool:
    """Whether each line of a text has a tab, or holds a word and its tag."""
    with tree.open(entry.path) as file:
        lines = [line for line in file.read(8192).splitlines() if line.strip()]
    if bool(lines) and all(b"\t" in line for line in lines[: max(1, len(lines) - 1)]):
        return True
    opener = partial(tree.open, entry.path)
    return is_conll(encoding_of(entry.path, opener)[0], opener)


def _base(entries: Sequence[Entry], *, folders: int) -> str:
    """The path of the folders that wrap all files, but for the last few: a lone split wraps as well as any."""
    base: tuple[str, ...] = ()
    paths = [entry.parts[:-1] for entry in entries]
    while paths:
        tops = {path[0] if path else "" for path in paths}
        top = tops.pop()
        if tops or not top or all(len(path) <= folders for path in paths):
            break
        base, paths = (*base, top), [path[1:] for path in paths]
    return "".join(f"{part}/" for part in base)


def _class_folders(tree: Tree, entries: Sequence[Entry], modality: str) -> Found:
    parts = _parts(entries, _base(entries, folders=1))
    if not parts and modality == "text":
        listed = ", ".join(READERS)
        raise SourceError(
            "there are no images and no tables in it",
            place=tree.place,
            fix=f"give a folder for each class with its images, or a table ({listed})",
        )
    if not parts:
        raise SourceError(
            "the images lie in no class folders",
            place=tree.place,
            fix="sort them into a folder for each class, or add a table with their file names and labels",
        )
    load = partial(read, tree)
    texts = [path for files in parts.values() for path, _ in files] if modality == "text" else []
    encoding, said = encoding_of_all(texts, tree.open)
    value = partial(_text, load, encoding) if modality == "text" else str
    rows = {part: partial(_rows, files, value) for part, files in parts.items()}
    key = digest(modality, tree_key(tuple(entries)), *filter(None, [encoding]))
    unlabelled = _unlabelled(entries, _base(entries, folders=1))
    return Found(tree.name, tree.place, modality, key, rows, load, (*said, *_left_out(tree, parts)), unlabelled)


def _parts(entries: Sequence[Entry], base: str) -> dict[str, list[tuple[str, str]]]:
    """Split names, or ALL alone, to pairs of path and class; nested folders count into their class."""
    paths = [entry.path[len(base) :].split("/") for entry in entries]
    level = int(_are_splits(paths))
    parts: dict[str, list[tuple[str, str]]] = {}
    for path in paths:
        split = split_named(path[0]) if level else ALL
        if split and len(path) > level + 1:
            parts.setdefault(split, []).append((base + "/".join(path), path[level].strip()))
    if len(parts) == 1:
        return {ALL: next(iter(parts.values()))}
    return {part: parts[part] for part in SPLITS if part in parts}


def _unlabelled(entries: Sequence[Entry], base: str) -> tuple[str, ...]:
    """The splits whose folders hold files, but no class folders."""
    paths = [entry.path[len(base) :].split("/") for entry in entries]
    there, labelled = ({split_named(path[0]) for path in paths if len(path) > depth} for depth in (1, 2))
    return tuple(split for split in SPLITS if split in there - labelled) if _are_splits(paths) else ()


def _are_splits(paths: Sequence[Sequence[str]]) -> bool:
    """Whether the top folders are splits: a class may be called train, but holds no class folders then."""
    tops = {path[0] for path in paths if len(path) > 1}
    splits = {split for path in paths if len(path) > 2 and (split := split_named(path[0]))}
    return len(splits) > 1 or (len(splits) == 1 and all(map(split_named, tops)))


def _rows(files: Sequence[tuple[str, str]], value: Callable[[str], str]) -> Iterator[Row]:
    for path, label in files:
        yield Row(value(path), label, path)


def _text(load: Callable[[str], bytes], encoding: str, path: str) -> str:
    return decode(load(path), encoding)


def _left_out(tree: Tree, parts: Mapping[str, Sequence[tuple[str, str]]]) -> tuple[Problem, ...]:
    """What to say of files inside folders that are of no class, and of images outside them."""
    used = {path for files in parts.values() for path, _ in files}
    there = [entry.path for entry in tree.entries if _counts(entry) and entry.path not in used]
    left = [path for path in there if "/" in path or is_image_path(path)]
    if not left:
        return ()
    message = f"{_files(left)} left out: {', '.join(left[:3])}{', …' if len(left) > 3 else ''}"
    return (Problem("left-out", "info", left[0], message, "examples are the images inside class folders"),)


def _set_aside(tree: Tree) -> Iterator[Problem]:
    """What to say of files that are never data, and of archives inside."""
    packed = [entry.path for entry in tree.entries if is_packed(entry.path)]
    empty = [entry.path for entry in tree.entries if not _counts(entry) and not is_packed(entry.path)]
    junk = [path for path in (*tree.junk, *empty) if path.rpartition("/")[2] != LEFT_OUT]
    if packed:
        message = f"{_files(packed)} left out, being archives themselves"
        fix = "unpack them where they hold examples, and give the whole"
        yield Problem("nested-archive", "warning", first_few(packed), message, fix)
    if junk:
        message = f"{_files(junk)} left out, being hidden, empty, or what systems leave behind"
        yield Problem("junk-file", "info", first_few(junk), message, "there is nothing to do")


def _files(paths: Sequence[str]) -> str:
    return "1 file was" if len(paths) == 1 else f"{len(paths)} files were"
