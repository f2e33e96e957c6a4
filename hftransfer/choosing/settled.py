"""What a run chose for itself, kept beside its work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..output import sync
from ..recipe import Recipe, chosen_of


class Settled:
    """What a run chose for itself. It holds when the run goes on: measured again it might come out otherwise."""

    def __init__(self, file: Path, recipe: Recipe) -> None:
        """From an earlier attempt's file, where there is one.

        Raises:
            OutputError: the file is of a run with another recipe.
        """
        self.file = file
        self.known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        begun = chosen_of(self.once("recipe", recipe.to_json))
        if begun != json.loads(json.dumps(chosen_of(recipe.to_json()))):
            fix = "choose another folder, or the recipe that it was begun with"
            raise OutputError("the work there was begun with another recipe", place=str(file.parent), fix=fix)

    def require(self, name: str, value: Any, cause: str) -> None:
        """Note a value, or refuse to go on with another than the one noted.

        Raises:
            OutputError: it is another.
        """
        if self.once(name, lambda: value) != json.loads(json.dumps(value)):
            raise OutputError(cause, place=str(self.file.parent), fix="begin a new run: this one cannot go on")

    def once(self, name: str, choose: Callable[[], Any]) -> Any:
        """What was chosen before, else what is chosen now."""
        if name not in self.known:
            self.known[name] = choose()
            part = self.file.with_suffix(".part")
            part.write_text(json.dumps(self.known), encoding="utf-8")
            sync(part)
            part.replace(self.file)
        return self.known[name]
