"""Cross-validation of a probe: every row of train and validation is answered by a head that never saw it.

It costs no forward pass beside those that train needs anyway. The probe is linear, also where the
model's own head is a dense one. All that a head is chosen by,
depth, pooling and strength, is chosen anew inside each fold, on a part of the rows that it
learns from: rows that are held out choose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit, softmax

from ...data import Words, labels_of
from ...errors import RecipeError
from ...models.words import NO_WORD, Places, tokens_at, tokens_of
from ...results.metrics import Evaluation
from ...results.thresholds import tune
from ...tasks.tokens import OUTSIDE
from ...values import Event
from ..balancing import groups_of
from ..few import PARTS
from ..progress import Leg
from .folding import dealt
from .probe import ROWS, Seen, best_view, copies_of, problem_of, see, solved_by
from .solving import HeadProblem, Split, head_of, refit

TENTHS = 10


@dataclass(frozen=True)
class Pool:
    """Train and validation together.

    Attributes:
        labels: of each feature.
        of: the row that each feature is of, where a row has several.
        strata: what is to be alike in all folds, a number a row.
        units: rows of one number are copies, and stay together.
    """

    seen: Seen
    labels: np.ndarray
    of: np.ndarray
    strata: np.ndarray
    units: np.ndarray

    def features(self, which: np.ndarray, at: int) -> np.ndarray:
        """Some of the features, [some, width], through one of the views."""
        sides = np.split(which, [len(self.seen.labels["train"])])
        return np.concatenate([self.seen.features[name][side, at] for name, side in zip(PARTS, sides, strict=True)])


def cross_validation(leg: Leg) -> dict[str, Any]:
    """What the report says of a cross-validation, where the recipe asks for one."""
    return {} if leg.recipe.folds is None else {"cross_validation": cross_validated(leg, leg.recipe.folds)}


def cross_validated(leg: Leg, folds: int) -> dict[str, Any]:
    """Figures of a probe by cross-validation.

    Raises:
        RecipeError: there are fewer rows than folds.
    """
    pool = _pool(leg)
    rows = len(pool.strata)
    distinct = len(np.unique(pool.units))
    if distinct < folds:
        cause = f"{distinct} rows that are no copies cannot be dealt out to {folds} folds"
        raise RecipeError(cause, place="--folds", fix="ask for fewer")
    parts = dealt(pool.strata, pool.units, folds, leg.recipe.seed)
    leg.on_event(Event("train", f"cross-validation of a linear probe: {rows} rows in {folds} folds"))
    logits = np.zeros((len(pool.of), len(leg.data.labels)), dtype=np.float32)
    shifts = np.zeros_like(logits)
    for part in range(folds):
        out = parts[pool.of] == part
        logits[out], shifts[out] = _answered(leg, pool, parts != part, out)
    metrics = MEASURED[leg.task.target.shape](leg, logits, shifts)
    return {"of": "linear probe", "folds": folds, "rows": rows, "metrics": metrics}


def _pool(leg: Leg) -> Pool:
    seen = see(leg)
    labels = np.concatenate([seen.labels[name] for name in PARTS])
    rows = [leg.data.splits[name] for name in PARTS]
    strata = np.concatenate([STRATA[leg.task.target.shape](labels_of(part)) for part in rows])
    of = np.concatenate([OF[leg.task.target.unit](leg, name) for name in PARTS])
    of[len(seen.labels["train"]) :] += len(rows[0])
    return Pool(seen, labels, of, strata, copies_of(leg, PARTS))


def _answered(leg: Leg, pool: Pool, inside: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The logits of what is held out, and the logits of the thresholds, by heads that `inside` rows alone chose."""
    inner = inside.copy()
    share = max(2, round(1 / leg.recipe.validation_share))
    inner[inside] = dealt(pool.strata[inside], pool.units[inside], share, leg.recipe.seed) > 0
    anatomy = pool.seen.anatomy

    def problem(at: int) -> HeadProblem:
        return problem_of(leg, anatomy, _split(pool, inner, at), _split(pool, inside & ~inner, at))

    at = best_view(range(len(pool.seen.views)), problem)
    chosen, unseen = solved_by(leg, anatomy, problem(at)), _split(pool, inside & ~inner, at)
    limits = THRESHOLDS.get(leg.task.target.shape, _none)(chosen.logits(unseen.features), unseen.labels)
    whole = problem_of(leg, anatomy, _split(pool, inside, at), unseen)
    head = head_of(leg.backbone.model, anatomy) if leg.backbone.known else None
    return refit(whole, chosen.strength, head).logits(pool.features(out, at)), limits


def _split(pool: Pool, rows: np.ndarray, at: int) -> Split:
    """Rows through one of the views, without what has no label."""
    there = rows[pool.of]
    if pool.labels.ndim == 1:
        there &= pool.labels >= 0
    return Split(pool.features(there, at), pool.labels[there])


def _none(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.zeros(logits.shape[1])


def _thresholds(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    found: np.ndarray = logit(np.clip(tune(expit(logits), labels), 1e-6, 1 - 1e-6))
    return found


THRESHOLDS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {"flags": _thresholds}


def _by_tenths(numbers: np.ndarray) -> np.ndarray:
    ranks = np.argsort(np.argsort(numbers[:, 0], kind="stable"))
    return ranks * TENTHS // max(1, len(ranks))


def _by_kinds(words: Words) -> np.ndarray:
    """By the rarest kind of entity that a row has."""
    kinds = np.zeros((len(words), int(words.tag.max(initial=0) + 1) // 2 + 1))
    rows = np.repeat(np.arange(len(words)), np.diff(words.ends, prepend=0))
    kinds[rows, (words.tag + 1) // 2] = 1
    return groups_of(kinds[:, 1:])


STRATA: dict[str, Callable[[Any], np.ndarray]] = {
    "class": groups_of,
    "flags": groups_of,
    "numbers": _by_tenths,
    "tags": _by_kinds,
}


def _own_rows(leg: Leg, name: str) -> np.ndarray:
    return np.arange(len(leg.data.splits[name]))


def _rows_of_tokens(leg: Leg, name: str) -> np.ndarray:
    counts = [int(places.inner.sum()) for places in _tokens(leg, name)]
    return np.repeat(np.arange(len(counts)), counts)


def _tokens(leg: Leg, name: str) -> Iterator[Places]:
    column = leg.task.modality.column
    for rows in leg.data.splits[name].select_columns([column]).iter(ROWS):
        yield from tokens_of(leg.backbone.processor, rows[column])


OF: dict[str, Callable[[Leg, str], np.ndarray]] = {"row": _own_rows, "word": _rows_of_tokens}


def _measured(leg: Leg, scores: Any, labels: Any) -> dict[str, Any]:
    with Evaluation(leg.task, leg.data.labels) as evaluation:
        evaluation.add(scores, labels)
        return {name: figure.to_json() for name, figure in evaluation.report().metrics.items()}


def _truth(leg: Leg) -> np.ndarray:
    return np.concatenate([labels_of(leg.data.splits[name]) for name in PARTS])


def _of_classes(leg: Leg, logits: np.ndarray, shifts: np.ndarray) -> dict[str, Any]:
    return _measured(leg, softmax(logits, axis=1), _truth(leg))


def _of_numbers(leg: Leg, logits: np.ndarray, shifts: np.ndarray) -> dict[str, Any]:
    return _measured(leg, logits, _truth(leg))


def _of_flags(leg: Leg, logits: np.ndarray, shifts: np.ndarray) -> dict[str, Any]:
    """Each fold has thresholds of its own, which count as a half; but they rank nothing."""
    truth = _truth(leg)
    ranked = _measured(leg, expit(logits), truth)
    return {
        name: ranked[name] if name == "map" else row
        for name, row in _measured(leg, expit(logits - shifts), truth).items()
    }


def _of_tags(leg: Leg, logits: np.ndarray, shifts: np.ndarray) -> dict[str, Any]:
    """Of each word the scores of its first token, as a model is asked; words beyond the limit are surely outside."""
    chances, outside = softmax(logits, axis=1), np.array([label == OUTSIDE for label in leg.data.labels], np.float32)
    scores, truth, done = [], [], 0
    for name in PARTS:
        words = labels_of(leg.data.splits[name])
        for row, places in enumerate(_tokens(leg, name)):
            whole = np.zeros((len(places.inner), len(outside)), dtype=np.float32)
            count, own = int(places.inner.sum()), words.of(row)
            whole[places.inner] = chances[done : done + count]
            found = tokens_at(places, words.start[own], words.end[own])
            scores.append(np.where((found == NO_WORD)[:, None], outside, whole[found]))
            truth.append(words.tag[own])
            done += count
    return _measured(leg, scores, truth)


MEASURED: dict[str, Callable[[Leg, np.ndarray, np.ndarray], dict[str, Any]]] = {
    "class": _of_classes,
    "flags": _of_flags,
    "numbers": _of_numbers,
    "tags": _of_tags,
}
