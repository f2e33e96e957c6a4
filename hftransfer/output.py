"""An output folder appears whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import HFTransferError, OutputError

MARKER = "recipe.json"  # lies in every model of ours, in nothing else
COPY = "name a new or empty folder after --repair"
_STAGE = re.compile(r"\.(.+)\.[0-9a-f]{8}\.partial")


def claim(output: Path, *, overwrite: bool = False, copy: bool = False) -> None:
    """Refuse an output that would destroy something, before any work is done.

    Args:
        overwrite: whether a model of ours that lies there may go.
        copy: whether it is for a clean copy of data, for which there are no such choices.

    Raises:
        OutputError: the folder holds anything (with `overwrite`: anything but a
            model of ours), or cannot be created.
    """
    with writable(output):
        if output.is_symlink() or (output.exists() and not output.is_dir()):
            fix = COPY if copy else "choose another with -o"
            raise OutputError("the output exists and is no folder", place=str(output), fix=fix)
        if output.resolve() == Path.cwd():
            raise OutputError("the output is the current folder", place=str(output), fix="name a new folder in it")
        if output.is_dir() and any(output.iterdir()):
            _refuse(output, overwrite, copy)
        output.parent.mkdir(parents=True, exist_ok=True)


def _refuse(output: Path, overwrite: bool, copy: bool) -> None:
    if not overwrite:
        fix = COPY if copy else "choose another with -o, or pass --overwrite"
        raise OutputError("the output folder is not empty", place=str(output), fix=fix)
    if not (output / MARKER).is_file() or not (output / "config.json").is_file():
        raise OutputError(
            "the output folder holds something that is no model of ours",
            place=str(output),
            fix="choose another with -o: --overwrite replaces only models",
        )


@contextmanager
def writable(place: Path) -> Iterator[None]:
    """Turn what the system says about a place into one clear error."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        cause = f"cannot write there: {error.strerror or error}"
        raise OutputError(cause, place=str(place), fix="choose another place, or make room there") from error


@contextmanager
def staged(output: Path, *, overwrite: bool = False, note: Path | None = None) -> Iterator[Path]:
    """A folder beside `output` to write into; it takes `output`'s place when all went well.

    Args:
        note: a file that names the folder, so that `abandon` finds it after a kill; what an earlier
            attempt left is removed at once. It stays where all went well, for `arrived` to tell.

    Raises:
        OutputError: as `claim`, at the start and, if somebody was faster, at the end.
    """
    output = output.absolute()
    with writable(output.parent):
        abandon(note)
    claim(output, overwrite=overwrite)
    stage = output.parent / f".{output.name}.{secrets.token_hex(4)}.partial"
    with writable(output.parent):
        _take_note(note, stage)
        stage.mkdir(mode=0o700)
    try:
        yield stage
        claim(output, overwrite=overwrite)
        with writable(output):
            _open_up(stage)
            durable(stage)
            _take_note(note, stage, str(stage.stat().st_ino))
            _swap(stage, output)
    except HFTransferError as error:
        error.place = error.place.replace(str(stage), str(output))  # nobody finds what is gone by then
        raise
    finally:
        if stage.exists():
            shutil.rmtree(stage, ignore_errors=True)
            if note is not None:
                note.unlink(missing_ok=True)


def _take_note(note: Path | None, stage: Path, number: str = "") -> None:
    """Where the folder is and, once it is whole, its number on the disk, which renaming does not change."""
    if note is None:
        return
    note.parent.mkdir(parents=True, exist_ok=True)
    part = note.with_name(f"{note.name}.part")
    part.write_text("\n".join(filter(None, (str(stage), number))), encoding="utf-8")
    sync(part)
    part.replace(note)
    sync(note.parent)


def arrived(note: Path, output: Path) -> bool:
    """Whether the folder that a note names took the output's place."""
    if not note.is_file():
        return False
    number = note.read_text(encoding="utf-8").partition("\n")[2]
    return output.is_dir() and number == str(output.stat().st_ino)


def abandon(note: Path | None) -> None:
    """Remove what a killed attempt left beside its output, and put back what it was about to replace.

    Raises:
        OSError: the disk refuses.
    """
    if note is None or not note.is_file():
        return
    stage = Path(note.read_text(encoding="utf-8").partition("\n")[0])
    named = _STAGE.fullmatch(stage.name)
    if named and stage.is_absolute():
        output, old = stage.with_name(named[1]), stage.with_suffix(".old")
        if old.is_dir() and not output.exists():
            old.rename(output)
        for left in (stage, old):
            shutil.rmtree(left, ignore_errors=True)
        if arrived(note, output):  # whoever goes on with the run wants to know
            return
    note.unlink()


def durable(folder: Path) -> None:
    """Have a folder's files, and their names, on the disk itself: a power cut then takes none of them back."""
    for path in (*folder.rglob("*"), folder):
        sync(path)


def sync(path: Path) -> None:
    """As `durable`, for one file or one folder's names. Not on Windows, where folders cannot be opened."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network disks do without
            raise
    finally:
        os.close(handle)


def _open_up(stage: Path) -> None:
    """The usual permissions: temporary folders, and safetensors' files, are their maker's alone."""
    mask = os.umask(0)
    os.umask(mask)
    stage.chmod(0o777 & ~mask)
    for path in stage.rglob("*"):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


def _swap(stage: Path, output: Path) -> None:
    """Put the new in the old one's place, or leave the old one there."""
    old = stage.with_suffix(".old")
    try:
        if output.exists():
            output.rename(old)
        stage.rename(output)
        sync(output.parent)
    finally:  # whatever stops it, the wish to stop among it
        if old.exists() and not output.exists():
            old.rename(output)
        shutil.rmtree(old, ignore_errors=True)
