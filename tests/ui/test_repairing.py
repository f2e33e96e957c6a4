"""What a copy lacks is shown, folded: whatever is in the data's names is text there."""

from __future__ import annotations

from hftransfer.ui.data import repairing


def lost(count: int, *places: str) -> str:
    rows = [{"place": place, "code": "missing-label", "reason": "no label"} for place in places]
    return repairing.done({"repaired": [], "left_out": {"count": count, "first": rows}})


def test_the_first_rows_and_how_many_more() -> None:
    shown = lost(25, *(f"days.csv:{number}" for number in range(20)))
    assert shown.count("<li>") == 20 and "days.csv:19" in shown
    assert "Rows left out of this copy: 25" in shown and "and 5 more" in shown


def test_names_are_text() -> None:
    shown = lost(1, "<img src=x onerror=alert(1)>.csv:3")
    assert "<img" not in shown and "&lt;img" in shown and "more" not in shown


def test_nothing_is_said_where_nothing_is_lacking() -> None:
    assert lost(0) == "" and repairing.done({}) == ""
