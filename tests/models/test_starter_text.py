"""Building the text starter: from a teacher of two layers, in seconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, BertModel

from hftransfer.errors import ColumnError, SourceError, SourceMissing
from hftransfer.models.loading import quiet
from hftransfer.models.starters.build.corpus import LONGEST, read_texts, vary
from hftransfer.models.starters.build.text import Scale, build
from hftransfer.models.starters.build.text_distillation import Course, Pupil, shard_batches
from hftransfer.models.starters.build.text_student import Size, grow, turn
from hftransfer.models.starters.build.text_teacher import (
    TOO_LONG,
    batches,
    load_teacher,
    make_shard,
    read_shard,
    slot_means,
    write_shard,
)
from hftransfer.models.starters.build.vocabulary import cut_tokenizer, pick_pieces
from tests.tiny import text_backbone

SCALE = Scale(
    Size(vocabulary=20, width=8, layers=1, intermediate=16, positions=32),
    Course(shards=2, passes=3, tokens=64),
    texts=24,
)
TEXTS = ["the day was lovely happy 1", "the day was sad awful 2 3", "a happy day", "was the day a day", "sad 45"]


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    return text_backbone(tmp_path / "teacher")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    return path


def make(tmp_path: Path, *, output: str = "out", work: str = "work", scale: Scale = SCALE, tell=lambda told: None):
    place = tmp_path / output
    return build([tmp_path / "texts.txt"], tmp_path / "teacher", place, work=tmp_path / work, scale=scale, tell=tell)


def test_what_comes_out_is_a_plain_bert_that_only_wants_a_head(tmp_path: Path, teacher: Path, texts: Path) -> None:
    out = make(tmp_path)
    weights = load_file(out / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    with quiet():
        model, info = AutoModelForSequenceClassification.from_pretrained(
            out, num_labels=3, dtype="float32", output_loading_info=True
        )
    assert info["missing_keys"] == {"classifier.weight", "classifier.bias"} and not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert len(tokenizer) == model.config.vocab_size and tokenizer.model_max_length == 32
    assert tokenizer.convert_tokens_to_ids(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]) == [0, 1, 2, 3, 4]
    assert tokenizer.tokenize("The DAY") == ["the", "day"]


def test_a_card_that_lies_there_stays(tmp_path: Path, teacher: Path, texts: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text("mine", encoding="utf-8")
    assert (make(tmp_path) / "README.md").read_text(encoding="utf-8") == "mine"


def test_a_run_that_is_killed_goes_on_and_ends_as_if_it_never_stopped(
    tmp_path: Path, teacher: Path, texts: Path
) -> None:
    told = []

    def die(message: str) -> None:
        told.append(message)
        if sum("loss" in message for message in told) == 3:
            raise KeyboardInterrupt

    whole = load_file(make(tmp_path, output="whole", work="elsewhere") / "model.safetensors")
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, tell=die)
    assert not (tmp_path / "out").exists()
    made = {file: file.stat().st_mtime_ns for file in (tmp_path / "work").rglob("shard_*.npz")}
    later: list[str] = []
    resumed = load_file(make(tmp_path, tell=later.append) / "model.safetensors")
    assert sum("loss" in message for message in later) == 3 and any("going on" in message for message in later)
    assert made == {file: file.stat().st_mtime_ns for file in (tmp_path / "work").rglob("shard_*.npz")}
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_it_stops_when_its_time_is_over(tmp_path: Path, teacher: Path, texts: Path) -> None:
    told: list[str] = []
    build([texts], teacher, tmp_path / "out", work=tmp_path / "work", minutes=1e-9, scale=SCALE, tell=told.append)
    assert sum("loss" in message for message in told) == 1


def test_lessons_bring_the_student_nearer_to_the_teacher(tmp_path: Path, teacher: Path, texts: Path) -> None:
    told: list[str] = []
    course = Course(shards=1, passes=30, tokens=1000, rate=1e-2)
    make(tmp_path, scale=replace(SCALE, course=course), tell=told.append)
    losses = [float(message.split("loss ")[1].split(",")[0]) for message in told if "loss" in message]
    assert losses[-1] < 0.6 * losses[0]


def test_a_student_of_its_teachers_size_that_is_not_turned_is_its_teacher(teacher: Path) -> None:
    taught = load_teacher(teacher, torch.float32)
    torch.manual_seed(1)
    for name, tensor in taught.model.named_parameters():
        if name.endswith("bias"):  # nought in a model that was never trained
            tensor.copy_(0.2 * torch.randn_like(tensor))
    student = BertModel(taught.model.config).eval()
    turn(student, taught.model, np.arange(23), torch.eye(16))
    batch = taught.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        ours, theirs = (model(**batch).last_hidden_state for model in (student, taught.model))
    assert (ours - theirs).square().mean().sqrt() < 0.15  # only the gain of the embeddings' norm is one for all


def test_the_pooler_and_the_maps_hear_of_it_too(tmp_path: Path, teacher: Path) -> None:
    taught = load_teacher(teacher, torch.float32)
    shard = make_shard(taught, taught.tokenizer, TEXTS)
    pupil = Pupil(grow(taught, np.arange(23), TEXTS, SCALE.size), shard, torch.float32)
    for batch in shard_batches(shard, 64, 0):
        pupil(batch).backward()
    silent = [name for name, weight in pupil.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not silent


def test_every_text_of_a_shard_is_seen_once_with_its_own_words(teacher: Path, tmp_path: Path) -> None:
    taught = load_teacher(teacher, torch.float32)
    write_shard(make_shard(taught, taught.tokenizer, [*TEXTS * 4, "day " * (TOO_LONG + 1)]), tmp_path / "a.npz")
    shard = read_shard(tmp_path / "a.npz")
    assert len(shard.tokens) == 4 * len(TEXTS)
    seen = []
    for batch in shard_batches(shard, 100, 0):
        mask = batch["attention_mask"].bool()
        with torch.inference_mode():
            states = taught.model(batch["input_ids"], batch["attention_mask"]).last_hidden_state
        last = slot_means(states[mask], batch["places"], len(batch["words"]))
        assert torch.allclose(last, batch["words"][:, -1], atol=0.01)
        weights = mask.unsqueeze(-1).float()
        assert torch.allclose((states * weights).sum(1) / weights.sum(1), batch["means"][:, -1], atol=0.01)
        seen += taught.tokenizer.batch_decode(batch["input_ids"], skip_special_tokens=True)
    assert sorted(seen) == sorted(taught.tokenizer.batch_decode(taught.tokenizer(TEXTS * 4)["input_ids"], True))


def test_words_that_are_split_are_averaged(teacher: Path) -> None:
    flat = torch.tensor([[1.0], [2.0], [4.0], [7.0]])
    assert slot_means(flat, torch.tensor([0, 1, 1, 2]), 3).flatten().tolist() == [1, 3, 7]


def test_batches_hold_their_tokens_padding_included() -> None:
    assert batches([2, 2, 3, 9, 1], 8) == [[0, 1], [2], [3], [4]]


def test_the_vocabulary_keeps_specials_letters_and_what_is_used_most(teacher: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(teacher)
    kept = pick_pieces(tokenizer, ["sad sad sad happy"], 17)
    cut = cut_tokenizer(tokenizer, kept, 32)
    assert set(cut.get_vocab()) == {*cut.all_special_tokens, *"0123456789a", "sad"}
    assert cut("sad lovely 7")["input_ids"][1:-1] == [cut.get_vocab()["sad"], cut.unk_token_id, cut.get_vocab()["7"]]


def test_texts_are_read_from_columns_lines_and_words(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('text\tlabel\nsay "hi\tx\n  two   words \ty\n', encoding="utf-8")
    (tmp_path / "b.csv").write_text('"one, two",three,5\none,three,4\n', encoding="utf-8")
    (tmp_path / "c.conll").write_text("New\tB-LOC\nYork\tI-LOC\n\n\nis\tO\n", encoding="utf-8")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "d.txt").write_text("first\n\nsecond\n", encoding="utf-8")
    assert read_texts([f"{tmp_path}/a.tsv:text"]) == ['say "hi', "two words"]
    assert read_texts([f"{tmp_path}/b.csv:0,1"]) == ["one, two", "three", "one"]
    assert read_texts([tmp_path / "c.conll", tmp_path / "plain"]) == ["New York", "is", "first", "second"]


@pytest.mark.parametrize(
    ("source", "error"),
    [("none.txt", SourceMissing), ("a.tsv", ColumnError), ("a.tsv:2", ColumnError), ("a.pdf", SourceError)],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, source: str, error: type[Exception]) -> None:
    (tmp_path / "a.tsv").write_text("text\tlabel\n", encoding="utf-8")
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(error):
        read_texts([f"{tmp_path}/{source}"])


def test_variations_are_the_same_for_a_seed_and_of_the_words_at_hand() -> None:
    made = vary(TEXTS, ["green", "blue"], 300, 5)
    assert made == vary(TEXTS, ["green", "blue"], 300, 5) != vary(TEXTS, ["green", "blue"], 300, 6)
    words = {word for text in [*TEXTS, "green blue"] for word in text.split()}
    assert len(made) == 300 and all(made) and {word for text in made for word in text.split()} == words
    assert set(TEXTS) & set(made) and max(len(text.split()) for text in made) <= LONGEST


def test_the_student_reads_what_its_tokenizer_says(tmp_path: Path, teacher: Path, texts: Path) -> None:
    out = make(tmp_path)
    batch = AutoTokenizer.from_pretrained(out)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode(), quiet():
        states = AutoModel.from_pretrained(out, dtype="float32")(**batch).last_hidden_state
    assert states.isfinite().all() and states.shape[-1] == 8
