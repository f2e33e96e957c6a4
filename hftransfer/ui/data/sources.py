"""Where examples come from: a file, class cards, pasted rows, a name on the Hub, a sample."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from ...errors import HFTransferError, SourceError
from .. import names, pieces, uploads
from ..labels import label
from ..page import WITH_OWNER, Page
from ..words import say
from . import drafts
from .class_cards import ClassCards

SAMPLES = ("digits", "helpdesk")


@dataclass(frozen=True)
class Given:
    """What a visitor gave: what the core reads, and what the visitor calls it."""

    source: str
    name: str


class Sources:
    """The tabs, and which handler takes what is given in them."""

    def __init__(self, owner: gr.BrowserState, *, local: bool) -> None:
        self.local = local
        with gr.Tabs(elem_id="sources"):
            with gr.Tab(label("data.tab.file")):
                self.upload = gr.File(
                    label=label("data.upload"), file_types=list(uploads.OFFERED), height=190, elem_id="upload"
                )
                self.hint = gr.HTML(hint())
            with gr.Tab(label("data.tab.classes"), elem_id="by-class") as self.by_class:
                self.cards = ClassCards(owner)
            with gr.Tab(label("data.tab.rows")):
                example = label("data.paste.hint")
                self.rows = gr.Textbox(label=label("data.paste"), placeholder=example, lines=7, elem_id="rows")
                self.use_rows = gr.Button(label("data.paste.use"), size="md", elem_id="use-rows")
            with gr.Tab(label("data.tab.named")):
                name, example = label("data.hub.local" if local else "data.hub"), label("data.hub.hint")
                self.named = gr.Textbox(label=name, placeholder=example, max_lines=1, elem_id="named")
                self.use_named = gr.Button(label("data.hub.use"), size="md", elem_id="use-named")
        self.heading = gr.HTML(heading())
        with gr.Row():
            self.samples = [gr.Button(label(f"data.sample.{name}"), size="md") for name in SAMPLES]

    def wire(self, page: Page, taken: list[Any], take: Callable[[Any], Any]) -> None:
        """Connect the events, after which there may be other data.

        Args:
            taken: the outputs of `take`, which makes a handler of a function from inputs and an owner to `Given`.
        """
        owner = page.owner
        more: dict[str, Any] = {"js": WITH_OWNER, "show_progress": "hidden", "api_visibility": "private"}
        pasted, hub = [self.rows, owner], [self.named, owner]
        named = take(partial(of_name, self.local))

        def use(button: gr.Button, inputs: list[Any]) -> None:
            button.click(take(of_cards), inputs, taken, api_name="take_cards", **more)

        self.cards.wire(self.by_class, use)
        self.upload.upload(take(of_file), [self.upload, owner], taken, api_name="take_file", **more)
        self.use_rows.click(take(of_rows), pasted, taken, api_name="take_rows", **more)
        gr.on([self.use_named.click, self.named.submit], named, hub, taken, api_name="take_named", **more)
        for name, button in zip(SAMPLES, self.samples, strict=True):
            button.click(take(partial(of_sample, name)), [owner], taken, api_name=f"take_{name}", **more)


def hint() -> str:
    """What kinds of files are taken."""
    return f'<p class="hft-hint">{pieces.plain(say("data.drop"))}</p>'


def heading() -> str:
    return pieces.heading(say("data.samples"))


def of_file(path: str | None, owner: str) -> Given | None:
    """An uploaded file, once it is kept."""
    return None if path is None else Given(str(uploads.keep(Path(path), owner)), Path(path).name)


def of_cards(draft: str, *asked: Any) -> Given:
    """Class cards, by the names that they have on the page; the last argument is the owner."""
    *given, owner = asked
    for card, name in zip(drafts.cards(owner, draft), given, strict=False):
        drafts.rename(owner, draft, card.id, str(name or ""))
    return Given(str(drafts.source(owner, draft)), say("data.mine"))


def of_rows(text: str | None, owner: str) -> Given:
    """Pasted rows, kept as the table that they are."""
    if not (text or "").strip():
        raise SourceError(say("error.rows"), fix=say("error.rows.fix"))
    return Given(str(uploads.keep_rows(str(text), owner)), say("data.pasted"))


def of_name(local: bool, name: str | None, owner: str) -> Given:
    """A data set on the Hub; on one's own machine a folder or file of it too."""
    value = (name or "").strip()
    there = bool(value) and os.path.exists(os.path.expanduser(value))
    if there and local:
        return Given(os.path.expanduser(value), Path(value).name)
    if there or not names.DATA.fullmatch(value):
        raise HFTransferError(say("error.dataset", value=value), fix=say("error.dataset.fix"))
    return Given(value, value)


def of_sample(sample: str, owner: str) -> Given:
    return Given(f"sample:{sample}", say(f"data.sample.{sample}"))
