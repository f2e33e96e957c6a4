"""Any image or text backbone that Transformers' Auto classes load, with a head for new labels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from huggingface_hub.utils import logging as hub_logging
from safetensors import SafetensorError
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import logging

from ..errors import BackboneError, HFTransferError, RecipeError
from ..recipe import Recipe
from ..tasks import Task
from ..values import Backbone
from .anatomy import dissect
from .backbones import BY_NAME, commit_of, is_local, is_starter, locate
from .dense import is_dense, loader_of, read_config, with_dense_head, without_dense_head
from .inputs import example

UNLOADABLE = (OSError, ValueError, KeyError, ImportError, RuntimeError, AttributeError, TypeError, SafetensorError)
OURS = ("thresholds", "text_pair")
NOT_THE_BACKBONES = frozenset(
    ("id2label", "label2id", "problem_type", *OURS) + ("_name_or_path", "architectures", "transformers_version")
)


def load_backbone(task: Task, labels: Sequence[str], recipe: Recipe, *, known: int = 0) -> Backbone:
    """The backbone that the recipe names, with a head for `labels`, in fp32 and eval mode.

    A checkpoint without a head, or with a head for other labels, gets a fresh one;
    everything else must come from the checkpoint.

    Args:
        known: how many of `labels`, the first ones, the checkpoint's own head has in that
            order: those rows are kept, and further ones added that say nothing yet.

    Raises:
        BackboneError: none is named, it cannot be found, is of the wrong modality, or
            its weights do not fit it.
        RecipeError: a dense head is asked for, where the head to go on from is another.
    """
    name = recipe.backbone
    if not name:
        raise BackboneError("no backbone is named", place="backbone", fix=f"name starter:{task.modality.name}, say")
    place = locate(name)
    with quiet(), explained(name, task):
        source = {"revision": recipe.revision, "local_files_only": is_local(place, task.modality.name, recipe.revision)}
        config = _configure(read_config(place, **source), task, labels)
        auto = loader_of(task, config)
        model, info = auto.from_pretrained(
            place,
            config=config,
            trust_remote_code=False,
            dtype="float32",
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **of_weights(source),
        )
        processor = load_processor(task, place, model.config, recipe, **source)
    revision = commit_of(place, recipe.revision) or recipe.revision
    fresh = {*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])}
    key = fingerprint(model, processor, fresh)
    backbone = Backbone(name, revision, task.modality.name, model.eval(), processor, key, known)
    _require_weights(backbone, fresh)
    if 0 < known < len(labels):
        with quiet(), explained(name, task):
            old = auto.from_pretrained(
                place,
                config=read_config(place, **source),
                trust_remote_code=False,
                dtype="float32",
                **of_weights(source),
            )
        _keep_rows(backbone, old, known)
    return _with_head(backbone, recipe)


def _with_head(backbone: Backbone, recipe: Recipe) -> Backbone:
    """With a head of the kind that the recipe asks for; one that is gone on from stays as it is.

    Raises:
        RecipeError: a dense head is asked for, where the head to go on from is another.
    """
    dense, wanted = is_dense(backbone.model.config), recipe.head == "dense"
    if backbone.known:
        if wanted and not dense:
            cause = f"the labels are those of '{backbone.name}', whose linear head is gone on from"
            raise RecipeError(cause, place="--head", fix="leave it out, or choose another backbone")
        return backbone
    if dense:
        model, fresh = without_dense_head(backbone.model), f"{backbone.model.config.dense_head['name']}."
        key = fingerprint(model, backbone.processor, [name for name in model.state_dict() if name.startswith(fresh)])
        backbone = replace(backbone, model=model, key=key)
    if wanted:
        head = dissect(backbone.model, example(backbone), backbone.name).head
        backbone = replace(backbone, model=with_dense_head(backbone.model, head, recipe.dropout))
    return backbone


def _keep_rows(backbone: Backbone, old: PreTrainedModel, known: int) -> None:
    """The old head's rows, and for further labels rows that say nothing yet."""
    name = dissect(backbone.model, example(backbone), backbone.name).logits
    head, before = backbone.model.get_submodule(name), old.get_submodule(name)
    with torch.no_grad():
        for parameter in ("weight", "bias"):
            kept, new = getattr(before, parameter), getattr(head, parameter)
            new.zero_()
            new[:known] = kept[:known]


def of_weights(source: Mapping[str, Any]) -> dict[str, Any]:
    """Where a model is found, for `from_pretrained`: it looks for adapters beside it too, and asks the Hub about them
    even where it is to ask for nothing else."""
    return {**source, "adapter_kwargs": {"local_files_only": source["local_files_only"]}}


def reload_weights(model: PreTrainedModel, folder: Path) -> None:
    """Put the weights that the same model was saved with back into it, in place.

    Files may name weights otherwise than the model does (a ViT's do): `load_state_dict`
    with what is in them would pass over those, without a word where it isn't strict.
    """
    with quiet():
        saved = type(model).from_pretrained(folder, config=model.config, dtype=model.dtype, trust_remote_code=False)
    model.load_state_dict(saved.state_dict())


def reload_model(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The model of the same kind that was saved in a folder: of other depth, perhaps."""
    with quiet():
        saved = type(model).from_pretrained(folder, dtype=model.dtype, trust_remote_code=False)
    torch.nn.Module.to(saved, model.device)
    return saved.eval()


@contextmanager
def quiet() -> Iterator[None]:
    """Transformers and Datasets without reports and bars: events tell what there is to tell."""
    verbosity, bars, maps = logging.get_verbosity(), logging.is_progress_bar_enabled(), are_progress_bars_disabled()
    hub = hub_logging.get_verbosity()
    logging.set_verbosity_error()
    hub_logging.set_verbosity_error()
    logging.disable_progress_bar()
    disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        hub_logging.set_verbosity(hub)
        if bars:
            logging.enable_progress_bar()
        if not maps:
            enable_progress_bars()


@contextmanager
def explained(name: str, task: Task) -> Iterator[None]:
    """Turn what Transformers raises while loading into one clear error."""
    try:
        yield
    except HFTransferError:
        raise
    except UNLOADABLE as error:
        raise _explain(name, task, error) from error


def _explain(name: str, task: Task, error: Exception) -> BackboneError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    kind = task.modality.name
    if is_starter(name) and name not in BY_NAME:
        return BackboneError(f"there is no '{name}'", place="--backbone", fix=f"starter:{kind} comes with hftransfer")
    if "Unrecognized configuration class" in first:
        wrong = f"'{name}' is no backbone for {kind}s"
        return BackboneError(wrong, place="--backbone", fix=f"choose one for {kind}s: starter:{kind}, for example")
    if Path(name).is_dir():
        return BackboneError(
            f"the folder holds no usable {kind} model: {first}", place=name, fix="give a Transformers checkpoint"
        )
    return BackboneError(
        f"'{name}' is neither a folder here nor a model that the Hub answered for: {first}",
        place="--backbone",
        fix=f"give a folder that holds a model, an id of the Hub, or starter:{kind}, which needs no download",
    )


def _configure(config: PretrainedConfig, task: Task, labels: Sequence[str]) -> PretrainedConfig:
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    for name in OURS:  # of what the checkpoint was for; the data says whether it holds now
        if hasattr(config, name):
            delattr(config, name)
    kind = task.target.problem_type or None
    setattr(config, "problem_type", kind)  # noqa: B010 (a plain str, where a Literal is asked for)
    return config


def load_processor(task: Task, place: str, config: PretrainedConfig, recipe: Recipe, **source: Any) -> Any:
    """The checkpoint's own processor, ready for the task; `source` goes to `from_pretrained`.

    Raises:
        BackboneError: a tokenizer without a vocabulary.
    """
    auto = getattr(transformers, task.modality.auto_processor)
    processor = auto.from_pretrained(place, trust_remote_code=False, **source)
    prepare = PREPARE.get(task.modality.name)
    if prepare:
        prepare(processor, config, recipe)
    return processor


def _prepare_tokenizer(tokenizer: Any, config: PretrainedConfig, recipe: Recipe) -> None:
    """Cut texts at what the positions allow, or earlier if asked; give GPT-like models a pad token."""
    if not set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens):
        raise BackboneError(
            "the tokenizer's files are missing: it knows no word",
            place=str(tokenizer.name_or_path),
            fix="give a checkpoint with its tokenizer.json or vocabulary",
        )
    positions = getattr(config, "max_position_embeddings", None) or 512
    kind = getattr(config, "inner_model_type", config.model_type)
    taken = (config.pad_token_id or 0) + 1 if "roberta" in kind else 0  # theirs start there
    limit = min(tokenizer.model_max_length, positions - taken)
    tokenizer.model_max_length = min(limit, recipe.max_length or limit)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if config.pad_token_id is None:
        config.pad_token_id = tokenizer.pad_token_id


PREPARE: dict[str, Callable[[Any, PretrainedConfig, Recipe], None]] = {"text": _prepare_tokenizer}


def _require_weights(backbone: Backbone, fresh: Collection[str]) -> None:
    """A fresh head is fine, a fresh part of the backbone is not: it would train from noise unnoticed."""
    anatomy = dissect(backbone.model, example(backbone), backbone.name)
    ours = tuple(f"{name}." for name in anatomy.trained)
    body = f"{backbone.model.base_model_prefix}."
    gone = [key for key in fresh if key.startswith(body) and not key.startswith(ours)]
    gone = sorted(key for key in gone if "pooler" not in key and not key.endswith("num_batches_tracked"))
    if gone:
        raise BackboneError(
            f"{len(gone)} weights of '{backbone.name}' are missing from its checkpoint, or of another shape",
            place=gone[0],
            fix="give a whole checkpoint that fits its config.json",
        )


def fingerprint(model: PreTrainedModel, processor: Any, fresh: Collection[str]) -> str:
    """A hash of what came from the checkpoint: weights, config, tokenizer. Cached features depend on it."""
    digest = hashlib.blake2b(digest_size=16)
    config = {name: value for name, value in model.config.to_diff_dict().items() if name not in NOT_THE_BACKBONES}
    digest.update(repr(sorted(config.items(), key=lambda item: item[0])).encode())
    if hasattr(processor, "backend_tokenizer"):
        digest.update(processor.backend_tokenizer.to_str().encode())
    for key, tensor in model.state_dict().items():
        if key not in fresh:
            digest.update(f"{key}{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).numpy().tobytes())
    return digest.hexdigest()
