"""The form: what it lets a visitor name, on one's own machine and elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from hftransfer.errors import RecipeError
from hftransfer.recipe import Recipe
from hftransfer.ui import boundaries, pieces
from hftransfer.ui.train import form


def filled(backbone: str) -> list[str]:
    return [backbone if entry.name == "backbone" else "" for entry in form.shown()]


@pytest.mark.parametrize("name", ["google/vit-base-patch16-224", "bert-base-uncased", "timm/resnet50.a1_in1k"])
@pytest.mark.parametrize("folders", [True, False])
def test_ids_on_the_hub_are_taken_everywhere(name: str, folders: bool) -> None:
    assert form.recipe(filled(name), folders=folders).backbone == name


def test_a_folder_is_taken_on_ones_own_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    for name in (str(tmp_path), "owner/name", "owner"):
        assert form.recipe(filled(name), folders=True).backbone == name
        with pytest.raises(RecipeError, match="no backbone that can be used here"):
            form.recipe(filled(name))


@pytest.mark.parametrize("name", ["x" * 300, "/etc/nothing", "~/models", "../models", "a/b/c", "a b"])
@pytest.mark.parametrize("folders", [True, False])
def test_what_is_neither_is_refused_in_words(name: str, folders: bool) -> None:
    with pytest.raises(RecipeError) as refused:
        form.recipe(filled(name), folders=folders)
    assert "owner/name" in refused.value.fix
    assert "<dd>Backbone</dd>" in pieces.failure(refused.value)


def test_an_error_speaks_of_the_form_and_not_of_the_shell() -> None:
    values = ["many" if entry.name == "batch_size" else "" for entry in form.shown()]
    with pytest.raises(RecipeError) as refused:
        form.recipe(values)
    assert "<dd>Batch size</dd>" in pieces.failure(refused.value)
    assert form.recipe(values, only=("backbone",)) == Recipe()
    told = pieces.failure(RecipeError("lora has no use for --soup", place="--l1", fix="give --label-columns or --to"))
    assert "use for Soup" in told and "<dd>L1</dd>" in told and "Give --label-columns or --to" in told


def test_the_fields_of_other_data_are_not_seen() -> None:
    names = [entry.name for entry in form.for_some(form.shown())]
    for task, unseen in (
        ("text-classification", {"image_size", "augmentation", "mixup", "cutmix"}),
        ("image-regression", {"max_length"}),
        ("", set()),
    ):
        seen = dict(zip(names, form.fitting(task), strict=True))
        assert {name for name, update in seen.items() if not update["visible"]} == unseen


def test_only_a_page_for_this_machine_says_that_everything_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "stays on this machine" in pieces.header(local=True)
    assert "stays on this machine" not in pieces.header(local=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert boundaries.is_local("127.0.0.1") and not boundaries.is_local("0.0.0.0")
    monkeypatch.setenv("SPACE_ID", "owner/space")
    assert not boundaries.is_local("127.0.0.1")
