"""Class cards: images sorted into classes on the page, from files and from the webcam."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

from ...errors import HFTransferError
from .. import visitors
from ..labels import label
from ..page import WITH_OWNER, owner_of, told
from ..pieces import failure, plain
from ..words import say
from . import drafts, pictures

EVERY, LONGEST = 0.5, 60  # seconds between two frames of a recording, and of a whole one
MOST = 4 << 20  # letters of a frame
STRIP = 8  # pictures of a class that are shown
RECORDING = 16  # visitors at once, of Gradio's forty places
PRIVATE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Handlers of one draw go with it; what Gradio keeps by their name would not.
CARDS: dict[str, Any] = {**PRIVATE, "concurrency_id": "cards", "concurrency_limit": 8}
Use = Callable[[gr.Button, list[Any]], None]


class ClassCards:
    """The cards, the webcam that they share, and the button that turns them into data."""

    def __init__(self, owner: gr.BrowserState) -> None:
        self.owner = owner
        self.draft = gr.BrowserState("", storage_key="hftransfer.draft", secret="hftransfer")
        self.version = gr.Number(0, visible=False)  # of what the cards show: a new one draws them anew
        self.trouble = gr.HTML("", elem_id="cards-trouble")
        self.room = gr.Column()
        self.target = gr.Textbox(visible=False)  # the class that the webcam is open for
        self.camera = gr.Column(elem_id="webcam")

    @property
    def state(self) -> list[Any]:
        return [self.version, self.trouble]

    def wire(self, tab: gr.Tab, used: Use) -> None:
        """Connect the events.

        Args:
            tab: what opens the cards.
            used: connects the button that makes data of them, which takes the draft, the names and the owner.
        """
        self._used = used
        asked = [self.draft, self.owner]
        opened = [self.owner, self.draft, *self.state]
        tab.select(begin, asked, opened, js=WITH_OWNER, api_name="open_cards", **PRIVATE)
        with self.room:
            gr.render(inputs=asked, triggers=[self.version.change])(self._draw)
        with self.camera:
            gr.render(inputs=[self.target, *asked], triggers=[self.target.change])(self._film)

    def _film(self, card: str, draft: str, secret: str | None) -> None:
        """The webcam, while it is open: a stream in the page from its start would hold a connection for each tab."""
        owner = visitors.owner(secret)
        if not card or not drafts.exists(owner, draft):
            return
        heading = gr.HTML(_recording(owner, draft, card))
        image = gr.Image(sources=["webcam"], streaming=True, show_label=False, height=280, buttons=[])
        image.preprocess = _shot  # type: ignore[method-assign,assignment]
        close = gr.Button(label("cards.close"), size="sm")
        given = [image, self.target, self.draft, self.owner]
        more: dict[str, Any] = {"concurrency_id": "webcam", "concurrency_limit": RECORDING}
        image.stream(
            captured, given, heading, stream_every=EVERY, time_limit=LONGEST, api_name="capture", **PRIVATE, **more
        )
        close.click(lambda: ("", _anew()), None, [self.target, self.version], **CARDS)

    def _draw(self, draft: str, secret: str | None) -> None:
        """The cards of a draft, as components with events of their own."""
        owner = visitors.owner(secret)
        if not drafts.exists(owner, draft):
            return
        names = [self._card(owner, draft, card) for card in drafts.cards(owner, draft)]
        with gr.Row():
            more = gr.Button(label("cards.add"), size="md", elem_id="add-class")
            use = gr.Button(label("cards.use"), size="md", variant="primary", elem_id="use-cards")
        more.click(_changing(drafts.add), [self.draft, self.owner], self.state, api_name="add_class", **CARDS)
        self._used(use, [self.draft, *names, self.owner])  # the names too: the last may not have been sent yet

    def _card(self, owner: str, draft: str, card: drafts.Card) -> gr.Textbox:
        """One class. An upload changes its own strip alone: what is under way or typed elsewhere goes on."""
        asked = [self.draft, self.owner]
        with gr.Column(elem_classes="hft-class"):
            with gr.Row(equal_height=True):
                name = _name(card)
                webcam = gr.Button(label("cards.webcam"), size="sm", scale=1, min_width=84)
                remove = gr.Button(label("cards.remove"), size="sm", scale=1, min_width=84)
            strip = gr.HTML(_strip(owner, draft, card))
            files = gr.File(label=label("cards.images"), file_count="multiple", file_types=["image"], height=96)
        files.upload(partial(uploaded, card.id), [files, *asked], [files, strip, self.trouble], **CARDS)
        name.blur(partial(renamed, card.id), [name, *asked], self.trouble, **CARDS)
        remove.click(_changing(drafts.remove, card.id), asked, self.state, **CARDS)
        webcam.click(lambda: card.id, None, self.target, **CARDS)
        return name


def _name(card: drafts.Card) -> gr.Textbox:
    return gr.Textbox(
        card.name,
        key=f"name-{card.id}",  # what is typed outlasts a redraw
        label=label("cards.name"),
        show_label=False,
        container=False,
        max_lines=1,
        scale=3,
        min_width=140,
        interactive=True,
    )


@told(lambda card: (gr.skip(), gr.skip(), gr.skip(), card))
def begin(draft: str | None, secret: str | None) -> tuple[Any, ...]:
    """The visitor's draft, or a new one; and their secret, which the cards are drawn by."""
    owner = owner_of(secret)
    kept = draft if draft and drafts.exists(owner, draft) else drafts.begin(owner)
    return secret, kept, _anew(), ""


def _refused(card: str) -> tuple[Any, str]:
    return _anew(), card


@told(lambda card: (None, gr.skip(), card))
def uploaded(id: str, files: list[str] | None, draft: str, secret: str | None) -> tuple[Any, ...]:
    """Files for a class."""
    owner = owner_of(secret)
    drafts.put(owner, draft, id, files or [])
    return None, _strip(owner, draft, drafts.card(owner, draft, id)), ""


@told(lambda card: card)
def captured(shot: bytes | None, card: str, draft: str, secret: str | None) -> str:
    """A picture of the webcam for the class that it was opened for: one each time while it records."""
    owner = owner_of(secret)
    if shot is not None:
        drafts.shoot(owner, draft, card, shot)
    return _recording(owner, draft, card)


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


def _recording(owner: str, draft: str, id: str) -> str:
    """Whose pictures are taken, and how many there are."""
    card = drafts.card(owner, draft, id)
    words = f"{say('cards.capture', name=card.name)} · {_many(len(card.files))}"
    return f'<p class="hft-hint" aria-live="polite">{plain(words)}</p>'


def _anew() -> float:
    """A number unlike the one before."""
    return time.time()


def _strip(owner: str, draft: str, card: drafts.Card) -> str:
    """The newest pictures of a class, and how many there are."""
    shown = "".join(
        f'<img src="{plain(pictures.of_draft(owner, draft, card.id, name))}" alt="" loading="lazy" decoding="async">'
        for name in card.files[: -STRIP - 1 : -1]
    )
    return f'<div class="hft-strip">{shown}</div><p class="hft-hint">{plain(_many(len(card.files)))}</p>'


def _many(count: int) -> str:
    return say("cards.empty") if not count else say("cards.one") if count == 1 else say("cards.many", count=count)


def _shot(payload: ImageData | None) -> bytes | None:
    """The JPEG that the browser made of a frame, not decoded here."""
    head, _, content = (payload.url or "" if payload else "").partition(",")
    if head != "data:image/jpeg;base64" or len(content) > MOST:
        return None
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        return None
