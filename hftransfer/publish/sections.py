"""The text of a model card, a function a section; each gives "" where the run says nothing about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..measures import MEASURES, OWN, headline, measure, ordered, own
from ..recipe import told_of
from ..results.tried import attempts
from ..tasks import Task, get_task
from ..usage import CODES, DENSE, OURS, PAIR, SHELL, example, kind_of_input
from .public import PLACEHOLDER
from .targets import ABOUT

Run = Mapping[str, Any]
INPUTS = {"text": "texts", "image": "images", PAIR: "pairs of texts"}
# Of a label's figures, in order.
COLUMNS = ("precision", "recall", "f1", "average_precision", "threshold", "rmse", "mae", "r2", "pearson", "spearman")
MOST_CONFUSED = 20  # labels; a larger matrix is a picture, since it makes no table to read


def sections(run: Run, name: str) -> list[str]:
    """All sections in order.

    Args:
        run: a public report: no paths, no inputs of the user's.
        name: owner/name on the Hub.
    """
    return [text for part in PARTS if (text := part(run, name))]


def _title(run: Run, name: str) -> str:
    title = str(run.get("model") or "") if name == PLACEHOLDER else name.split("/")[-1]
    task = _task(run)
    what = ABOUT[task.target.shape].does(run, INPUTS[_inputs(task, run)]) if task else ""
    origin = f" Fine-tuned from {_code(run['backbone'])}" if run.get("backbone") else " Fine-tuned"
    return f"# {_plain(title or 'model')}\n\n{what}{origin} with hftransfer."


def _task(run: Run) -> Task | None:
    return get_task(run["task"]) if run.get("task") else None


def _inputs(task: Task, run: Run) -> str:
    return kind_of_input(task, pair=is_pair(run))


def is_pair(run: Run) -> bool:
    """Whether a model takes two texts at once."""
    return bool(run.get("text_pair") or (run.get("recipe") or {}).get("text_pair_column"))


def _labels(run: Run, name: str) -> str:
    task = _task(run)
    about = ABOUT[task.target.shape if task else "class"]
    labels = about.named(run)
    return f"## {about.heading}\n\n{', '.join(map(_code, labels))}" if labels else ""


def _use(run: Run, name: str) -> str:
    task = _task(run)
    if task is None:
        return ""
    kind = _inputs(task, run)
    here = "\nWhere the model isn't on the Hub yet, give its folder instead.\n" if name == PLACEHOLDER else ""
    return f"""## Use
{here}
{_alone(run, task, name)}
With hftransfer, in Python:

```python
from hftransfer import Predictor

print(Predictor.from_pretrained("{name}").predict({OURS[kind]}))
```

or from the shell:

```sh
hftransfer predict {name} {SHELL[kind]}
```"""


def _alone(run: Run, task: Task, name: str) -> str:
    """How to ask the model without hftransfer, where that can be done."""
    if run.get("head") == DENSE:
        return """**Only hftransfer loads this model.** Its head is a dense one (Dense-ReLU-Dropout-Dense), which
Transformers does not have: `pipeline()` refuses it.
"""
    code = example(task, name, pair=is_pair(run), aggregation=str(run.get("aggregation") or ""))
    says = f"\n{CODES[task.target.shape].says}\n" if CODES[task.target.shape].says else ""
    return f"""With Transformers alone:

```python
{code}
```
{says}"""


def _data(run: Run, name: str) -> str:
    rows = run.get("rows") or {}
    if not rows:
        return ""
    counts = ", ".join(f"{count} for {split}" for split, count in rows.items() if count)
    source = f" of {_code(run['source'])}" if run.get("source") else ""
    notes = "\n".join(f"- {_plain(note)}" for note in run.get("notes") or ())
    parts = (f"## Data\n\nRows{source}: {counts}.", _pseudo_labelled(run), notes, _counts(run))
    return "\n\n".join(part for part in parts if part)


def _pseudo_labelled(run: Run) -> str:
    joined = (run.get("pseudo_labelled") or {}).get("rows")
    return f"Of those for train {joined} came without a label, and were labelled by a probe on the others." * bool(
        joined
    )


def _counts(run: Run) -> str:
    """How much there is of each label, where that differs."""
    task, counted = _task(run), run.get("label_rows") or {}
    head = ABOUT[task.target.shape if task else "class"].counted
    rows = [(_plain(label), str(count)) for label, count in counted.items()]
    return _table(head, rows) if head and rows else ""


def _recipe(run: Run, name: str) -> str:
    asked = {choice.replace("_", " "): value for choice, value in told_of(run.get("recipe") or {}).items()}
    facts = {
        **asked,
        "backbone": run.get("backbone"),
        "revision": run.get("backbone_revision"),
        "backbone's licence": run.get("backbone_license"),
        "strategy": run.get("strategy"),
        **(run.get("versions") or {}),
    }
    rows = [(key, _code(value)) for key, value in facts.items() if value is not None]
    return f"## Recipe\n\n{_table(('choice', 'value'), rows)}" if rows else ""


def _tried(run: Run, name: str) -> str:
    """The strategies or values that validation chose among."""
    head = ("way", "on validation", "95 % interval", "time", "why")
    rows = [
        (_plain(entry.name), entry.value or "not tried", entry.interval, entry.time, _plain(entry.why))
        for entry in attempts(run)
    ]
    return f"## What was tried\n\n{_table(head, rows)}" if rows else ""


def _results(run: Run, name: str) -> str:
    metrics = run.get("metrics") or {}
    if not metrics:
        return ""
    split = run.get("evaluated_on")
    where = f"On the {split} rows" if split else "Measured"
    rows = [(measure(key).title, *_interval(key, metrics[key])) for key in ordered(metrics)]
    table = _table(("metric", "value", "95 % interval"), rows)
    return f"## Results\n\n{where}, computed in fp32; the intervals are bootstrapped.\n\n{table}" + _per_label(run)


def _crossed(run: Run, name: str) -> str:
    found = run.get("cross_validation") or {}
    if not found.get("metrics"):
        return ""
    metrics = found["metrics"]
    rows = [(measure(key).title, *_interval(key, metrics[key])) for key in ordered(metrics)]
    said = (
        f"Of a probe, a head on the frozen backbone, in {found['folds']} folds over all {found['rows']} rows of train "
        "and validation: each row is answered by a head that had not seen it, every choice made anew in each fold."
    )
    return f"## Cross-validation\n\n{said}\n\n{_table(('metric', 'value', '95 % interval'), rows)}"


def _interval(name: str, metric: Mapping[str, Any]) -> tuple[str, str]:
    value, low, high = (_figure(name, metric.get(side)) for side in ("value", "low", "high"))
    return value, "–" if "–" in (low, high) else f"{low} to {high}"


def _figure(name: str, value: Any) -> str:
    """Shares and correlations by three decimals; what is in the data's own unit by its size."""
    if value is None:
        return "–"
    return own(float(value)) if measure(name).kind == OWN and name in MEASURES else f"{float(value):.3f}"


def _went_on(run: Run, name: str) -> str:
    """Of a model that went on from another: what that one did on these rows, and what is left of its own."""
    head = headline(run.get("metrics") or {})
    if head is None or not run.get("before"):
        return ""
    title, before = measure(head).title, _figure(head, run["before"].get(head, {}).get("value"))
    told = f"It went on from another model, whose {title} on the same rows was {before}."
    lost = run.get("forgetting") or {}
    if lost.get("after"):
        then, now = (_figure(head, lost[side].get(head, {}).get("value")) for side in ("before", "after"))
        told += f" On that one's own {lost['evaluated_on']} rows {title} was {then}, and is {now} now."
    return f"## What it was before\n\n{told}"


def _advice(run: Run, name: str) -> str:
    told = "\n".join(f"- {_plain(one['message'])}: {_code(one['flag'])}" for one in run.get("advice") or ())
    return f"## What may help\n\nRead from how it learnt, with what to pass to the next run:\n\n{told}" if told else ""


def _per_label(run: Run) -> str:
    per_label, task = run.get("per_label") or {}, _task(run)
    first, support = ABOUT[task.target.shape if task else "class"].columns
    names = [name for name in COLUMNS if any(row.get(name) is not None for row in per_label.values())]
    rows = [
        (_plain(label), *(_figure(name, row.get(name)) for name in names), str(int(row.get("support") or 0)))
        for label, row in per_label.items()
    ]
    head = (first, *(name.replace("_", " ") for name in names), support)
    return f"\n\n{_table(head, rows)}" if rows else ""


def _confusion(run: Run, name: str) -> str:
    labels, matrix = run.get("labels") or (), run.get("confusion") or ()
    if not matrix or len(matrix) != len(labels):
        return ""
    if len(labels) > MOST_CONFUSED:
        return "## Confusion\n\n![The confusion matrix](confusion_matrix.png)"
    rows = [(f"**{_plain(label)}**", *map(str, row)) for label, row in zip(labels, matrix, strict=True)]
    return f"## Confusion\n\nRows are true labels, columns predictions.\n\n{_table(('', *map(_plain, labels)), rows)}"


def _points(run: Run, name: str) -> str:
    return "## Answers\n\n![Answers against the truth](true_and_predicted.png)" if run.get("points") else ""


def _limits(run: Run, name: str) -> str:
    trained, task = (run.get("rows") or {}).get("train"), _task(run)
    about = ABOUT[task.target.shape if task else "class"]
    kinds = sorted({problem["code"] for problem in run.get("problems") or () if problem.get("severity") != "info"})
    found = f"- The check of the data found: {', '.join(map(_code, kinds))}." if kinds else ""
    lines = (
        f"- It learned from {trained} rows: expect less from inputs that do not look like them." if trained else "",
        f"- {about.limit}",
        "- The figures hold for data from the same source; the intervals tell nothing about other sources.",
        "- Biases of the backbone and of the data are learned along." if run.get("backbone") else "",
        found,
    )
    return "## Limits\n\n" + "\n".join(line for line in lines if line)


def _time(run: Run, name: str) -> str:
    spent = {stage: value for stage, value in (run.get("seconds") or {}).items() if value is not None}
    if not spent:
        return ""
    total = spent.pop("total", sum(spent.values()))
    parts = ", ".join(f"{stage} {value:.1f} s" for stage, value in spent.items())
    return f"## Training time\n\n{total:.1f} s in all{f': {parts}' if parts else ''}."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(value: Any) -> str:
    """A text that Markdown and HTML leave as it is, on one line."""
    flat = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{mark}" if mark in "\\|*_`[]#" else mark for mark in flat)


def _code(value: Any) -> str:
    """The same as code; a backtick would end it, a bar the table's cell."""
    flat = " ".join(str(value).split()).replace("`", "'").replace("|", "¦")
    return f"`{flat}`"


PARTS: tuple[Callable[[Run, str], str], ...] = (
    *(_title, _labels, _use, _data, _recipe, _tried, _results, _crossed, _confusion, _points, _went_on, _advice),
    *(_limits, _time),
)
