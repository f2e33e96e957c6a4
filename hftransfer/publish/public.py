"""What of a model's own notes may be seen by everybody: never where things lie on a person's disk,
nor what their files are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

# The repository's name as a card holds it that was written before it was known.
PLACEHOLDER = "OWNER/MODEL"
# The folders of an absolute path inside a text; an address such as https://… is none.
FOLDERS = re.compile(r"(?<![\w.:/\\~-])(?:file://)?(?:~|[A-Za-z]:)?[/\\](?:[^/\\\s'\"<>|]+[/\\])+")


def public_text(text: str) -> str:
    """The text with paths of this machine cut to their last part."""
    if _is_local(text) and "\n" not in text:
        return PureWindowsPath(text).name if "\\" in text else PurePosixPath(text).name
    return FOLDERS.sub("", text)


def _is_local(text: str) -> bool:
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute or text.startswith(("~", "./", "../", ".\\", "..\\"))


def public_json(value: Any) -> Any:
    """A JSON value with all of its texts made public; keys, which are ours or labels, stay."""
    if isinstance(value, str):
        return public_text(value)
    if isinstance(value, Mapping):
        return {name: public_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [public_json(part) for part in value]
    return value


def public_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report without places on the disk; of the data's problems only their kinds are told.

    Labels stay as they are: the model's config holds them too.
    """
    told = {name: value if name in ("labels", "per_label") else public_json(value) for name, value in report.items()}
    if "problems" in report:
        told["problems"] = [
            {key: problem[key] for key in ("code", "severity") if key in problem} for problem in report["problems"]
        ]
    return told
