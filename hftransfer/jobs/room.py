"""Room on the disk: what an owner's runs and uploads take, what all do, and whether there is some for more."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..errors import OutputError
from ..home import home, prune
from .limits import DISK, GB, Limits, limits
from .store import Store

COUNTED = ("jobs", "uploads")  # of the home; the caches beside them bound themselves
CACHES = ("datasets", "features")


def require_room(owner: str, more: int = 0, *, place: Path | None = None) -> None:
    """Refuse what would take more room than there is, or than is allowed.

    Args:
        more: bytes about to be kept.
        place: where else than in our home a run will write.

    Raises:
        OutputError: it says how much is taken, of how much, and what to do.
    """
    bounds = limits()
    for top in filter(None, (home(), place)):
        _require_free(top, more, bounds)
    if bounds.owner is not None:
        fix = "delete a run that is no longer needed"
        _require(used_by(owner), more, bounds.owner, "your runs and uploads take", fix)
    if bounds.disk is not None:
        fix = f"delete a run that is no longer needed; whoever runs this machine can raise {DISK}"
        _require(used_by_all(), more, bounds.disk, "all runs and uploads here take", fix)


def used_by(owner: str) -> int:
    """Bytes of the owner's job folders and uploads; what has several names counts once."""
    jobs, uploads = home("jobs"), home("uploads")
    return _size(_all_in([*(jobs / id for id in Store().ids(owner)), uploads / owner]))


def used_by_all() -> int:
    """Bytes of everybody's."""
    return _size(_all_in(home(name) for name in COUNTED))


def _size(files: Iterable[os.stat_result]) -> int:
    seen: dict[tuple[int, int], int] = {(file.st_dev, file.st_ino): file.st_size for file in files}
    return sum(seen.values())


def _all_in(folders: Iterable[Path]) -> Iterator[os.stat_result]:
    """What lies in the folders. What vanishes meanwhile, or is not there, takes no room."""
    for folder in folders:
        yield from _files(str(folder))


def _files(folder: str) -> Iterator[os.stat_result]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(entry.path)
                else:
                    yield os.lstat(entry.path)  # the entry's own has no file number on Windows


def _require(used: int, more: int, bound: float, whose: str, fix: str) -> None:
    if used + more > bound or (not more and used >= bound):
        wanted = f", and {_gb(more)} more are wanted" if more else ""
        raise OutputError(f"{whose} {_gb(used)} of {_gb(bound)}{wanted}", place=str(home()), fix=fix)


def _require_free(place: Path, more: int, bounds: Limits) -> None:
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    disk = shutil.disk_usage(there)
    if disk.free - more < bounds.free:
        for name in CACHES:  # what is in there is made anew where it is wanted
            with suppress(OSError):
                prune(home(name), 0)
        disk = shutil.disk_usage(there)
    if disk.free - more < bounds.free:
        cause = f"the disk is nearly full: {_gb(disk.used)} of {_gb(disk.total)} are taken, {_gb(disk.free)} are free"
        fix = f"delete a run that is no longer needed, or free some space: {_gb(bounds.free)} are to stay free"
        raise OutputError(cause, place=str(there), fix=fix)


def _gb(count: float) -> str:
    return f"{count / GB:.1f} GB" if count >= GB / 10 else f"{count / 1e6:.0f} MB"
