"""What may make a run better: read from its curves, and from how much better it knows the rows that it learnt from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..measures import written
from ..tasks import TASKS

if TYPE_CHECKING:
    import datasets

MOST = 3  # pieces of advice
SAMPLED = 500  # training rows that a model is measured on
GAP = 0.1  # between the rows that it learnt from and others
GOOD = 0.9  # on the rows that it learnt from: below, it has not learnt them
BEST = 0.97  # on others: there is nothing to advise
FEW = 50  # rows of validation
ROSE = 1.2  # times what it was
ENOUGH = 4  # measurements, before a curve has a shape
DECAY = 0.1
MIXABLE = ("class", "flags")
TIPS = {
    "epochs": "fewer passes are enough",
    "augmentation": "changing its images while it learns may help",
    "decay": "a stronger decay of its weights may help",
    "mixup": "blending its images while it learns may help",
    "rows": "more examples help most, and some without labels may join",
    "everything": "let its backbone learn too",
    "longer": "train it longer",
    "backbone": "a larger backbone tells more apart",
}


@dataclass(frozen=True)
class Advice:
    """`flag` is what to pass to the next run."""

    code: str
    message: str
    flag: str


def sampled(rows: datasets.Dataset) -> datasets.Dataset:
    """Training rows from all over, few enough to be measured on."""
    step = max(1, math.ceil(len(rows) / SAMPLED))
    return rows.select(range(0, len(rows), step))


def advise(run: Mapping[str, Any], *, larger: str = "") -> list[dict[str, str]]:
    """At most three pieces of advice, the most urgent first.

    Args:
        run: a report: task, metrics, train_metrics, history, rows, recipe; whatever is absent advises nothing.
        larger: a backbone that could take this one's place.
    """
    curves = Curves.of(run, larger)
    found = (advice for rule in RULES if (advice := rule(curves)) is not None)
    distinct = {advice.flag.split(" ")[0]: advice for advice in reversed(list(found))}
    return [asdict(advice) for advice in list(distinct.values())[::-1][:MOST]]


@dataclass(frozen=True)
class Curves:
    """What the rules ask about.

    Attributes:
        learnt: the score on training rows, and `held` on others, `high` being the latter's bound; 1 is perfect.
        rows: of history, those of its last phase by gradient descent.
        before: epochs of the phases before that.
    """

    run: Mapping[str, Any]
    best: str
    learnt: float | None
    held: float | None
    high: float | None
    rows: Sequence[Mapping[str, Any]]
    before: float
    larger: str

    @classmethod
    def of(cls, run: Mapping[str, Any], larger: str) -> Curves:
        task = TASKS.get(str(run.get("task")))
        best = task.target.best if task else "accuracy"
        held = (run.get("metrics") or {}).get(best) or {}
        learnt = (run.get("train_metrics") or {}).get(best) or {}
        descended = [row for row in run.get("history") or [] if row.get("epoch") and "eval_soup" not in row]
        last = descended[-1]["phase"] if descended else None
        rows = [row for row in descended if row["phase"] == last]
        if run.get("stopped_early") and rows and rows[-1]["epoch"] < 1:
            rows = []  # a phase that was ended as it began says nothing
        ends = {row["phase"]: float(row["epoch"]) for row in descended if row["phase"] != last}
        return cls(
            run, best, learnt.get("value"), held.get("value"), held.get("high"), rows, sum(ends.values()), larger
        )

    @property
    def folded(self) -> bool:
        """Whether cross-validation has chosen something already."""
        return any("cross-validation" in row.get("chosen_by", "") for row in self.run.get("history") or ())

    def line(self, name: str) -> list[float]:
        """A figure's values in order; one that is none is infinite."""
        values = (row[name] for row in self.rows if name in row)
        return [value if value is not None and math.isfinite(value) else math.inf for value in values]

    def asked(self, name: str, otherwise: Any = None) -> Any:
        return (self.run.get("recipe") or {}).get(name, otherwise)

    def untried(self, flag: str) -> str:
        """The flag, or nothing where the run has searched that choice, or tried that strategy, by itself."""
        option, _, value = flag.removeprefix("--").partition(" ")
        name = option.replace("-", "_")
        tried = [entry for entry in self.run.get("tried") or () if entry.get("value") is not None]
        searched = {choice for entry in tried for choice in entry.get("choices") or ()} - {"strategy"}
        strategies = {(entry.get("choices") or {}).get("strategy", entry["name"]) for entry in tried}
        return "" if name in searched or (name == "strategy" and value in strategies) else flag

    @property
    def shape(self) -> tuple[str, str]:
        """What goes in, and what comes out."""
        task = TASKS.get(str(self.run.get("task")))
        return (task.modality.name, task.target.shape) if task else ("", "")

    @property
    def tuned(self) -> bool:
        return bool(self.rows)

    @property
    def epochs(self) -> float:
        """Passes over the rows in all."""
        return self.before + (float(self.rows[-1]["epoch"]) if self.rows else 0.0)

    @property
    def over_fits(self) -> bool:
        if self.learnt is None or self.held is None or self.held >= BEST:
            return False
        return self.learnt - self.held > GAP and self.learnt > (self.high or self.held)

    @property
    def under_fits(self) -> bool:
        return self.learnt is not None and self.learnt < GOOD and not self.over_fits

    def told(self, score: float | None) -> str:
        return written(self.best, score)


def _diverged(curves: Curves) -> Advice | None:
    line = curves.line("loss")
    part = max(1, len(line) // 4)
    if len(line) < ENOUGH:
        return None
    first, last = (sum(some) / part for some in (line[:part], line[-part:]))
    if math.isfinite(last) and last <= ROSE * first:
        return None
    rate = curves.asked("learning_rate") or max(curves.line("learning_rate"), default=1e-4)
    flag = curves.untried(f"--learning-rate {rate / 3:.1g}")
    if not flag:
        return None
    end = f"{last:.2f}" if math.isfinite(last) else "no number at all"
    message = f"the loss rose from {first:.2f} to {end} in training: smaller steps are needed"
    return Advice("diverged", message, flag)


def _over_fitted(curves: Curves) -> Advice | None:
    brakes = [(TIPS[name], flag) for name, flag in _brakes(curves) if curves.untried(flag)]
    if not curves.over_fits or not brakes:
        return None
    tip, flag = brakes[0]
    learnt, held = curves.told(curves.learnt), curves.told(curves.held)
    return Advice("over-fitting", f"it gets {learnt} on rows it has learnt and {held} on others: {tip}", flag)


def _brakes(curves: Curves) -> list[tuple[str, str]]:
    """What holds a model back, the surest first; those without a flag do not apply, or were asked for before."""
    named, strategy = curves.shape[1] in MIXABLE, curves.run.get("strategy")
    pictures = curves.tuned and curves.shape[0] == "image" and named
    unchanged = pictures and curves.asked("augmentation") == "none"
    light = curves.tuned and curves.asked("weight_decay", 0.0) < DECAY and strategy != "l2-sp"  # which has its own
    plain = pictures and not curves.asked("mixup", 0.0) and strategy != "contrastive"  # which shares no labels out
    return [
        ("epochs", f"--epochs {_fewer(curves)}" if _fewer(curves) else ""),
        ("augmentation", "--augmentation auto" if unchanged else ""),
        ("decay", f"--weight-decay {DECAY}" if light else ""),
        ("mixup", "--mixup 0.2" if plain else ""),
        ("rows", "--pseudo-label UNLABELLED" if named and not curves.asked("pseudo_label") else ""),
    ]


def _fewer(curves: Curves) -> int:
    """The epochs after which validation's loss rose; 0 where it did not."""
    line = [(row["eval_loss"], row["epoch"]) for row in curves.rows if row.get("eval_loss") is not None]
    if len(line) < ENOUGH:
        return 0
    least, epoch = min(line)
    fewer = math.ceil(curves.before + epoch)
    return fewer if line[-1][0] > ROSE * least and fewer < curves.epochs else 0


def _under_fitted(curves: Curves) -> Advice | None:
    """Of a head alone, on a backbone that stood still."""
    return _poor(curves, "everything", "--strategy full") if curves.under_fits and not curves.tuned else None


def _poor(curves: Curves, name: str, flag: str) -> Advice | None:
    if not curves.untried(flag):
        return None
    told = f"it gets no more than {curves.told(curves.learnt)} on the very rows it has learnt: {TIPS[name]}"
    return Advice("under-fitting", told, flag)


def _too_short(curves: Curves) -> Advice | None:
    """Training that ended while it was gaining."""
    if not curves.tuned or curves.over_fits or (curves.held or 0.0) >= BEST:
        return None
    flag = f"--epochs {math.ceil(2 * curves.epochs)}"
    if _still_gains(curves) and curves.untried(flag):
        return Advice("still-improving", "validation was still improving when training ended: train longer", flag)
    return _poor(curves, "longer", flag) if curves.under_fits else None


def _still_gains(curves: Curves) -> bool:
    scores, losses = curves.line(f"eval_{curves.best}"), curves.line("eval_loss")
    if len(scores) < ENOUGH or len(losses) != len(scores):
        return False
    return scores[-1] > max(scores[:-1]) and losses[-1] <= min(losses[:-1])


def _too_small(curves: Curves) -> Advice | None:
    flag = f"--backbone {curves.larger}"
    return _poor(curves, "backbone", flag) if curves.under_fits and curves.larger else None


def _too_few(curves: Curves) -> Advice | None:
    rows = (curves.run.get("rows") or {}).get("validation") or 0
    if not 0 < rows < FEW or curves.asked("folds") or curves.folded:
        return None
    message = f"{rows} rows of validation are too few to tell good from better: a cross-validation uses all rows"
    return Advice("few-validation", message, "--folds 5")


RULES: Sequence[Callable[[Curves], Advice | None]] = (
    _diverged,
    _over_fitted,
    _under_fitted,
    _too_short,
    _too_few,
    _too_small,
)
