"""Class cards: images sorted into classes on the page, from files and from the webcam."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from ..errors import HFTransferError
from . import drafts, pictures
from .labels import label
from .page import WITH_OWNER, owner_of, told
from .pieces import failure, plain
from .words import say

STRIP = 8  # pictures of a class that are shown
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


class ClassCards:
    """The cards, the webcam that they share, and the button that turns them into data."""

    def __init__(self, owner: gr.BrowserState) -> None:
        self.owner = owner
        self.draft = gr.BrowserState("", storage_key="hftransfer.draft", secret="hftransfer")
        self.version = gr.Number(0, visible=False)  # of what the cards show: a new one draws them anew
        self.trouble = gr.HTML("", elem_id="cards-trouble")
        self.room = gr.Column()
        with gr.Row():
            self.more = gr.Button(label("cards.add"), size="md", elem_id="add-class")
            self.use = gr.Button(label("cards.use"), size="md", variant="primary", elem_id="use-cards")
        with gr.Column(visible=False, elem_id="webcam") as self.camera:
            self.target = gr.Textbox(visible=False)
            self.heading = gr.HTML()
            self.image = gr.Image(sources=["webcam"], show_label=False, height=280, buttons=[])
            self.image.preprocess = _path  # type: ignore[method-assign]
            self.close = gr.Button(label("cards.close"), size="sm")

    @property
    def state(self) -> list[Any]:
        return [self.version, self.trouble]

    def wire(self, tab: gr.Tab) -> None:
        """Connect the events; `tab` is what opens the cards."""
        asked = [self.draft, self.owner]
        tab.select(begin, asked, [self.draft, self.version], js=WITH_OWNER, **PRIVATE)
        self.more.click(_changing(drafts.add), asked, self.state, api_name="add_class", **PRIVATE)
        shot = [self.image, self.target, self.draft, self.owner]
        self.image.input(captured, shot, [self.image, *self.state], api_name="capture", **PRIVATE)
        self.close.click(lambda: (gr.Column(visible=False), None), None, [self.camera, self.image], **PRIVATE)
        with self.room:
            gr.render(inputs=asked, triggers=[self.version.change])(self._draw)

    def _draw(self, draft: str, secret: str | None) -> None:
        """The cards of a draft, as components with events of their own."""
        owner = owner_of(secret)
        for card in drafts.cards(owner, draft) if drafts.exists(owner, draft) else ():
            self._card(owner, draft, card)

    def _card(self, owner: str, draft: str, card: drafts.Card) -> None:
        asked = [self.draft, self.owner]
        with gr.Column(elem_classes="hft-class"):
            with gr.Row(equal_height=True):
                name = _name(card.name)
                webcam = gr.Button(label("cards.webcam"), size="sm", scale=1, min_width=84)
                remove = gr.Button(label("cards.remove"), size="sm", scale=1, min_width=84)
            gr.HTML(_strip(owner, draft, card))
            files = gr.File(label=label("cards.images"), file_count="multiple", file_types=["image"], height=96)
        given = [files, *asked]
        files.upload(partial(uploaded, card.id), given, [files, *self.state], **PRIVATE)
        name.blur(partial(renamed, card.id), [name, *asked], self.trouble, **PRIVATE)
        remove.click(_changing(drafts.remove, card.id), asked, self.state, **PRIVATE)
        webcam.click(partial(_opened, card.id), name, [self.camera, self.target, self.heading], **PRIVATE)


def _name(name: str) -> gr.Textbox:
    return gr.Textbox(
        name,
        label=label("cards.name"),
        show_label=False,
        container=False,
        max_lines=1,
        scale=3,
        min_width=140,
        interactive=True,
    )


def begin(draft: str | None, secret: str | None) -> tuple[Any, Any]:
    """The visitor's draft, or a new one."""
    owner = owner_of(secret)
    kept = draft if draft and drafts.exists(owner, draft) else drafts.begin(owner)
    return kept, _anew()


def _refused(card: str) -> tuple[Any, str]:
    return _anew(), card


@told(lambda card: (None, *_refused(card)))
def uploaded(card: str, files: list[str] | None, draft: str, secret: str | None) -> tuple[Any, ...]:
    """Files for a class."""
    drafts.put(owner_of(secret), draft, card, files or [])
    return None, _anew(), ""


@told(lambda card: (None, *_refused(card)))
def captured(shot: str | None, card: str, draft: str, secret: str | None) -> tuple[Any, ...]:
    """A picture of the webcam for the class that it was opened for."""
    if shot is None:
        return gr.skip(), gr.skip(), gr.skip()
    drafts.put(owner_of(secret), draft, card, [shot])
    return None, _anew(), ""


def renamed(card: str, name: str, draft: str, secret: str | None) -> str:
    try:
        drafts.rename(owner_of(secret), draft, card, name)
    except HFTransferError as error:
        return failure(error)
    return ""


def _changing(change: Callable[..., None], *card: str) -> Callable[..., tuple[Any, str]]:
    """A handler for a change of the cards themselves."""

    @told(_refused)
    def handler(draft: str, secret: str | None) -> tuple[Any, str]:
        change(owner_of(secret), draft, *card)
        return _anew(), ""

    return handler


def _opened(card: str, name: str) -> tuple[Any, ...]:
    heading = f'<p class="hft-hint">{plain(say("cards.capture", name=name))}</p>'
    return gr.Column(visible=True), card, heading


def _anew() -> float:
    """A number unlike the one before."""
    return time.time()


def _strip(owner: str, draft: str, card: drafts.Card) -> str:
    """The newest pictures of a class, and how many there are."""
    count = len(card.files)
    words = say("cards.empty") if not count else say("cards.one") if count == 1 else say("cards.many", count=count)
    shown = "".join(
        f'<img src="{plain(pictures.of_draft(owner, draft, card.id, name))}" alt="" loading="lazy" decoding="async">'
        for name in card.files[: -STRIP - 1 : -1]
    )
    return f'<div class="hft-strip">{shown}</div><p class="hft-hint">{plain(words)}</p>'


def _path(payload: ImageData | None) -> str | None:
    """The file alone: a worker decodes it, and says in words what is wrong with it."""
    return None if payload is None else payload.path
