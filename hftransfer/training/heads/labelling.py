"""Self-training: a probe on train labels rows that have no label, and those that it is sure of join train.

After Yarowsky 1995, "Unsupervised Word Sense Disambiguation Rivaling Supervised Methods", and
Lee 2013, "Pseudo-Label". What a probe is sure of it is sure of for what train taught it: errors
of its own come back as truth. So few rounds, and a bound on each class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
from datasets import concatenate_datasets
from scipy.special import expit, softmax

from ...data import keys_of, require_path
from ...errors import RecipeError
from ...models.anatomy import Anatomy
from ...recipe import Recipe
from ...tasks import Task
from ...values import Dataset, Event, Part
from ..balancing import groups_of
from ..progress import Leg
from .folding import dealt, joined, parted
from .probe import Seen, best_view, copies_of, features_in, problem_of, see, solved_by, splits_at
from .solvers import REFINED
from .solving import HeadProblem, Solved, Split, head_of, refit

ROUNDS = 2
FOLDS = 5
HEATS = np.geomspace(0.25, 16.0, 49)
ORIGIN = "pseudo-labelled"


@dataclass(frozen=True)
class Judged:
    """What a probe makes of rows: labels as a model learns them, and how sure it is of each row's, from 0 to 1."""

    labels: np.ndarray
    sure: np.ndarray


def refuse_labelling(task: Task, recipe: Recipe) -> None:
    """Raises RecipeError where rows are to be labelled and no label of the task could be sure, or there are none;
    SourceMissing where nothing lies at their path."""
    if recipe.pseudo_label is None and recipe.confidence != Recipe().confidence:
        cause, fix = "there are no examples without a label", "leave it out, or name them by --pseudo-label"
        raise RecipeError(cause, place="--confidence", fix=fix)
    if recipe.pseudo_label is not None and task.target.shape not in JUDGES:
        raise RecipeError(
            f"{task.name} has no labels that a probe could be sure of", place="--pseudo-label", fix="leave it out"
        )
    if recipe.pseudo_label is not None:
        require_path(recipe.pseudo_label)


def pseudo_labels(leg: Leg, unlabelled: Part) -> dict[str, Any]:
    """Which of the rows without a label join train, with which labels; plain values, for a file.

    The probe reads the backbone as it came. Rows that are in a split already are left out: in validation or test
    they would be learned by heart, and measured.
    """
    seen = see(leg)
    features = features_in(leg, seen.anatomy, unlabelled, seen.views)
    fresh = _fresh(leg, unlabelled)
    if not fresh.all():
        copies = int((~fresh).sum())
        leg.on_event(Event("train", f"{copies} of {len(fresh)} rows without a label are in the data already"))
    leg.on_event(Event("train", f"labelling {int(fresh.sum())} rows without a label by a linear probe"))
    judged, places = Judged(np.zeros(0), np.zeros(0)), np.zeros(0, dtype=np.int64)
    for number in range(1, ROUNDS + 1 if fresh.any() else 1):
        judged = _judged(leg, seen, features, places, judged)
        places = _chosen(leg, seen.labels["train"], judged, fresh)
        leg.on_event(Event("train", _told(number, leg, judged, places)))
        if not len(places):
            break
    return {
        "digest": unlabelled.digest,
        "unlabelled": len(unlabelled.rows),
        "copies": int((~fresh).sum()),
        "places": places.tolist(),
        "labels": judged.labels[places].tolist(),
        "least_sure": round(float(judged.sure[places].min()), 6) if len(places) else None,
    }


def enlarged(data: Dataset, unlabelled: Part, found: Mapping[str, Any], column: str) -> Dataset:
    """The data with the labelled rows at the end of train. Their `origin` says what they are."""
    if not found["places"]:
        return data
    train, places = data.splits["train"], np.array(found["places"])
    labels: list[Any] = [found["labels"][0]] * len(unlabelled.rows)
    for place, label in zip(found["places"], found["labels"], strict=True):
        labels[place] = label
    origins = [f"{ORIGIN}: {origin}" for origin in unlabelled.rows["origin"]]
    whole = unlabelled.rows.select_columns([column]).add_column("label", labels, feature=train.features["label"])
    more = whole.add_column("origin", origins).select(places)
    added = replace(unlabelled, places=places)
    state = blake2b(f"{data.digests['train']} {found['digest']} {found['places']}".encode(), digest_size=16)
    return replace(
        data,
        splits={**data.splits, "train": concatenate_datasets([train, more])},
        digests={**data.digests, "train": state.hexdigest()},
        parts={**data.parts, "train": (Part(train, data.digests["train"]), added)},
        notes=(*data.notes, f"{len(places)} of train's rows came without a label, and were labelled by a linear probe"),
    )


def told_labels(found: Mapping[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    """For the report: how many rows joined, and how many with each label."""
    counts = _counts(np.array(found["labels"]), len(labels)) if found["places"] else np.zeros(len(labels), dtype=int)
    return {
        "rows": len(found["places"]),
        "by_label": dict(zip(labels, counts.tolist(), strict=True)),
        **{name: found[name] for name in ("unlabelled", "copies", "least_sure")},
    }


def _fresh(leg: Leg, unlabelled: Part) -> np.ndarray:
    """Whether a row is in no split, and the first of its copies."""
    column = leg.task.modality.column
    known = [keys_of(rows, column, by_pixels=True) for rows in leg.data.splits.values()]
    keys = keys_of(unlabelled.rows, column, by_pixels=True)
    first = np.zeros(len(keys), dtype=bool)
    first[np.unique(keys, return_index=True)[1]] = True
    return first & ~np.isin(keys, np.concatenate(known))


def _judged(leg: Leg, seen: Seen, features: np.ndarray, places: np.ndarray, judged: Judged) -> Judged:
    """What a probe on train, and on the rows that were chosen before, makes of all rows without a label."""
    known = judged.labels[places].astype(seen.labels["train"].dtype)

    def problem(at: int) -> HeadProblem:
        train, validation = splits_at(seen, at)
        return problem_of(leg, seen.anatomy, joined(train, Split(features[places, at], known)), validation)

    at = best_view(range(len(seen.views)), problem)
    solved = solved_by(leg, seen.anatomy, problem(at))
    heat = _temperature(leg, seen.anatomy, solved, *splits_at(seen, at), copies_of(leg, ("train",)))
    return JUDGES[leg.task.target.shape](solved.logits(features[:, at]) / heat)


def _temperature(
    leg: Leg, anatomy: Anatomy, solved: Solved, train: Split, validation: Split, units: np.ndarray
) -> float:
    """What logits are divided by so that a head is as often right as it is sure (Guo et al. 2017,
    https://arxiv.org/abs/1706.04599): by validation, and by each row of train as heads answer it that saw neither it,
    nor a copy, nor what a head that saw it has labelled."""
    places = dealt(groups_of(train.labels), units, FOLDS, leg.recipe.seed)
    logits, truth = [solved.logits(validation.features)], [validation.labels]
    head = head_of(leg.backbone.model, anatomy) if leg.backbone.known else None
    for inside, out in parted(train, places):
        whole = problem_of(leg, anatomy, inside, validation)
        logits.append(refit(whole, solved.strength, head).logits(out.features))
        truth.append(out.labels)
    answers, known, loss = np.concatenate(logits), np.concatenate(truth), REFINED[leg.task.target.solver][0]
    return float(min(HEATS, key=lambda heat: loss(answers / heat, known, None)[0]))


def _chosen(leg: Leg, labels: np.ndarray, judged: Judged, fresh: np.ndarray) -> np.ndarray:
    """The rows that are sure enough, ascending; of each class the surest, as many as its bound lets in.

    A class grows at most by the factor that the middle one of them grows by, and may double in any case: else the
    class that is easiest would be the most frequent one.
    """
    sure = np.flatnonzero(fresh & (judged.sure >= leg.recipe.confidence))
    groups, own = groups_of(judged.labels), groups_of(labels)
    there, counts = np.unique(own, return_counts=True)
    found = np.array([(groups[sure] == group).sum() for group in there])
    growth = max(1.0, float(np.median(found / counts)))
    kept = [
        _surest(sure[groups[sure] == group], judged.sure, int(np.ceil(growth * count)))
        for group, count in zip(there, counts, strict=True)
    ]
    return np.sort(np.concatenate(kept))


def _surest(places: np.ndarray, sure: np.ndarray, most: int) -> np.ndarray:
    return places[np.argsort(-sure[places], kind="stable")[:most]]


def _told(number: int, leg: Leg, judged: Judged, places: np.ndarray) -> str:
    if not len(places):
        return f"round {number}: the probe is sure of none of them by {leg.recipe.confidence:.0%}"
    counts = _counts(judged.labels[places], len(leg.data.labels))
    names = ", ".join(f"{name} {count}" for name, count in zip(leg.data.labels, counts, strict=True) if count)
    return f"round {number}: {len(places)} rows join train ({names}), the least sure by {judged.sure[places].min():.1%}"


def _counts(labels: np.ndarray, outputs: int) -> np.ndarray:
    return labels.sum(0).astype(int) if labels.ndim > 1 else np.bincount(labels, minlength=outputs)


def _of_classes(logits: np.ndarray) -> Judged:
    chances = softmax(logits, axis=1)
    return Judged(chances.argmax(1), chances.max(1))


def _of_flags(logits: np.ndarray) -> Judged:
    """A row is as sure as the least sure of its answers."""
    chances = expit(logits)
    return Judged((chances > 0.5).astype(np.float32), np.maximum(chances, 1 - chances).min(1))


JUDGES: dict[str, Callable[[np.ndarray], Judged]] = {"class": _of_classes, "flags": _of_flags}
