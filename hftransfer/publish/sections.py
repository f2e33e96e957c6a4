"""The text of a model card, a function a section; each gives "" where the run says nothing about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..tasks import get_task
from .public import PLACEHOLDER

Run = Mapping[str, Any]
# Our metric names: the Hub's identifier and a name to read.
METRICS = {
    "accuracy": ("accuracy", "Accuracy"),
    "precision_macro": ("precision", "Precision (macro)"),
    "precision_weighted": ("precision", "Precision (weighted)"),
    "recall_macro": ("recall", "Recall (macro)"),
    "recall_weighted": ("recall", "Recall (weighted)"),
    "f1_macro": ("f1", "F1 (macro)"),
    "f1_weighted": ("f1", "F1 (weighted)"),
    "f1_micro": ("f1", "F1 (micro)"),
    "roc_auc": ("roc_auc", "ROC AUC"),
    "mae": ("mae", "Mean absolute error"),
    "rmse": ("rmse", "Root mean squared error"),
    "r2": ("r_squared", "R²"),
    "pearson": ("pearsonr", "Pearson correlation"),
    "spearman": ("spearmanr", "Spearman correlation"),
}
# What goes in, in words; and an input as Python and as the shell write it.
INPUTS = {
    "text": ("texts", '"a text to sort"', '"a text to sort"'),
    "image": ("images", '"photo.jpg"', "photo.jpg"),
}
MOST_CONFUSED = 20  # labels; a larger matrix is a picture, since it makes no table to read


def sections(run: Run, name: str) -> list[str]:
    """All sections in order.

    Args:
        run: a public report: no paths, no inputs of the user's.
        name: owner/name on the Hub.
    """
    parts = (_title, _labels, _use, _data, _recipe, _results, _confusion, _limits, _time)
    return [text for part in parts if (text := part(run, name))]


def _title(run: Run, name: str) -> str:
    title = str(run.get("model") or "") if name == PLACEHOLDER else name.split("/")[-1]
    modality = _modality(run)
    what = f"Sorts {INPUTS[modality][0]} into {len(run.get('labels') or ())} classes." if modality else ""
    origin = f" Fine-tuned from {_code(run['backbone'])}" if run.get("backbone") else " Fine-tuned"
    return f"# {_plain(title or 'model')}\n\n{what}{origin} with hftransfer."


def _modality(run: Run) -> str:
    return get_task(run["task"]).modality.name if run.get("task") else ""


def _labels(run: Run, name: str) -> str:
    labels = run.get("labels") or ()
    return f"## Labels\n\n{', '.join(_code(label) for label in labels)}" if labels else ""


def _use(run: Run, name: str) -> str:
    modality = _modality(run)
    if not modality:
        return ""
    _, python, shell = INPUTS[modality]
    here = "\nWhere the model isn't on the Hub yet, give its folder instead.\n" if name == PLACEHOLDER else ""
    return f"""## Use
{here}
With Transformers alone:

```python
from transformers import pipeline

classify = pipeline("{run["task"]}", model="{name}")
print(classify({python}))
```

With hftransfer, in Python:

```python
from hftransfer import Predictor

print(Predictor.from_pretrained("{name}").predict({python}))
```

or from the shell:

```sh
hftransfer predict {name} {shell}
```"""


def _data(run: Run, name: str) -> str:
    rows = run.get("rows") or {}
    if not rows:
        return ""
    counts = ", ".join(f"{count} for {split}" for split, count in rows.items() if count)
    source = f" of {_code(run['source'])}" if run.get("source") else ""
    notes = "\n".join(f"- {_plain(note)}" for note in run.get("notes") or ())
    classes = [(_plain(label), str(count)) for label, count in (run.get("label_rows") or {}).items()]
    parts = (f"## Data\n\nRows{source}: {counts}.", notes, _table(("label", "rows"), classes) if classes else "")
    return "\n\n".join(part for part in parts if part)


def _recipe(run: Run, name: str) -> str:
    asked = {choice.replace("_", " "): value for choice, value in (run.get("recipe") or {}).items()}
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


def _results(run: Run, name: str) -> str:
    metrics = run.get("metrics") or {}
    if not metrics:
        return ""
    split = run.get("evaluated_on")
    where = f"On the {split} rows" if split else "Measured"
    rows = [(METRICS.get(key, (key, key))[1], *_interval(value)) for key, value in metrics.items()]
    table = _table(("metric", "value", "95 % interval"), rows)
    return f"## Results\n\n{where}, computed in fp32; the intervals are bootstrapped.\n\n{table}" + _per_label(run)


def _interval(metric: Mapping[str, Any]) -> tuple[str, str]:
    low, high = metric.get("low"), metric.get("high")
    return _figure(metric.get("value")), "–" if low is None or high is None else f"{_figure(low)} to {_figure(high)}"


def _figure(value: Any) -> str:
    return "–" if value is None else f"{float(value):.3f}"


def _per_label(run: Run) -> str:
    per_label = run.get("per_label") or {}
    names = ("precision", "recall", "f1")
    rows = [
        (_plain(label), *(_figure(row.get(name)) for name in names), str(int(row.get("support") or 0)))
        for label, row in per_label.items()
    ]
    return f"\n\n{_table(('label', *names, 'rows'), rows)}" if rows else ""


def _confusion(run: Run, name: str) -> str:
    labels, matrix = run.get("labels") or (), run.get("confusion") or ()
    if not matrix or len(matrix) != len(labels):
        return ""
    if len(labels) > MOST_CONFUSED:
        return "## Confusion\n\n![The confusion matrix](confusion_matrix.png)"
    rows = [(f"**{_plain(label)}**", *map(str, row)) for label, row in zip(labels, matrix, strict=True)]
    return f"## Confusion\n\nRows are true labels, columns predictions.\n\n{_table(('', *map(_plain, labels)), rows)}"


def _limits(run: Run, name: str) -> str:
    trained = (run.get("rows") or {}).get("train")
    kinds = sorted({problem["code"] for problem in run.get("problems") or () if problem.get("severity") != "info"})
    found = f"- The check of the data found: {', '.join(map(_code, kinds))}." if kinds else ""
    lines = (
        f"- It learned from {trained} rows: expect less from inputs that do not look like them." if trained else "",
        "- Every input gets one of the labels, even one that belongs to none; a high score is no promise.",
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
