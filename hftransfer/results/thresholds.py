"""From which score on a label holds: tuned on validation, label by label."""

from __future__ import annotations

import numpy as np

from .multi_label import USUAL

FEW = 10  # rows with a label, below which its own best threshold is mostly luck


def tune(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The threshold of each label, [L], that gives the best F1 on these rows.

    Rare labels lean towards the threshold that is best for all labels together: each
    weighs as many rows as have it, the common one as many as `FEW`.

    Args:
        scores: [N, L] probabilities.
        truth: [N, L] flags.
    """
    common = best_of(scores.ravel(), truth.ravel() > 0)
    own = np.array([best_of(scores[:, at], truth[:, at] > 0) for at in range(scores.shape[1])])
    rows = (truth > 0).sum(0)
    own = np.where(rows > 0, own, common)
    return (rows * own + FEW * common) / (rows + FEW)


def best_of(scores: np.ndarray, truth: np.ndarray) -> float:
    """The threshold of the best F1 for scores [N] and flags [N]: half way between two scores."""
    if not truth.any():
        return USUAL
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    right = np.cumsum(truth[order])
    said = np.arange(1, len(order) + 1)
    last = np.append(ranked[1:] < ranked[:-1], True)  # rows of one score are answered alike
    f1 = np.where(last, 2 * right / (said + truth.sum()), -1.0)
    at = int(f1.argmax())
    return float((ranked[at] + ranked[at + 1]) / 2) if at + 1 < len(ranked) else float(ranked[at] / 2)
