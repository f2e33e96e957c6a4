"""Texts that are set while the page is built, before anybody asks for it: the browser translates them.

Of a component that is label, info, placeholder, title, value. It is not `Blocks(title=)` nor a Dataframe's
headers, which take `say`; nor surely a plot's axes, which may be drawn before their words are there: a handler
sends those; nor the names of a Dropdown's choices, one of which came back translated as the value.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import gradio as gr

from ..recipe import Recipe
from .fields import field_label
from .languages import ENGLISH, LANGUAGES, table
from .words import EN


def _built() -> dict[str, str]:
    """The English texts by their keys; the form's own stand for themselves."""
    found = [str(entry.metadata["help"]) for entry in fields(Recipe)]
    found += [field_label(entry.name) for entry in fields(Recipe)]
    return {**EN, **{text: text for text in found}}


def _in(language: str) -> dict[str, str]:
    known = {part: table(language, part) for part in ("words", "messages", "names")}
    found = {key: known["words"].get(key) or known["messages"].get(key) or known["names"].get(key) for key in _built()}
    return {key: text for key, text in found.items() if text}


# For `launch(i18n=…)`. English is there whole, which is what a browser of any other language shows.
I18N = gr.I18n(**{ENGLISH: _built(), **{language: _in(language) for language in LANGUAGES}})


def asking(key: str) -> str:
    """For an event: the browser asks before it goes on; without a yes, the first input is none."""
    words = {language: texts[key] for language, texts in I18N.translations.items()}
    return f"""(...given) => {{
      const words = {json.dumps(words)};
      if (!window.confirm(words[navigator.language] ?? words.{ENGLISH})) given[0] = null;
      return given;
    }}"""


def label(key: str) -> Any:
    """A key of `EN`, or a help text or a field's label of `Recipe`, for a property of a component.

    Raises:
        KeyError: it is none of these.
    """
    if key not in I18N.translations[ENGLISH]:
        raise KeyError(key)
    return I18N(key)
