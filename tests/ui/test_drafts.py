"""Class cards on disk: whose they are, what they take, and what becomes of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hftransfer.data import load_data
from hftransfer.errors import SourceError
from hftransfer.home import home
from hftransfer.jobs import supervisor
from hftransfer.ui.data import drafts
from tests import tiny

ANN, BOB = supervisor.owner_of("ann"), supervisor.owner_of("bob")


def filled(folder: Path) -> str:
    """A draft of Ann's with four pictures in each of its two classes."""
    draft = drafts.begin(ANN)
    for card, colour in zip(drafts.cards(ANN, draft), tiny.COLOURS, strict=True):
        paths = [folder / f"{colour}{number}.PNG" for number in range(4)]
        for number, path in enumerate(paths):
            path.write_bytes(tiny.picture(colour, number))
        drafts.put(ANN, draft, card.id, [str(path) for path in paths])
        drafts.rename(ANN, draft, card.id, f" {colour}, / 图 ")
    return draft


def test_a_draft_becomes_data_that_no_later_change_touches(tmp_path: Path) -> None:
    draft = filled(tmp_path)
    source = drafts.source(ANN, draft)
    drafts.remove(ANN, draft, drafts.cards(ANN, draft)[0].id)
    data = load_data(source)
    assert data.labels == ("amber, / 图", "indigo, / 图")
    assert sum(data.rows.values()) == 8
    assert len(drafts.cards(ANN, draft)) == 1


@pytest.mark.parametrize("owner", [BOB, "", "../x", "."])
def test_nobody_else_sees_changes_or_uses_a_draft(tmp_path: Path, owner: str) -> None:
    draft = filled(tmp_path)
    card = drafts.cards(ANN, draft)[0]
    for act in (
        lambda: drafts.cards(owner, draft),
        lambda: drafts.source(owner, draft),
        lambda: drafts.add(owner, draft),
        lambda: drafts.remove(owner, draft, card.id),
        lambda: drafts.rename(owner, draft, card.id, "x"),
        lambda: drafts.put(owner, draft, card.id, [str(tmp_path / "amber0.PNG")]),
        lambda: drafts.shoot(owner, draft, card.id, b"x"),
    ):
        with pytest.raises(SourceError, match="no longer here"):
            act()
    assert not drafts.exists(owner, draft) and drafts.picture(owner, draft, card.id, card.files[0]) is None
    assert drafts.cards(ANN, draft)[0] == card


@pytest.mark.parametrize("draft", ["", "..", "../other", "x" * 22, "a/b"])
def test_what_is_no_draft_is_told(draft: str) -> None:
    with pytest.raises(SourceError, match="no longer here"):
        drafts.cards(ANN, draft)


def test_files_that_are_no_images_are_refused_and_none_is_kept(tmp_path: Path) -> None:
    draft = drafts.begin(ANN)
    card = drafts.cards(ANN, draft)[0]
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.svg").write_bytes(b"<svg/>")
    with pytest.raises(SourceError, match=r"'b\.svg' is no image"):
        drafts.put(ANN, draft, card.id, [str(tmp_path / "a.png"), str(tmp_path / "b.svg")])
    assert drafts.cards(ANN, draft)[0].files == ()
    with pytest.raises(SourceError, match="no longer here"):
        drafts.put(ANN, draft, "another", [str(tmp_path / "a.png")])


def test_what_is_missing_is_said_before_anything_is_kept(tmp_path: Path) -> None:
    draft = filled(tmp_path)
    first, second = drafts.cards(ANN, draft)
    drafts.rename(ANN, draft, first.id, second.name)
    with pytest.raises(SourceError, match="Two classes of different names with images"):
        drafts.source(ANN, draft)
    drafts.rename(ANN, draft, first.id, "  ")
    with pytest.raises(SourceError, match="no name"):
        drafts.source(ANN, draft)


def test_changes_at_once_lose_nothing() -> None:
    draft = drafts.begin(ANN)
    card = drafts.cards(ANN, draft)[0]
    with ThreadPoolExecutor(8) as pool:
        for number in range(24):
            pool.submit(drafts.add, ANN, draft)
            pool.submit(drafts.rename, ANN, draft, card.id, f"name {number}")
    there = drafts.cards(ANN, draft)
    assert len(there) == 2 + 24 and there[0].name.startswith("name ")


def test_a_damaged_draft_is_told_and_more_classes_than_can_be_shown_are_refused() -> None:
    draft = drafts.begin(ANN)
    for _ in range(drafts.MOST - 2):
        drafts.add(ANN, draft)
    with pytest.raises(SourceError, match="at most"):
        drafts.add(ANN, draft)
    (home("uploads", ANN) / draft / "classes.json").write_text("[[")
    with pytest.raises(SourceError, match="no longer here"):
        drafts.cards(ANN, draft)
