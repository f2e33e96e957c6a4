"""What of a model's own notes may be seen by everybody: never where things lie on a person's disk,
nor what their files are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from ..data.hub import looks_like_id
from ..models.backbones import BY_NAME, is_starter

# The repository's name as a card holds it that was written before it was known.
PLACEHOLDER = "OWNER/MODEL"
# The folders of an absolute path inside a text; an address such as https://… is none. Names of folders
# may hold spaces: rather a word too many goes than a name stays.
FOLDERS = re.compile(r"(?<![\w.:/\\~-])(?:file://)?(?:~|[A-Za-z]:)?[/\\](?=[^/\\\s])(?:[^/\\\n'\"<>|]+[/\\])+")
# Problems of the data whose messages hold words of ours alone; others may name files.
TELLABLE = ("carved-splits", "encoding", "no-header")
OTHERS = ("validation", "test", "pseudo_label")  # of a recipe, sources beside the first
COMMIT = re.compile(r"[0-9a-f]{40}")
KNOWN = {name for name in BY_NAME if not is_starter(name)}


def public_text(text: str) -> str:
    """The text with absolute paths, or a relative one that it is as a whole, cut to their last part."""
    return last_part(text) if _is_local(text) and "\n" not in text else FOLDERS.sub("", text)


def last_part(path: str) -> str:
    return PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name


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
    told.pop("backbone_why", None)  # it may tell of this machine's network
    told.pop("notes", None)  # the problems' messages: those that may be told are taken from there
    if problems := report.get("problems"):
        told["problems"] = [
            {key: problem[key] for key in ("code", "severity") if key in problem} for problem in problems
        ]
        told["notes"] = [problem["message"] for problem in problems if _is_tellable(problem)]
    for name, cut in CUTS.items():
        if report.get(name):
            told[name] = cut(report[name], report)
    return told


def _is_tellable(problem: Mapping[str, Any]) -> bool:
    return problem.get("code") in TELLABLE and "message" in problem


def public_recipe(recipe: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe whose other sources are named by their last part: they may be folders as well as ids."""
    told: dict[str, Any] = public_json(recipe)
    told |= {name: last_part(recipe[name]) for name in OTHERS if recipe.get(name)}
    return told | ({"backbone": public_backbone(recipe["backbone"], report)} if recipe.get("backbone") else {})


def public_source(name: str, report: Mapping[str, Any]) -> str:
    """The data's name: the data station gives a slash to ids on the Hub alone, whose form is made sure of here."""
    return name if looks_like_id(name) else last_part(name)


def public_backbone(name: str, report: Mapping[str, Any]) -> str:
    return name if is_on_hub(name, report) else last_part(name)


def is_on_hub(name: str, report: Mapping[str, Any]) -> bool:
    """Whether a backbone came from the Hub: `owner/name` may be a folder's path as well."""
    if name != report.get("backbone") or not looks_like_id(name):
        return False
    said = report.get("backbone_on_hub")
    revision = COMMIT.fullmatch(str(report.get("backbone_revision")))
    return bool(said) if said is not None else name in KNOWN or revision is not None


def public_forgetting(told: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """What became of the old model's data, which goes by a name as the new one's does."""
    source = {"source": public_source(str(told["source"]), report)} if told.get("source") else {}
    return {**public_json(told), **source}


CUTS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "source": public_source,
    "backbone": public_backbone,
    "recipe": public_recipe,
    "forgetting": public_forgetting,
}
