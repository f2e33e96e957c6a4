"""What a run tried, told."""

from __future__ import annotations

from hftransfer.recipe import Recipe, told_of
from hftransfer.results.page import render
from hftransfer.results.tried import attempts

RUN = {
    "tried": [
        {"name": "feature-extraction", "why": "quick", "metric": "accuracy", "value": 0.9, "low": 0.8, "high": 0.95},
        {"name": "full", "why": "<many> rows", "metric": "accuracy", "value": 0.9, "low": 0.8, "high": 1, "seconds": 9}
        | {"taken": True},
        {"name": "lora", "why": "no time", "metric": "accuracy", "seconds": 300.0},
    ]
}


def test_each_is_told_and_the_one_that_was_taken_is_marked() -> None:
    assert [(entry.name, entry.taken) for entry in attempts(RUN)] == [
        ("feature-extraction", False),
        ("full", True),
        ("lora", False),
    ]
    assert attempts(RUN)[1].value == "90.0%" and attempts(RUN)[1].time == "9 s"
    assert (attempts(RUN)[2].value, attempts(RUN)[2].time) == ("", "")  # not tried: nothing was measured
    assert attempts({}) == []


def test_the_page_tells_it_and_escapes_it() -> None:
    page = render(RUN, {})
    assert "What was tried" in page and "<strong>full</strong>" in page and "&lt;many&gt; rows" in page
    assert "What was tried" not in render({}, {})


def test_what_is_off_is_not_worth_telling_but_what_was_asked_for_is() -> None:
    told = told_of(Recipe(seed=0, test_share=0.0, epochs=3).to_json())
    assert told["seed"] == 0 and told["test_share"] == 0.0 and told["epochs"] == 3
    assert not {"mixup", "balance", "redact", "backbone", "soup"} & set(told)
