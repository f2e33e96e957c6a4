"""Loading: with no head, with another head, of the wrong kind, or not there."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import datasets
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import TimmWrapperConfig, TimmWrapperForImageClassification, TimmWrapperImageProcessor

from hftransfer.errors import BackboneError, RecipeError
from hftransfer.models import load_backbone
from hftransfer.models.sizes import fit_image_size
from hftransfer.recipe import Recipe
from hftransfer.tasks import get_task
from tests.tiny import convolutional_backbone, image_backbone, text_backbone

TEXT, IMAGE = get_task("text-classification"), get_task("image-classification")
LABELS = ("cat", "dog", "eel")


def load(folder: Path | str, task=TEXT, labels=LABELS, **choices):
    return load_backbone(task, labels, Recipe(backbone=str(folder), **choices))


@pytest.mark.parametrize(
    ("make", "task"), [(text_backbone, TEXT), (image_backbone, IMAGE), (convolutional_backbone, IMAGE)]
)
def test_a_checkpoint_without_a_head_gets_one_in_silence(make, task, tmp_path: Path, capfd) -> None:
    make(tmp_path)
    capfd.readouterr()
    backbone = load(tmp_path, task)
    config = backbone.model.config
    assert config.id2label == dict(enumerate(LABELS)) and config.label2id["eel"] == 2
    assert config.problem_type == "single_label_classification"
    assert not backbone.model.training
    assert capfd.readouterr() == ("", "")


def test_another_head_is_replaced(tmp_path: Path) -> None:
    load(text_backbone(tmp_path / "a")).model.save_pretrained(tmp_path / "b")
    shutil.copytree(
        tmp_path / "a",
        tmp_path / "b",
        ignore=shutil.ignore_patterns("*.safetensors", "config.json"),
        dirs_exist_ok=True,
    )
    backbone = load(tmp_path / "b", labels=("yes", "no"))
    assert backbone.model.classifier.out_features == 2
    original = load_file(tmp_path / "a" / "model.safetensors")
    assert torch.equal(
        backbone.model.bert.embeddings.word_embeddings.weight, original["embeddings.word_embeddings.weight"]
    )


def test_the_key_names_the_weights_not_the_fresh_head(tmp_path: Path) -> None:
    text_backbone(tmp_path)
    torch.manual_seed(1)
    one = load(tmp_path)
    torch.manual_seed(2)
    two = load(tmp_path)
    assert one.key == two.key
    assert not torch.equal(one.model.classifier.weight, two.model.classifier.weight)
    weights = load_file(tmp_path / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][5, 0] += 1
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert load(tmp_path).key != one.key


def test_a_backbone_of_the_wrong_modality_is_refused(tmp_path: Path) -> None:
    text_backbone(tmp_path / "t"), image_backbone(tmp_path / "i")
    with pytest.raises(BackboneError, match="no backbone for images"):
        load(tmp_path / "t", IMAGE)
    with pytest.raises(BackboneError, match="no backbone for texts"):
        load(tmp_path / "i", TEXT)


def test_neither_a_folder_nor_the_hub_says_so_and_what_needs_no_download() -> None:
    with pytest.raises(BackboneError) as caught:
        load("somebody/nothing-here")
    assert "neither a folder here nor a model that the Hub answered for" in caught.value.cause
    assert "starter:text, which needs no download" in caught.value.fix


def test_none_is_taken_unasked() -> None:
    """Which one is `choosing`'s to say."""
    with pytest.raises(BackboneError, match="no backbone is named"):
        load_backbone(get_task("text-classification"), ("a", "b"), Recipe())


def test_an_unknown_starter_names_the_one_that_there_is() -> None:
    with pytest.raises(BackboneError, match="there is no 'starter:foo'") as caught:
        load("starter:foo", IMAGE)
    assert "starter:image" in caught.value.fix
    with pytest.raises(BackboneError, match="no backbone for images") as caught:
        load("starter:text", IMAGE)
    assert "starter:image" in caught.value.fix


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneError) as caught:
        load(tmp_path)
    assert caught.value.place == str(tmp_path)


@pytest.mark.parametrize("part", ["layer.1", "word_embeddings", "layer.0.output.LayerNorm.bias"])
def test_missing_weights_are_refused(part: str, tmp_path: Path) -> None:
    """Transformers would fill them with noise, and training would start from nothing."""
    text_backbone(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if part not in name}
    assert len(kept) < len(weights)
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BackboneError, match="missing from its checkpoint"):
        load(tmp_path)


def change(folder: Path, name: str, **values: object) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    text_backbone(tmp_path)
    change(tmp_path, "config.json", intermediate_size=48)
    with pytest.raises(BackboneError, match="of another shape"):
        load(tmp_path)


def test_the_key_names_config_and_tokenizer_too(tmp_path: Path) -> None:
    """The same weights under another activation, or another tokenizer, make other features."""
    key = load(text_backbone(tmp_path)).key
    assert load(tmp_path, labels=("x", "y")).key == key
    change(tmp_path, "config.json", hidden_act="relu")
    relu = load(tmp_path).key
    change(tmp_path, "tokenizer_config.json", do_lower_case=False)
    assert len({key, relu, load(tmp_path).key}) == 3


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path, capfd) -> None:
    text_backbone(tmp_path)
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Config: ...\n")
    change(tmp_path, "config.json", model_type="evil", auto_map={"AutoConfig": "evil.Config"})
    capfd.readouterr()
    with pytest.raises(BackboneError):
        load(tmp_path)
    assert not (tmp_path / "ran").exists()
    assert capfd.readouterr().out == ""


def test_a_tokenizer_that_knows_no_word_is_refused(tmp_path: Path) -> None:
    text_backbone(tmp_path)
    for path in tmp_path.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(BackboneError, match="knows no word"):
        load(tmp_path)


@pytest.mark.parametrize("architecture", ["resnet18", "vgg11"])
def test_timm_models_load_through_the_wrapper(architecture: str, tmp_path: Path) -> None:
    config = TimmWrapperConfig(architecture=architecture, num_labels=5, do_pooling=True)
    config.pretrained_cfg = {
        "input_size": [3, 64, 64],
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bicubic",
        "crop_pct": 1.0,
    }
    TimmWrapperForImageClassification(config).save_pretrained(tmp_path)
    TimmWrapperImageProcessor(pretrained_cfg=config.pretrained_cfg).save_pretrained(tmp_path)
    backbone = load(tmp_path, IMAGE)
    with torch.inference_mode():
        logits = backbone.model(pixel_values=torch.rand(2, 3, 64, 64)).logits
    assert logits.shape == (2, 3)
    with pytest.raises(RecipeError, match="cannot be set"):
        fit_image_size(backbone, datasets.Dataset.from_dict({"image": []}), Recipe(image_size=32))


def test_texts_are_cut_where_positions_end(tmp_path: Path) -> None:
    backbone = load(text_backbone(tmp_path))
    assert backbone.processor.model_max_length == 32
    assert load(tmp_path, max_length=8).processor.model_max_length == 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(backbone.processor("a " * 100, truncation=True)["input_ids"]) == 32
