"""Everything that a user can set right, as one small tree.

    HFTransferError
    ├── RecipeError         a choice that cannot be (also ValueError)
    ├── SourceError         data that cannot be used (also ValueError)
    │   ├── SourceMissing   nothing at that path or id (also FileNotFoundError)
    │   └── ColumnError     a column that isn't there (also KeyError)
    ├── BackboneError       a model that cannot be loaded or used (also OSError)
    ├── OutputError         a folder that cannot be written to (also FileExistsError)
    ├── HubError            the Hub refused or did not answer (also ConnectionError)
    └── JobError            a background run that cannot be found or changed (also LookupError)

Each also inherits the built-in that a caller would catch. Anything else that
escapes is a fault of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class HFTransferError(Exception):
    """A failure with its cause, its place and the next step.

    Args:
        cause: what is wrong, one sentence without a full stop.
        place: the file, row, column, option or address it was found at.
        fix: what the user can do now.
    """

    def __init__(self, cause: str, *, place: str = "", fix: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.place = place
        self.fix = fix

    def __str__(self) -> str:
        where = f"\n  at:   {self.place}" if self.place else ""
        then = f"\n  next: {self.fix}" if self.fix else ""
        return f"{self.cause}{where}{then}"

    def to_json(self) -> dict[str, Any]:
        kind = type(self).__name__
        return {"kind": kind, "cause": self.cause, "place": self.place, "fix": self.fix}


class RecipeError(HFTransferError, ValueError):
    """A choice that cannot be, or two that exclude each other."""


class SourceError(HFTransferError, ValueError):
    """Data that was found but cannot be used."""


class SourceMissing(SourceError, FileNotFoundError):
    """Nothing at that path, and no such data set on the Hub."""


class ColumnError(SourceError, KeyError):
    """A column that the table does not have.

    Args:
        columns: those that it has, for whoever lets the user choose.
    """

    def __init__(self, cause: str, *, place: str = "", fix: str = "", columns: Sequence[str] = ()) -> None:
        super().__init__(cause, place=place, fix=fix)
        self.columns = tuple(columns)

    def to_json(self) -> dict[str, Any]:
        known = {"columns": list(self.columns)} if self.columns else {}
        return {**super().to_json(), **known}


class BackboneError(HFTransferError, OSError):
    """A model that cannot be found, loaded, or used for this task."""


class OutputError(HFTransferError, FileExistsError):
    """An output folder that holds something else, or cannot be written."""


class HubError(HFTransferError, ConnectionError):
    """The Hub refused the request, or did not answer."""


class JobError(HFTransferError, LookupError):
    """A background run that cannot be found, or not be changed as asked."""
