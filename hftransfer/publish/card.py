"""The model card: README.md with the metadata block that the Hub reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ..measures import measure, ordered
from ..tasks import get_task
from ..usage import DENSE
from .public import PLACEHOLDER, is_on_hub, public_report
from .sections import is_pair, sections
from .targets import ABOUT

# The usual identifiers of the Hub; any other licence is given as `other` with its name.
LICENSES = frozenset(
    ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "mpl-2.0", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0")
    + ("cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0")
    + ("openrail", "bigscience-openrail-m", "creativeml-openrail-m", "unlicense", "unknown", "other")
)


def card(run: Mapping[str, Any], *, repo: str | None = None) -> str:
    """The card of a trained model.

    Args:
        run: what report.json holds; whatever is absent is left out.
        repo: owner/name on the Hub; before that is known, a placeholder which `push` fills in.

    Returns:
        The text of README.md. It names no path of this machine and shows no input of the user's.
    """
    told = public_report(run)
    name = repo or PLACEHOLDER
    data = _metadata(told, name, base_model(run))
    body = "\n\n".join(sections(told, name))
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}\n"))


def _metadata(run: Mapping[str, Any], name: str, base: str | None) -> ModelCardData:
    results = _results(run)
    task = get_task(run["task"]) if run.get("task") else None
    license, license_name = _license(run.get("license") or run.get("backbone_license"))
    return ModelCardData(
        license=license,
        license_name=license_name,
        library_name="hftransfer" if run.get("head") == DENSE else "transformers",
        pipeline_tag=task.pipeline if task else None,
        base_model=base,
        base_model_relation="finetune" if base else None,
        tags=_tags(run),
        metrics=list(dict.fromkeys(result.metric_type for result in results)) or None,
        model_name=name if results else None,
        eval_results=results or None,
        widget=_widget(run),
    )


def _widget(run: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """To try on the model's page: single texts alone, since an image would need a public address."""
    task = get_task(run["task"]) if run.get("task") else None
    if task is None or task.modality.name != "text" or is_pair(run) or run.get("head") == DENSE:
        return None
    return [{"text": ABOUT[task.target.shape].text}]


def base_model(run: Mapping[str, Any]) -> str | None:
    """The backbone's id on the Hub; None for a folder."""
    name = str(run.get("backbone") or "")
    return name if name and is_on_hub(name, run) else None


def _license(given: str | None) -> tuple[str, str | None]:
    """The Hub's identifier, and a name where it has none for it. None stays unknown: it isn't ours to choose."""
    identifier = re.sub(r"[^a-z0-9.-]+", "-", (given or "unknown").strip().lower()).strip("-")
    return (identifier, None) if identifier in LICENSES else ("other", identifier)


def _tags(run: Mapping[str, Any]) -> list[str]:
    return ["hftransfer", "transfer-learning", *([run["strategy"]] if run.get("strategy") else [])]


def _results(run: Mapping[str, Any]) -> list[EvalResult]:
    """The metrics as the Hub's model-index wants them; figures that are none are left out."""
    source, metrics = str(run.get("source") or "unnamed"), run.get("metrics") or {}
    task = str(run.get("task") or "")
    return [
        EvalResult(
            task_type=get_task(task).pipeline if task else "",
            task_name=task.replace("-", " "),
            dataset_type=re.sub(r"[^\w./-]+", "-", source).strip("-./") or "unnamed",
            dataset_name=source,
            dataset_split=run.get("evaluated_on"),
            metric_type=measure(name).hub,
            metric_name=measure(name).title,
            metric_value=round(float(metric["value"]), 6),
        )
        for name, metric in ((name, metrics[name]) for name in ordered(metrics))
        if isinstance(metric.get("value"), int | float) and math.isfinite(metric["value"])
    ]
