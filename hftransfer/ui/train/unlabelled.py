"""Examples without labels, for pseudo-labels: an upload that the form's recipe names."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import gradio as gr

from ...recipe import Recipe
from .. import uploads
from ..labels import label
from ..page import Page, owner_of, told

KINDS = (*uploads.ARCHIVES, ".txt", *uploads.TABLES)
OFFERED = (*KINDS, ".gz", ".bz2", ".xz")


class Unlabelled:
    """The file, and what the form knows it by."""

    def __init__(self) -> None:
        self.trouble = gr.HTML("", elem_id="unlabelled", render=False)

    def lay(self) -> gr.Textbox:
        """Put it where the page is being built. Returns the choice that stands for it, which nobody types."""
        help = next(entry for entry in fields(Recipe) if entry.name == "pseudo_label").metadata["help"]
        with gr.Column(min_width=240, elem_id="choice-pseudo_label"):
            gr.Markdown(label(help), elem_classes="hft-hint")
            self.file = gr.File(label=label("train.unlabelled"), file_types=list(OFFERED), height=120)
            gr.Markdown(label("train.unlabelled.kinds"), elem_classes="hft-hint")
        self.kept = gr.Textbox(visible=False)
        return self.kept

    def wire(self, page: Page) -> None:
        """Connect the events."""
        private: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        shown = [self.file, self.kept, self.trouble]
        self.file.upload(keep, [self.file, page.owner], shown, api_name="keep_unlabelled", **private)
        self.file.clear(lambda: ("", ""), None, shown[1:], **private)


@told(lambda card: (None, "", card))
def keep(path: str | None, secret: str | None) -> tuple[Any, ...]:
    """An uploaded file, once it is kept; a table stays one, since nothing that it names is read."""
    if path is None:
        return gr.skip(), "", ""
    kept = uploads.keep(Path(path), owner_of(secret), kinds=KINDS, packed=())
    return gr.skip(), f"{kept.parent.name}/{kept.name}", ""
