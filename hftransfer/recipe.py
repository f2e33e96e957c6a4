"""Every choice and its default, once: the shell's options, the studio's form and
`recipe.json` are all made from this class."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .errors import RecipeError
from .tasks import get_task


def choice(default: Any, help: str, *, group: str, **more: Any) -> Any:
    """A field that carries its help.

    `more` may hold choices, low, high; `empty`, what None means; `only`, the modality that it is for; and `shell`,
    what the shell's help adds.
    """
    return field(default=default, metadata={"help": help, "group": group, **more})


STRATEGIES = {  # with what each does, for the shell's help
    "auto": "what suits the data is tried, and the best on validation kept",
    "feature-extraction": "the backbone stands still, a head is solved on its features",
    "full": "everything learns",
    "gradual-unfreezing": "the head first, then layer by layer from the top",
    "lora": "small adapters learn, and are merged",
    "lp-ft": "feature-extraction first, then full from there",
    "contrastive": "for few rows: those of a class are drawn together, then a head is solved",
    "l2-sp": "full, held near the weights that it began with",
    "label-mapping": "the backbone's own classes stand for the data's, and nothing learns",
}


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune. None means: measured or derived when it is needed.

    Raises:
        RecipeError: a value is out of its bounds, or not one of its choices.
    """

    task: str | None = choice(None, "The task; found from the data where it can be.", group="data")
    text_column: str | None = choice(None, "The column that holds the texts.", group="data")
    text_pair_column: str | None = choice(None, "The column of the second texts, where they are pairs.", group="data")
    image_column: str | None = choice(None, "The column that holds the images' paths.", group="data")
    label_column: str | tuple[str, ...] | None = choice(
        None,
        "The column that holds the labels; several of 0 and 1, or of numbers.",
        group="data",
        many=True,
        shell="Again for each of several.",
    )
    redact: bool = choice(
        False,
        "Read e-mail addresses, phone and card numbers in texts as [email], [phone] and [card].",
        group="data",
    )
    validation: str | None = choice(None, "A source for validation, instead of a part of train.", group="data")
    test: str | None = choice(None, "A source for the test, instead of a part of train.", group="data")
    validation_share: float = choice(
        0.15, "The part of train set aside for validation where none is given.", group="data", low=0.01, high=0.5
    )
    test_share: float = choice(
        0.15, "The part set aside for the test where none is given; 0 for none.", group="data", low=0.0, high=0.5
    )
    backbone: str | None = choice(
        None,
        "A pretrained model: a folder, a Hub id, or starter:image or starter:text.",
        group="model",
        empty="derived",
    )
    revision: str | None = choice(None, "The backbone's revision on the Hub.", group="model")
    strategy: str = choice(
        "auto",
        "How to transfer.",
        group="model",
        choices=tuple(STRATEGIES),
        shell="; ".join(f"{name}: {does}" for name, does in STRATEGIES.items()) + ".",
    )
    image_size: int | None = choice(
        None,
        "The images' side in pixels; by default no larger than the data asks for.",
        group="model",
        only="image",
        low=16,
        high=2048,
    )
    max_length: int | None = choice(
        None,
        "The texts' length in tokens; by default what the backbone takes.",
        group="model",
        only="text",
        low=4,
        high=65536,
    )
    head: str = choice(
        "linear",
        "The new head: linear, or dense (Dense-ReLU-Dropout, which hftransfer alone can load).",
        group="model",
        choices=("linear", "dense"),
    )
    start: str = choice(
        "probe",
        "What the head of a tuned model starts from: a probe, the backbone's own classes, or chance.",
        group="model",
        choices=("probe", "label-mapping", "random"),
    )
    generate: int | None = choice(
        None,
        "Rows that each class is to have at least: the missing ones are drawn as features, for a solved head alone.",
        group="overfitting",
        empty="off",
        low=1,
        high=100000,
    )
    pseudo_label: str | None = choice(
        None,
        "A source of unlabelled examples: those that a probe is sure of join train.",
        group="overfitting",
        empty="off",
    )
    confidence: float = choice(
        0.95,
        "How sure a probe must be of an example without a label.",
        group="overfitting",
        low=0.5,
        high=1.0,
        shell="For --pseudo-label.",
    )
    balance: str = choice(
        "none",
        "Against unequal classes: weigh rows, or draw rare ones more often or common ones less.",
        group="overfitting",
        choices=("none", "weights", "over", "under"),
    )
    augmentation: str = choice(
        "auto",
        "How training images are changed; by default by what they show.",
        group="overfitting",
        only="image",
        choices=("auto", "none", "mild", "photo", "document", "classic"),
    )
    mixup: float = choice(
        0.0,
        "How far pairs of images are blended (the alpha of mixup); 0 for not.",
        group="overfitting",
        only="image",
        low=0.0,
        high=10.0,
    )
    cutmix: float = choice(
        0.0,
        "How far parts of images are swapped (the alpha of CutMix); 0 for not.",
        group="overfitting",
        only="image",
        low=0.0,
        high=10.0,
    )
    label_smoothing: float = choice(
        0.0,
        "The part of a label that is spread over all the others, where a model is tuned.",
        group="overfitting",
        low=0.0,
        high=0.9,
    )
    dropout: float | None = choice(
        None,
        "The part of the activations that is dropped in training.",
        group="overfitting",
        empty="derived",
        low=0.0,
        high=0.9,
    )
    l1: float = choice(
        0.0,
        "The strength of a penalty on the weights' absolute sizes, such as 0.000001.",
        group="overfitting",
        low=0.0,
        high=10.0,
    )
    optimizer: str = choice(
        "adamw", "adamw, sgd (with momentum), or another name of Transformers' Trainer.", group="training"
    )
    soup: str = choice(
        "none",
        "Average a run's checkpoints: the better half of them, or those that validation gains by.",
        group="overfitting",
        choices=("none", "uniform", "greedy"),
    )
    folds: int | None = choice(
        None,
        "Parts for a cross-validation of a probe, beside the usual figures.",
        group="search",
        empty="off",
        low=2,
        high=100,
    )
    tune: int | None = choice(
        None, "Trials of a search over the choices that matter most.", group="search", empty="off", low=1, high=10000
    )
    epochs: float | None = choice(
        None, "Passes over the training rows.", group="training", empty="derived", low=0.01, high=10000
    )
    batch_size: int = choice(32, "Rows a step.", group="training", low=1, high=65536)
    learning_rate: float | None = choice(
        None,
        "The peak learning rate; by default that of the backbone's family, checked in a few steps.",
        group="training",
        low=1e-9,
        high=10.0,
    )
    weight_decay: float = choice(
        0.01, "Decay of the weights, not of biases and norms.", group="overfitting", low=0.0, high=10.0
    )
    warmup: float = choice(0.1, "The part of the steps that the rate rises for.", group="training", low=0.0, high=1.0)
    patience: int = choice(
        3, "Evaluations without a gain before training stops.", group="overfitting", low=1, high=10000
    )
    budget: str | None = choice(
        None, "Time to spend on features and training, such as 90s, 10m or 2h.", group="search", empty="unlimited"
    )
    precision: str = choice(
        "auto", "Arithmetic while training.", group="machine", choices=("auto", "fp32", "bf16", "fp16")
    )
    device: str | None = choice(None, "Such as cpu, cuda or mps; by default the best there is.", group="machine")
    seed: int = choice(42, "The seed of everything random.", group="machine", low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.metadata.get("many"):
                object.__setattr__(self, entry.name, _single(getattr(self, entry.name)))
            _check(entry.name, getattr(self, entry.name), str(entry.type), entry.metadata)
        if self.task is not None:
            get_task(self.task)
        if self.budget is not None:
            seconds(self.budget)

    def with_(self, **changes: Any) -> Recipe:
        """A copy with other choices."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, place: str = "") -> Recipe:
        """A recipe of named choices, which stand in the file `place` if one is given.

        Raises:
            RecipeError: a name is no choice, or a value is out of its bounds.
        """
        known = {entry.name for entry in fields(cls)}
        plain = {str(name).replace("-", "_"): value for name, value in values.items()}
        unknown = sorted(set(plain) - known)
        if unknown:
            names = ", ".join(sorted(known))
            raise RecipeError(f"unknown choice '{unknown[0]}'", place=place or "recipe", fix=f"choices are: {names}")
        try:
            return cls(**plain)
        except RecipeError as error:
            where = f"{place}: {error.place.removeprefix('--')}" if place else error.place
            raise RecipeError(error.cause, place=where, fix=error.fix) from None

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe from a JSON, TOML or YAML file.

        Raises:
            RecipeError: the file is missing, malformed, or names an unknown choice.
        """
        return cls.from_mapping(_read(Path(path)), place=str(path))


_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


def chosen_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of a recipe's values differs from the defaults: all that it takes to write it down."""
    defaults = Recipe().to_json()
    return {name: value for name, value in values.items() if value != defaults.get(name)}


def told_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of a recipe's values is worth reading: all but what nobody asked for, and is off or not given."""
    off = {name: value for name, value in Recipe().to_json().items() if value in (None, "none", False, 0.0)}
    return {name: value for name, value in values.items() if value is not None and (name, value) not in off.items()}


def _single(value: Any) -> Any:
    """Of several values a tuple; one alone is itself, and none is None."""
    if not isinstance(value, (list, tuple)):
        return value
    distinct = tuple(part for place, part in enumerate(value) if part not in value[:place])
    return distinct if len(distinct) > 1 else next(iter(distinct), None)


def _check(name: str, value: Any, annotation: str, rules: Mapping[str, Any]) -> None:
    place = "--" + name.replace("_", "-")
    if value is None and "None" in annotation:
        return
    if rules.get("many") and isinstance(value, tuple):
        for part in value:
            _check(name, part, "str", {})
        return
    kinds = _KINDS[annotation.split(" ")[0]]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = {"str": "text", "int": "whole number", "float": "number", "bool": "yes or no"}[
            annotation.split(" ")[0]
        ]
        raise RecipeError(f"{name} is {value!r}, which is no {wanted}", place=place, fix=f"give a {wanted}")
    allowed = rules.get("choices")
    if allowed and value not in allowed:
        raise RecipeError(f"{name} is '{value}'", place=place, fix=f"choose one of: {', '.join(allowed)}")
    if "low" in rules and not rules["low"] <= value <= rules["high"]:
        raise RecipeError(f"{name} is {value}", place=place, fix=f"choose from {rules['low']} to {rules['high']}")


def seconds(text: str) -> float:
    """`90s`, `10m`, `2h` or plain seconds, as a number of seconds.

    Raises:
        RecipeError: the text is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match or float(match[1]) == 0:
        raise RecipeError(f"'{text}' is no length of time", place="--budget", fix="write it as 90s, 10m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = _parse(text, path.suffix.lower())
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"cannot read the recipe: {error}", place=str(path), fix="give a JSON, TOML or YAML file"
        ) from error
    if not isinstance(values, Mapping):
        raise RecipeError("the recipe is not a table of choices", place=str(path), fix="write it as name: value")
    return values


def _parse(text: str, suffix: str) -> Any:
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix in (".yaml", ".yml"):
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(str(error)) from error
    return json.loads(text)
