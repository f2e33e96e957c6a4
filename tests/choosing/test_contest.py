"""`auto`: the probe, what may pay besides, and the best of them on validation, told and kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from hftransfer import Recipe, fine_tune
from hftransfer.checkpoints import best, figures
from hftransfer.choosing import Decision, Run, Settled, decide, facts, promising
from hftransfer.choosing.arena import Arena, Tried, figure_of
from hftransfer.choosing.candidates import candidates, patience, time_left, ways
from hftransfer.choosing.contest import _listed
from hftransfer.data import load_data
from hftransfer.models import load_backbone
from hftransfer.strategies import STRATEGIES, Facts, Phase, Rates
from hftransfer.tasks import get_task
from hftransfer.training import Over, Pace, Trained, Until, never, run_phases, steps_of, within_budget
from hftransfer.training.pace import BACKWARD
from hftransfer.values import Backbone, Dataset, Event
from tests.tiny import table, text_backbone

PROBE = STRATEGIES["feature-extraction"].phases(None, None)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Moved:
    """A strategy that moves everything by some rate, judged by nobody meanwhile: the last weights are kept."""

    name: str
    rate: float

    def phases(self, facts: object, recipe: Recipe) -> tuple[Phase, ...]:
        return (*PROBE, Phase(self.name, "everything", "trainer", rates=Rates(self.rate, self.rate), epochs=3.0))


def station(folder: Path, rows: int = 20, **choices: object) -> tuple[Backbone, Dataset, Recipe]:
    folder.mkdir(exist_ok=True)
    recipe = Recipe(backbone=str(text_backbone(folder / "b")), batch_size=8, precision="fp32", **choices)
    source = (folder / "t.csv").read_text() if (folder / "t.csv").exists() else table(folder / "t.csv", rows=rows)
    data = load_data(folder / "t.csv" if isinstance(source, str) else source, recipe)
    return load_backbone(get_task(data.task), data.labels, recipe), data, recipe


class Killed(list[Event]):
    """What is heard until something is."""

    def __init__(self, when: Callable[[Event], bool]) -> None:
        super().__init__()
        self.when = when

    def append(self, event: Event) -> None:
        super().append(event)
        if self.when(event):
            raise KeyboardInterrupt


def decided(folder: Path, heard: list[Event], over: Over = never, **choices: object) -> tuple[Decision, Dataset]:
    backbone, data, recipe = station(folder, **choices)
    (folder / "work").mkdir(exist_ok=True)
    settled = Settled(folder / "work" / "settled.json", recipe)
    return decide(
        Run(backbone, data, recipe, folder / "work", settled, heard.append, within_budget(recipe, over))
    ), data


def test_auto_keeps_the_best_on_validation_and_tells_what_it_tried(tmp_path: Path) -> None:
    heard: list[Event] = []
    decision, data = decided(tmp_path, heard, soup="greedy")
    names = [entry.name for entry in decision.tried]
    assert names == ["feature-extraction", "contrastive"]  # 14 training rows a label are few
    winner = next(entry for entry in decision.tried if entry.name == decision.strategy)
    assert winner.figure == max(entry.figure for entry in decision.tried) >= decision.tried[0].figure
    assert figure_of(decision.backbone, data, winner.metric).value == winner.value
    told = "\n".join(event.message for event in heard)
    assert "trying contrastive" in told and "14 training rows a label are few" in told
    assert f"strategy {decision.strategy}: the best of 2 on validation" in told
    assert decision.notes == (f"strategy {decision.strategy} makes no use of --soup",) and decision.notes[0] in told
    assert decision.recipe.soup == "greedy"


def test_a_candidate_that_ruins_the_model_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hftransfer.training.tuning.tune.descend", lambda leg, trainer: trainer.train())
    monkeypatch.setitem(STRATEGIES, "contrastive", Moved("contrastive", 30.0))
    decision, data = decided(tmp_path, [])
    probe, ruined = decision.tried
    assert ruined.figure < probe.figure and decision.strategy == "feature-extraction"
    assert figure_of(decision.backbone, data, probe.metric).value == probe.value
    assert [row["phase"] for row in decision.trained.history] == ["probe"]


def test_a_candidate_that_gains_nothing_does_not_win_by_its_start(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(STRATEGIES, "contrastive", Moved("contrastive", 30.0))  # watched: its start is kept
    decision, _ = decided(tmp_path, [])
    probe, other = decision.tried
    assert other.value == probe.value and (probe.taken, other.taken) == (True, False)
    assert decision.strategy == "feature-extraction"


def test_a_candidate_that_cannot_be_trained_is_passed_over(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(STRATEGIES, "contrastive", STRATEGIES["label-mapping"])  # the backbone has no classes
    decision, _ = decided(tmp_path, [])
    assert decision.strategy == "feature-extraction"
    assert decision.tried[1].value is None and "class" in decision.tried[1].why
    monkeypatch.undo()
    again, _ = decided(tmp_path, [])  # and stays so, else what is suggested by the figures would be another
    assert again.tried == decision.tried


def test_what_is_compared_leaves_validation_alone_and_begins_where_its_strategy_does(
    tmp_path: Path, monkeypatch
) -> None:
    ran: list[tuple[Phase, ...]] = []

    def noted(*args: object, **more: object) -> object:
        ran.append(tuple(args[2]))  # type: ignore[arg-type]
        return run_phases(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("hftransfer.choosing.arena.run_phases", noted)
    decision, data = decided(tmp_path, [])
    again = ran.pop()  # few rows chose; they are learned from once they have
    known = Facts("attention", data.rows["train"], 2, layers=2, smallest=14)
    assert again == STRATEGIES[decision.strategy].phases(known, decision.recipe)
    assert all(phase.whole for phase in again)
    assert [row["phase"] for row in decision.trained.history][-1] == again[-1].name
    decided(tmp_path / "tuned", [], strategy="contrastive", epochs=1, tune=1)
    assert any(phase.whole for phase in ran.pop())  # of a search, too
    assert not any(phase.whole for phases in ran for phase in phases)
    own = STRATEGIES["contrastive"].phases(Facts("attention", 28, 2, layers=2, smallest=14), Recipe(strategy="auto"))
    assert [phase.name for phase in ran[1]] == [phase.name for phase in own]


def test_a_run_that_goes_on_trains_no_candidate_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = decided(tmp_path, [])
    ran: list[int] = []

    def counted(*args: object, **more: object) -> object:
        ran.append(len(args[2]))  # type: ignore[arg-type]
        return run_phases(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("hftransfer.choosing.arena.run_phases", counted)
    second, _ = decided(tmp_path, [], over=lambda: True)  # what is known already needs no time
    assert ran == [] and second.tried == first.tried and second.strategy == first.strategy
    assert second.trained.history == first.trained.history
    weights = second.backbone.model.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in first.backbone.model.state_dict().items())
    assert best(tmp_path / "work") == tmp_path / "work" / "leader"


def test_a_candidate_that_a_kill_stopped_is_not_given_up_where_the_time_is_over(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(STRATEGIES, "contrastive", Moved("contrastive", 1e-3))
    with pytest.raises(KeyboardInterrupt):
        decided(tmp_path, Killed(lambda event: event.step == 5 and event.message == "contrastive"))
    decision, _ = decided(tmp_path, [], over=lambda: True)
    assert decision.tried[1].value is not None
    known = json.loads((tmp_path / "work" / "settled.json").read_text())["tried contrastive"]["trained"]
    assert {row["phase"] for row in known["history"]} == {"contrastive"} and known["cut"]


def test_where_the_rows_that_chose_are_not_learned_from_the_leader_is_kept(tmp_path: Path, monkeypatch) -> None:
    """The last run may have no time, be cut, or fail."""
    monkeypatch.setitem(STRATEGIES, "contrastive", Moved("contrastive", 30.0))  # the probe wins
    heard: list[Event] = Killed(lambda event: "once more" in event.message)
    with pytest.raises(KeyboardInterrupt):
        decided(tmp_path, heard, budget="10h")
    ends = []

    def ended(over: Over = never) -> Decision:
        heard: list[Event] = []
        decision, _ = decided(tmp_path, heard, over=over, budget="10h")
        ends.append([event.message.partition(": ")[2] for event in heard if "does without" in event.message])
        return decision

    file = tmp_path / "work" / "leader" / "figures.json"
    led = file.read_text()
    file.write_text(json.dumps(json.loads(led) | {"tried": {**json.loads(led)["tried"], "seconds": 36001.0}}))
    assert not ended().trained.cut
    file.write_text(led)
    assert ended(over=lambda: True).trained.cut
    with monkeypatch.context() as failing:
        failing.setattr("hftransfer.choosing.arena.run_phases", out_of_memory)
        assert not ended().trained.cut
    with monkeypatch.context() as slow:
        slow.setattr("hftransfer.choosing.arena.run_phases", lambda *args: Trained(cut=True))
        ended()
    assert figures(tmp_path / "work", "leader") == json.loads(led)
    none = ["there is no time left for them"]
    assert ends == [none, none, ["there is not enough memory"], ["the time was over"]]
    ended()
    assert ends.pop() == [] and figures(tmp_path / "work", "leader")["whole"]


def out_of_memory(*args: object) -> Trained:
    raise torch.OutOfMemoryError


def test_what_fits_is_judged_by_the_time_that_is_left(tmp_path: Path) -> None:
    """Of three rows a second, forward, and two a second in fp32."""
    _, data, recipe = station(tmp_path, rows=220, epochs=2.0, budget="10h")
    recipe, wide = recipe.with_(batch_size=10), recipe.with_(batch_size=64)
    train, validation = data.rows["train"], data.rows["validation"]
    pace, known = Pace(0.25, 1 / 3, 0.5), Facts("attention", train, 2, layers=2)
    l2_sp, lp_ft, *_ = candidates(pace, data, known, recipe, 1e9)
    steps = 2 * -(-train // 10)
    trained = (train + validation) * 0.25 + steps * 10 * BACKWARD / 3 + 3 * validation / 3
    assert l2_sp.seconds == pytest.approx(trained + validation * 0.75)
    left = l2_sp.seconds + lp_ft.seconds - 1
    assert [one.fits for one in candidates(pace, data, known, recipe, left)] == [True, False, False, False]
    few = Facts("attention", 80, 2, layers=2, smallest=40)
    drawn, *_ = candidates(pace, data, few, wide, 1e9)
    steps = steps_of(STRATEGIES["contrastive"].phases(few, wide)[1], train, wide)
    trained = steps * 16 * BACKWARD / 3 + (train + validation) * (0.25 + 0.25 + 1 / 3)  # and read again for its head
    assert (drawn.name, drawn.seconds) == ("contrastive", pytest.approx(trained + validation * 0.75))


def test_the_probe_can_be_used_before_it_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[Path | None] = []

    def seen(*args: object) -> object:
        there.append(best(tmp_path / "work"))
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr("hftransfer.choosing.arena.figure_of", seen)
        decided(tmp_path, [], budget="0.000001s")
    assert there == [tmp_path / "work" / "leader"] and (there[0] / "config.json").is_file()
    decision, _ = decided(tmp_path, [], budget="0.000001s")  # and is measured when the run goes on
    assert decision.tried[0].value is not None


def test_what_has_no_time_is_passed_over_and_told(tmp_path: Path) -> None:
    heard: list[Event] = []
    backbone, data, recipe = station(tmp_path, rows=220, epochs=1, budget="0.000001s")
    assert promising(facts(backbone, data))[0][0] == "l2-sp"
    decision, _ = decided(tmp_path, heard, epochs=1, budget="0.000001s")
    assert decision.strategy == "feature-extraction"
    assert all(entry.value is None and "more than there is" in entry.why for entry in decision.tried[1:])
    assert any(event.message.startswith("l2-sp is not tried: it would take about") for event in heard)


def test_what_was_tried_stands_in_the_report(tmp_path: Path) -> None:
    backbone = str(text_backbone(tmp_path / "b"))
    recipe = Recipe(backbone=backbone, batch_size=8, test_share=0.0)
    model = fine_tune(table(tmp_path / "t.csv"), recipe, output=tmp_path / "m")
    assert [entry["name"] for entry in model.report["tried"]] == ["feature-extraction", "contrastive"]
    assert model.report["strategy"] in STRATEGIES and model.report["recipe"]["strategy"] == "auto"
    assert any("also chose" in note for note in model.report["notes"])  # there is no test that did not
    assert {"name", "why", "metric", "value", "low", "high", "seconds"} <= set(model.report["tried"][0])


def test_what_leaves_much_to_gain_is_given_more_time() -> None:
    given = [patience(reached) for reached in (1.0, 0.95, 0.9, 0.3, -2.0, None)]
    assert given == pytest.approx([40, 170, 300, 300, 300, 300])


@pytest.mark.parametrize(
    ("reached", "slower", "fit"),
    [(1.0, 1, set()), (0.6, 1, {"l2-sp", "lp-ft"}), (0.6, 4, set()), (0.6, 1.8, {"l2-sp"})],
)
def test_no_budget_means_as_much_time_as_pays(
    tmp_path: Path, reached: float, slower: float, fit: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candidates of about a hundred seconds by what a pass takes, and of more as their steps are timed."""
    backbone, data, recipe = station(tmp_path, rows=220, epochs=2.0)
    row = 100 / (BACKWARD * 2 * -(-data.rows["train"] // recipe.batch_size) * recipe.batch_size)
    timed: list[str] = []

    def steps(trial: object, phases: list[Phase], *_: object, **__: object) -> dict[Phase, float]:
        timed.extend(phase.name for phase in phases)
        return dict.fromkeys(phases, slower * BACKWARD * row)

    monkeypatch.setattr("hftransfer.choosing.contest.Trial.pace", lambda *_: Pace(0.0, row, 0.0))
    monkeypatch.setattr("hftransfer.choosing.contest.Trial.steps", steps)
    run = Run(backbone, data, recipe, tmp_path, Settled(tmp_path / "settled.json", recipe), print, Until(never))
    known, probe = facts(backbone, data), Tried("feature-extraction", "", "accuracy", reached)
    found = _listed(run, known, dict.fromkeys(ways(known, recipe), backbone), backbone, probe)
    assert {row["name"] for row in found if row["fits"]} == fit
    assert len(timed) == (0 if reached == 1 else 4)  # whichever may fit alone


def test_a_search_has_no_more_time_than_a_contest() -> None:
    assert time_left(Recipe(budget="10m"), 500.0) == 500.0
    assert [time_left(Recipe(), left, 0.95) for left in (60.0, math.inf)] == pytest.approx([60, 170])


def test_a_later_candidate_must_be_better_by_more_than_luck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that validation watched by more than a standard error; one that it did not has to be as good."""
    heard: list[Event] = []
    backbone, data, recipe = station(tmp_path)
    settled = Settled(tmp_path / "s.json", recipe)
    arena = Arena(Run(backbone, data, recipe, tmp_path, settled, heard.append, Until(never)))
    arena.tried.append(Tried("contrastive", "", "accuracy", 0.90, 0.85, 0.95))
    monkeypatch.setattr(Arena, "leader", "contrastive")
    watched, moved = Phase("full", "everything", "trainer"), Phase("tuned", "layers", "trainer", loss="contrastive")
    assert (watched.judged, moved.judged) == (True, False)

    def leads(value: float, phase: Phase) -> bool:
        return arena._leads(Tried("another", "", "accuracy", value), (phase,))

    assert [leads(value, watched) for value in (0.92, 0.93)] == [False, True]
    assert [leads(value, moved) for value in (0.89, 0.90)] == [False, True]
    arena.tried[0] = Tried("contrastive", "", "r2", 0.40, -0.90, 0.65)
    assert leads(0.55, watched)  # luck is by the shorter side
    arena.tried[0] = Tried("contrastive", "", "accuracy", 0.90, 0.85, 0.95)
    arena.tried.append(Tried("full", "", "accuracy", 0.92))
    arena.trained = {"contrastive": Trained(), "full": Trained()}
    arena.tell_of_leader()
    assert heard[-1].message == "strategy contrastive: none of 2 is better by more than luck"
    arena.wary = False  # a search
    assert [leads(value, watched) for value in (0.90, 0.91)] == [False, True]
