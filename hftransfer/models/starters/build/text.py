"""The text starter: a small BERT distilled from a sentence encoder, from texts without their labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import BertModel, BertTokenizer

from ....recipe import Recipe
from ...device import keep_memory, pick_precision
from ...loading import quiet
from .corpus import read_texts, vary
from .saving import Checkpoint, Tell, save_starter
from .text_distillation import Course, Lesson, Pupil, shard_batches
from .text_student import Size, grow
from .text_teacher import DEPTHS, Shard, Teacher, load_teacher, make_shard, read_shard, write_shard
from .vocabulary import cut_tokenizer, pick_pieces, whole_words

TEXTS_IN_SHARD = 4096
LOOKED_AT = 600  # texts whose states tell the principal directions


@dataclass(frozen=True)
class Scale:
    """How large a student, taught for how long; shards hold `texts` texts each."""

    size: Size = Size()
    course: Course = Course()
    texts: int = TEXTS_IN_SHARD


@dataclass(frozen=True)
class School:
    """What a run needs, all of it a function of the arguments: run again, it is the same."""

    teacher: Teacher
    texts: Sequence[str]
    words: Sequence[str]
    tokenizer: BertTokenizer
    folder: Path
    seed: int

    def shard(self, number: int, count: int) -> Shard:
        """The shard of `count` texts with that number, from the disk where it was made before."""
        file = self.folder / f"shard_{number:04d}.npz"
        if not file.exists():
            texts = vary(self.texts, self.words, count, self.seed * 1_000_003 + number)
            write_shard(make_shard(self.teacher, self.tokenizer, texts), file)
        return read_shard(file)


def build(
    sources: Sequence[Path],
    teacher: str | Path,
    output: Path,
    *,
    work: Path,
    minutes: float | None = None,
    seed: int = 0,
    tell: Tell,
    scale: Scale = Scale(),
) -> Path:
    """Distil `teacher` into a small BERT, saved in fp16 with its tokenizer; a README.md there stays.

    Args:
        sources: files or folders of texts; tables as PATH:COLUMN or PATH:COLUMN,COLUMN,
            columns by number from 0 or by their name in a header (`corpus.read_texts`).
        teacher: a folder or id of a BERT sentence encoder with a WordPiece tokenizer.
        work: holds the teacher's answers (190 MB a shard: 15 GB in a whole course) and the
            last checkpoint. Run again with the same arguments, and it goes on where it was.
        minutes: the time for all runs together; None goes through the whole course.

    Returns:
        `output`.

    Raises:
        SourceMissing, ColumnError, SourceError: the texts cannot be read.
    """
    torch.manual_seed(seed)
    keep_memory()
    texts = read_texts(sources)
    tell(f"text: {len(texts)} texts, none of their labels")
    with quiet():
        dtype = pick_precision(Recipe(), torch.device("cpu"))
        school, student = _open(load_teacher(teacher, dtype), texts, scale, work, seed)
        course = replace(scale.course, minutes=minutes)
        sample = school.shard(0, scale.texts)
        pupil = Pupil(student, sample, dtype)
        pupil.settle(shard_batches(sample, course.tokens, seed))
        # Minutes may be given later: they are no part of what the checkpoint is of.
        lesson = Lesson(pupil, course, Checkpoint(school.folder / "text.pt", scale.course), seed)
        lesson.go_on(lambda number: school.shard(number, scale.texts), tell)
        save_starter(student, school.tokenizer, output)
    tell(f"text: saved to {output}, {(output / 'model.safetensors').stat().st_size:,} bytes")
    return output


def _open(teacher: Teacher, texts: Sequence[str], scale: Scale, work: Path, seed: int) -> tuple[School, BertModel]:
    """The vocabulary, and the student before its first lesson."""
    kept = pick_pieces(teacher.tokenizer, texts, scale.size.vocabulary)
    tokenizer = cut_tokenizer(teacher.tokenizer, kept, scale.size.positions)
    student = grow(teacher, kept, texts[:: max(1, len(texts) // LOOKED_AT)], scale.size)
    folder = work / _key(teacher, texts, scale, seed)
    folder.mkdir(parents=True, exist_ok=True)
    return School(teacher, texts, whole_words(tokenizer), tokenizer, folder, seed), student


def _key(teacher: Teacher, texts: Sequence[str], scale: Scale, seed: int) -> str:
    """Other arguments, another folder: what lies there is of no use to them."""
    told = (teacher.key, teacher.dtype, DEPTHS, scale.size, scale.texts, seed, list(texts))
    return "text-" + hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()
