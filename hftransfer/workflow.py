"""The whole job, stations in order."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import set_seed

from .checkpoints import PROCESSOR, SETTLED, SPENT, STAGED, best, seconds_spent
from .choosing import Decision, Run, Settled, decide, pick_backbone, require, with_language
from .continuing import note_origin, went_on
from .data import counted, load_data
from .home import home
from .models.backbones import Choice, is_starter, larger_than, license_of
from .models.dense import is_dense
from .models.device import peak_memory
from .models.loading import load_backbone
from .models.ours import known_of
from .models.sizes import fit_image_size
from .models.words import aggregation
from .output import staged, writable
from .predictor import Predictor, write_checkpoint, write_recipe
from .publish.card import card
from .recipe import Recipe
from .results.advice import advise, sampled
from .results.report import write_report
from .tasks import get_task
from .training import ALONE, BOTH, Over, cross_validation, never, probing, refuse, with_pseudo_labels, within_budget
from .usage import DENSE
from .values import Backbone, Dataset, Event, Listener, silent

NOTED = 1.0  # seconds between two notes of the time spent


def fine_tune(
    source: Any,
    recipe: Recipe | None = None,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    on_event: Listener | None = None,
    workdir: str | Path | None = None,
    over: Over = never,
) -> Predictor:
    """Turn labelled images or texts into a fine-tuned model.

    Args:
        source: a folder, a zip, a table, a Hub data set, `sample:NAME`, or a `datasets.Dataset`.
        recipe: every choice; by default all of them are made from the data and the machine.
        output: the model's folder, which appears when all is done; by default a new
            one in `HFTRANSFER_HOME`.
        overwrite: replace a model of ours that lies there.
        on_event: hears of progress.
        workdir: a folder for what the run needs meanwhile, its checkpoints among it. Given
            again after a stop or a kill, with the same source and recipe, the run goes on to
            the same result. It is the caller's to delete; by default a temporary one.
        over: asked now and then; once it says yes, training ends, and the best model so
            far is measured and saved.

    Raises:
        HFTransferError: the source, a choice, the backbone or the output is at fault.
    """
    recipe, spent = recipe or Recipe(), Stopwatch(workdir)
    tell = spent.noted(on_event or silent)
    target = Path(output) if output else home("models") / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    note = Path(workdir) / STAGED if workdir else None
    with staged(target, overwrite=overwrite, note=note) as folder, _working(workdir, folder.parent) as work:
        settled = Settled(work / SETTLED, recipe)
        set_seed(recipe.seed)
        with spent("load"):
            known = known_of(recipe.backbone, recipe.revision)
            data = load_data(source, recipe, known=known, on_event=tell)
            task = get_task(settled.once("task", lambda: data.task))
            refuse(task, recipe)
            chosen = Choice(**settled.once("backbone", lambda: asdict(pick_backbone(task.modality.name, recipe, tell))))
            backbone = load_backbone(task, data.labels, replace(recipe, backbone=chosen.name), known=len(data.known))
            if not data.known or recipe.image_size:  # a head that is kept reads features of one size
                backbone = fit_image_size(backbone, data.splits["train"], recipe)
            require(backbone, data, recipe)
            data = with_language(data, backbone, tell)
            if data.pairs:
                backbone.model.config.text_pair = True
            settled.require("data", dict(data.digests), "the data has changed since the run began")
            settled.require("weights", backbone.key, "the backbone has changed since the run began")
            backbone.processor.save_pretrained(work / PROCESSOR)
        with spent("train"):
            probe = probing(backbone, data, recipe, tell)
            beside = settled.once("cross_validation", lambda: cross_validation(probe))
            data, more = with_pseudo_labels(probe, settled.once)
            ended = within_budget(recipe, over, spent.so_far()["train"])
            decision = decide(Run(backbone, data, recipe, work, settled, tell, ended))
            backbone, trained = decision.backbone, decision.trained
        tell(Event("save", "writing the checkpoint"))
        write_checkpoint(backbone, folder, best(work))
        with spent("evaluate"):
            predictor = Predictor.from_pretrained(folder, device=recipe.device).tuned(data.splits["validation"])
            report = predictor.measure(data.splits[data.evaluated_on], on_event=tell)
            learnt = predictor.measure(sampled(data.splits["train"]))
            gone_on = went_on(recipe, predictor, data, tell) if data.known else {}
        notes = (*data.notes, *decision.notes, *_told(decision, data), *_flattered(predictor, data, decision))
        data = replace(data, notes=notes)
        run = {
            **described(target, data, backbone, chosen, decision.strategy, decision.recipe),
            **report.to_json(),
            "train_metrics": learnt.to_json()["metrics"],
            "rows": data.rows,
            "seconds": spent.split(features=trained.features_seconds),
            "history": list(trained.history),
            **({"tried": [entry.to_json() for entry in decision.tried]} if decision.tried else {}),
            "peak_memory_mb": peak_memory(),
            "stopped_early": trained.cut,
            **gone_on,
            **beside,
            **more,
        }
        run["advice"] = advise(run, larger=larger_than(chosen.name))
        write_recipe(decision.recipe, folder)
        write_report(run, folder)
        (folder / "README.md").write_text(card(run), encoding="utf-8")
    note_origin(source, recipe, data, target)
    return predictor.at(target)


def _told(decision: Decision, data: Dataset) -> list[str]:
    """Whether validation's rows were learned from too, and whether there was time enough."""
    rows, last = data.rows["validation"], decision.trained.history[-1]
    learned = [f"{rows} rows of validation were too few to choose by: the model learned from them too"]
    ended = ["training was ended before its time, with the best so far"]
    return [*(learned if last.get("chosen_by") == BOTH else []), *(ended if decision.trained.cut else [])]


def _flattered(predictor: Predictor, data: Dataset, decision: Decision) -> list[str]:
    """What the rows that are reported had a hand in, where there are no others."""
    if data.evaluated_on != "validation":
        return []
    left = not decision.tried and all(row.get("chosen_by") == ALONE for row in decision.trained.history)
    kept = [] if left else ["the rows that are reported also chose what was kept: on others it may do less well"]
    tuned = ["the thresholds were tuned on the rows that are reported"] if predictor.thresholds else []
    return [*kept, *tuned]


@contextmanager
def _working(given: str | Path | None, beside: Path) -> Iterator[Path]:
    """The caller's work folder, else one that lasts as long as the run."""
    if given is None:
        with TemporaryDirectory(dir=beside, prefix=".work.") as folder:
            yield Path(folder)
    else:
        with writable(Path(given)):
            Path(given).mkdir(parents=True, exist_ok=True)
        yield Path(given)


class Stopwatch:
    """Seconds by stage, and in all. Where there is a work folder, those of earlier attempts lie there, and count."""

    def __init__(self, workdir: str | Path | None = None) -> None:
        self.file = Path(workdir) / SPENT if workdir else None
        self.stages = seconds_spent(Path(workdir)) if workdir else {}
        self.began = self.written = time.perf_counter()
        self.earlier = self.stages.pop("total", 0.0)
        self.now: tuple[str, float] | None = None

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self.now = stage, time.perf_counter()
        try:
            yield
        finally:
            self.stages, self.now = self.so_far(), None
            self.note()

    def noted(self, listener: Listener) -> Listener:
        """The listener, and at its events a note for the next attempt: a kill is not announced."""

        def listen(event: Event) -> None:
            if time.perf_counter() - self.written > NOTED:
                self.note()
            listener(event)

        return listen if self.file else listener

    def note(self) -> None:
        self.written = time.perf_counter()
        if self.file:
            with suppress(OSError):  # a disk that is full is told by what matters more
                part = self.file.with_suffix(".part")
                part.write_text(json.dumps({**self.so_far(), "total": self.total()}), encoding="utf-8")
                part.replace(self.file)

    def so_far(self) -> dict[str, float]:
        if self.now is None:
            return self.stages
        stage, began = self.now
        return {**self.stages, stage: self.stages.get(stage, 0.0) + time.perf_counter() - began}

    def total(self) -> float:
        return self.earlier + time.perf_counter() - self.began

    def split(self, *, features: float) -> dict[str, float]:
        """All stages; the features' share is taken out of training's."""
        stages = {**self.stages, "features": features, "train": self.stages["train"] - features}
        return {name: round(value, 3) for name, value in {"total": self.total(), **stages}.items()}


def described(
    target: Path, data: Dataset, backbone: Backbone, chosen: Choice, strategy: str, recipe: Recipe
) -> dict[str, Any]:
    """What was trained on what: a run's report without its figures."""
    return {
        "model": target.name,
        "task": data.task,
        "backbone": backbone.name,
        "backbone_revision": backbone.revision,
        "backbone_on_hub": not (Path(backbone.name).exists() or is_starter(backbone.name)),
        "backbone_why": chosen.why,
        "backbone_license": license_of(backbone.name),
        "strategy": strategy,
        **({"head": DENSE} if is_dense(backbone.model.config) else {}),
        "labels": list(data.labels),
        "label_rows": counted(data, "train"),
        **({"text_pair": True} if data.pairs else {}),
        **({"aggregation": aggregation(backbone.processor)} if get_task(data.task).target.unit == "word" else {}),
        "evaluated_on": data.evaluated_on,
        "source": data.name,
        "notes": list(data.notes),
        "problems": [problem.to_json() for problem in data.problems],
        "recipe": recipe.to_json(),
        "versions": {name: version(name) for name in ("hftransfer", "transformers", "torch")},
    }
