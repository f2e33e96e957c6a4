"""The shell: JSON alone on standard output, one clear error, the contract's exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from hftransfer import cli
from tests.tiny import image_backbone, picture, pictures, table, text_backbone

TRAINED = {"model", "task", "backbone", "strategy", "labels", "evaluated_on", "rows", "metrics", "seconds"}


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]):
    """Runs a command in this process: its exit code, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return text_backbone(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_backbone(tmp_path_factory.mktemp("vit"))


def train(shell, source: Path | str, backbone: Path, output: Path, *more: object) -> tuple[int, str, str]:
    words = ("train", source, "-o", output, "--backbone", backbone, "--strategy", "feature-extraction", "--json")
    return shell(*words, *more)


def test_the_whole_job_in_json(shell, bert: Path, tmp_path: Path) -> None:
    source, model = table(tmp_path / "t.csv"), tmp_path / "model"
    code, out, _ = shell("check", source, "--json")
    found = json.loads(out)
    assert code == 0 and set(found) == {"task", "rows", "labels", "problems"}
    assert (found["task"], found["rows"], found["labels"]) == ("text-classification", 40, {"bad": 20, "good": 20})

    code, out, err = train(shell, source, bert, model)
    run = json.loads(out)
    assert code == 0 and set(run) == TRAINED
    assert run["model"] == str(model) and run["rows"] == {"train": 28, "validation": 6, "test": 6}
    assert set(run["metrics"]["accuracy"]) == {"value", "low", "high"}
    assert set(run["seconds"]) == {"total", "load", "features", "train", "evaluate"}
    assert "head solved" in err  # progress goes there, and only there

    code, out, _ = shell("evaluate", model, source, "--json")
    assert code == 0 and set(json.loads(out)) == {"rows", "metrics", "per_label", "confusion"}

    code, out, _ = shell("predict", model, "the day was lovely happy 1", "sad awful", "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and [answer["prediction"] for answer in answers] == ["good", "bad"]
    assert set(answers[0]) == {"input", "prediction", "score", "scores", "unfamiliar"}


def test_a_plan_tells_the_steps_that_training_then_makes(shell, bert: Path, tmp_path: Path) -> None:
    source, model = table(tmp_path / "t.csv"), tmp_path / "model"
    asked = ("--backbone", bert, "--strategy", "full", "--epochs", 3, "--batch-size", 8, "--json")
    code, out, _ = shell("plan", source, *asked)
    planned = json.loads(out)
    assert code == 0 and planned["seconds"] > 0 and planned["memory_mb"] > 0
    code, out, _ = shell("train", source, "-o", model, *asked)
    run = json.loads(out)
    history = json.loads((model / "report.json").read_text())["history"]
    assert code == 0 and planned["steps"] == max(entry["step"] for entry in history if entry["phase"] == "full")
    assert {name: planned[name] for name in ("task", "backbone", "strategy", "rows")} == {
        name: run[name] for name in ("task", "backbone", "strategy", "rows")
    }
    code, out, _ = shell("plan", source, "--backbone", bert, "--strategy", "feature-extraction")
    assert code == 0 and "28 rows to learn from" in out and "a head is solved" in out


def test_results_are_readable_without_json(shell, vit: Path, tmp_path: Path) -> None:
    source = pictures(tmp_path / "p.zip")
    code, out, _ = shell("train", source, "-o", tmp_path / "m", "--backbone", vit, "--strategy", "feature-extraction")
    assert code == 0 and "accuracy" in out and "report.html" in out
    with zipfile.ZipFile(source) as archive:
        archive.extract("colours/amber/0.png", tmp_path)
    code, out, _ = shell("predict", tmp_path / "m", tmp_path / "colours/amber/0.png")
    assert code == 0 and out.startswith("amber  ")
    assert shell("check", source)[1].startswith("image-classification: 32 rows")
    assert "precision" in shell("evaluate", tmp_path / "m", source)[1]


def test_a_recipe_file_and_options_that_override_it(shell, bert: Path, tmp_path: Path) -> None:
    config = tmp_path / "r.toml"
    config.write_text(f'backbone = "{bert}"\nstrategy = "full"\nepochs = 1\nseed = 7\n')
    source = table(tmp_path / "t.csv")
    code, out, err = shell("train", source, "-o", tmp_path / "m", "--config", config, "--epochs", "2", "--json")
    assert code == 0, err
    assert json.loads(out)["strategy"] == "full"
    recipe = json.loads((tmp_path / "m" / "recipe.json").read_text())
    assert (recipe["epochs"], recipe["seed"]) == (2.0, 7)


def write_bad_inputs(folder: Path) -> dict[str, tuple[Path | str, tuple[str, ...], str]]:
    """Every bad source of the issue: what it is, more options, and a word that the message must hold."""
    table(folder / "fine.csv")
    (folder / "empty").mkdir()
    zipfile.ZipFile(folder / "empty.zip", "w").close()
    (folder / "no.zip").write_bytes(b"this is no zip at all")
    (folder / "one.csv").write_text("text,label\n" + "\n".join(f"row {n},same" for n in range(9)))
    (folder / "unlabelled.csv").write_text("text,label\n" + "\n".join(f"row {n}," for n in range(9)))
    with zipfile.ZipFile(folder / "dots.zip", "w") as archive:
        archive.writestr("../../evil/cat/1.png", picture("amber", 0))
    with zipfile.ZipFile(folder / "root.zip", "w") as archive:
        archive.writestr("/etc/cat/1.png", picture("amber", 0))
    with zipfile.ZipFile(folder / "link.zip", "w") as archive:
        link = zipfile.ZipInfo("cat/1.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(folder / "broken.zip", "w") as archive:
        for kind in ("cat", "dog"):
            for number in range(4):
                archive.writestr(f"{kind}/{number}.png", b"\x89PNG\r\n\x1a\n broken")
    return {
        "no such path": (folder / "absent.csv", (), "absent.csv"),
        "no such sample": ("sample:nothing", (), "helpdesk"),
        "an empty folder": (folder / "empty", (), "empty"),
        "an empty zip": (folder / "empty.zip", (), "empty.zip"),
        "no zip": (folder / "no.zip", (), "no.zip"),
        "a single class": (folder / "one.csv", (), "same"),
        "no label anywhere": (folder / "unlabelled.csv", (), "label"),
        "a column that is not there": (folder / "fine.csv", ("--label-column", "labl"), "'text', 'label'"),
        "dots in a zip": (folder / "dots.zip", (), "../../evil/cat/1.png"),
        "an absolute path in a zip": (folder / "root.zip", (), "/etc/cat/1.png"),
        "a link in a zip": (folder / "link.zip", (), "cat/1.png"),
        "images that are none": (folder / "broken.zip", (), "cat/0.png"),
        "an unknown task": (folder / "fine.csv", ("--task", "text-magic"), "text-classification"),
        "an unknown strategy": (folder / "fine.csv", ("--strategy", "prayer"), "feature-extraction"),
        "fp16 on a CPU": (folder / "fine.csv", ("--precision", "fp16", "--device", "cpu"), "bf16"),
        "no such device": (folder / "fine.csv", ("--device", "abacus"), "abacus"),
        "a budget that is none": (folder / "fine.csv", ("--budget", "soon"), "10m"),
    }


BAD = [
    *("no such path", "no such sample", "an empty folder", "an empty zip", "no zip", "a single class"),
    *("no label anywhere", "a column that is not there", "dots in a zip", "an absolute path in a zip"),
    *("a link in a zip", "images that are none", "an unknown task", "an unknown strategy", "fp16 on a CPU"),
    *("no such device", "a budget that is none"),
]


@pytest.mark.parametrize("what", BAD)
def test_bad_input_ends_in_one_clear_message(what: str, shell, bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    source, options, word = write_bad_inputs(folder)[what]
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, out, err = train(shell, source, bert, tmp_path / "model", *options)
    body = json.loads(out)["error"]
    assert code == 2
    assert "Traceback" not in err and "hftransfer: " in err
    assert body["cause"] and body["fix"], body
    assert word in err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert {path.name for path in tmp_path.iterdir()} <= {"bad", "home"}


@pytest.mark.parametrize(
    ("prepare", "options"),
    [
        (lambda model: (model / "thesis.txt").write_text("mine"), ()),
        (lambda model: (model / "thesis.txt").write_text("mine"), ("--overwrite",)),
    ],
)
def test_an_output_that_holds_something_else_stays_whole(prepare, options, shell, bert: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    prepare(model)
    code, _, err = train(shell, table(tmp_path / "t.csv"), bert, model, *options)
    assert code == 2 and str(model) in err
    assert [path.name for path in model.iterdir()] == ["thesis.txt"]


def test_a_backbone_of_the_wrong_modality(shell, vit: Path, bert: Path, tmp_path: Path) -> None:
    code, _, err = train(shell, table(tmp_path / "t.csv"), vit, tmp_path / "m")
    assert code == 2 and "no backbone for texts" in err
    code, _, err = train(shell, pictures(tmp_path / "p.zip"), bert, tmp_path / "m")
    assert code == 2 and "no backbone for images" in err
    assert not (tmp_path / "m").exists()


def test_predicting_with_what_is_no_model(shell, tmp_path: Path) -> None:
    code, out, _ = shell("predict", tmp_path, "hello", "--json")
    assert code == 2 and json.loads(out)["error"]["kind"] == "BackboneError"


def test_unknown_commands_and_options_are_usage_errors(shell) -> None:
    for words in (("fly",), ("train", "x"), ("check", "x", "--colour", "red")):
        code, out, err = shell(*words)
        assert code == 2 and out == "" and "hftransfer: " in err and "--help" in err


def test_a_fault_of_ours_is_told_apart(shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_home: Path) -> None:
    monkeypatch.setattr("hftransfer.data.check", lambda *args, **more: 1 / 0)
    code, out, err = shell("check", "x", "--json")
    assert code == 1 and json.loads(out)["error"]["kind"] == "Fault"
    assert "Traceback" not in err and "report it" in err
    assert "ZeroDivisionError" in (own_home / "logs" / "fault.log").read_text()


def test_a_full_disk_is_no_fault_of_ours(bert: Path, tmp_path: Path) -> None:
    """A real limit on file sizes, in a process of its own: exit 2, and nothing half written."""
    table(tmp_path / "t.csv")
    source = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import torch, transformers, sklearn, matplotlib.font_manager, hftransfer.workflow\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "from hftransfer.cli import main; main()"
    )
    words = ["train", tmp_path / "t.csv", "-o", tmp_path / "m", "--backbone", bert, "--strategy", "feature-extraction"]
    done = subprocess.run([sys.executable, "-c", source, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"t.csv", "home"}


@pytest.mark.parametrize("sign", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_stopped_run_ends_with_130_and_leaves_nothing(sign: signal.Signals, bert: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "t.csv", rows=200)
    command = [sys.executable, "-m", "hftransfer", "train", source, "-o", tmp_path / "m", "--backbone", bert]
    command += ["--strategy", "full", "--epochs", "5000", "--patience", "5000"]
    words = [str(word) for word in command]

    def heed() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it

    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=os.environ.copy(), preexec_fn=heed) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "preparing the rows" in line:
                break
        time.sleep(2)
        process.send_signal(sign)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "stopped" in rest and "Traceback" not in rest
    assert {path.name for path in tmp_path.iterdir()} <= {"t.csv", "home"}


def test_the_current_folder_is_no_output(shell, bert: Path, tmp_path: Path, monkeypatch) -> None:
    """It would be swapped for another under the shell's feet."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    code, _, err = train(shell, table(tmp_path / "t.csv"), bert, Path("."))
    assert code == 2 and "current folder" in err
    assert train(shell, tmp_path / "t.csv", bert, Path("new"))[0] == 0
    assert (tmp_path / "here" / "new" / "model.safetensors").is_file()


def test_a_home_that_cannot_be_made_is_told(shell, bert: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HFTRANSFER_HOME", str(tmp_path / "file"))
    code, out, err = train(shell, table(tmp_path / "t.csv"), bert, tmp_path / "m")
    assert code == 2 and "HFTRANSFER_HOME" in json.loads(out)["error"]["fix"]
    assert "Traceback" not in err


def test_a_checkpoint_that_was_cut_off_is_told(shell, bert: Path, tmp_path: Path) -> None:
    source, model = table(tmp_path / "t.csv"), tmp_path / "m"
    assert train(shell, source, bert, model)[0] == 0
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    for command in (("predict", model, "x"), ("train", source, "-o", tmp_path / "n", "--backbone", model)):
        code, out, err = shell(*command, "--json")
        assert code == 2 and json.loads(out)["error"]["place"] and "Traceback" not in err


def test_usage_errors_have_a_place_and_a_next_step(shell) -> None:
    code, out, _ = shell("train", "x", "--json")
    body = json.loads(out)["error"]
    assert code == 2 and body["place"] == "hftransfer train" and "--help" in body["fix"]


def test_evaluate_refuses_another_task(shell, bert: Path, tmp_path: Path) -> None:
    source, model = table(tmp_path / "t.csv"), tmp_path / "m"
    train(shell, source, bert, model)
    assert shell("evaluate", model, source, "--task", "text-classification", "--json")[0] == 0
    assert shell("evaluate", model, source, "--task", "image-classification", "--json")[0] == 2


def test_a_name_that_no_encoding_can_write_is_told_all_the_same(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    command = [sys.executable, "-m", "hftransfer", "check", odd, "--json"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 2 and b"Traceback" not in done.stderr
    assert json.loads(done.stdout)["error"]["kind"] == "SourceMissing"


def test_a_check_that_repairs(shell, tmp_path: Path) -> None:
    source = table(tmp_path / "days.csv")
    source.write_text(f"{source.read_text()}call 13812345678 soon,good\n  a day of sun,\n", encoding="utf-8")
    code, out, _ = shell("check", source, "--repair", tmp_path / "clean", "--redact", "--json")
    report = json.loads(out)
    assert code == 0 and {row["code"]: row["count"] for row in report["repaired"]} == {
        "personal-data": 1,
        "missing-label": 1,
    }
    assert "[phone]" in (tmp_path / "clean" / "all.jsonl").read_text() and report["copy"]["rows"] == 41
    code, out, err = shell("check", source, "--repair", tmp_path / "clean")
    assert code == 2 and "not empty" in err and "after --repair" in err and "--overwrite" not in err
    code, out, _ = shell("check", source, "--repair", tmp_path / "other")
    assert code == 0 and "repaired: missing-label, 1" in out and "41 rows are in" in out
