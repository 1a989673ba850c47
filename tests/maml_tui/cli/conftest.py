from __future__ import annotations

import pytest
from run_folders import change_status

from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.runs.directory import create_run
from engine.runs.events import AtStep, EvaluationEvent, Measurement, Protocol, TrainEvent
from maml_tui.cli import run as run_command_line


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The state directory of this test, in a terminal of a hundred columns."""
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "state"


@pytest.fixture
def maml(capsys):
    """Run one command line; return (exit code, stdout, stderr)."""

    def invoke(*arguments):
        code = run_command_line(list(arguments))
        return code, *capsys.readouterr()

    return invoke


@pytest.fixture
def terminal(monkeypatch):
    """Make stdout a terminal without colours, of so many columns."""

    def make(columns):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("TTY_COMPATIBLE", "0")
        monkeypatch.setenv("COLUMNS", str(columns))

    return make


@pytest.fixture
def smoke():
    """The smoke preset's checked configuration."""
    return load_preset("smoke").resolved()


@pytest.fixture
def new_run(smoke):
    """Make a run on disk, its status changed as told."""

    def make(name="demo", **status):
        preset = load_preset("smoke")
        record = RunRecord(
            smoke, name, command="maml train smoke", preset={"name": "smoke", "sha256": preset.sha256}
        )
        run = create_run(name, record.to_toml)
        change_status(run, **status)
        return run

    return make


@pytest.fixture
def train_event():
    """Make a record of a meta-update."""

    def make(iteration, **changes):
        values = {"loss": 0.236, "accuracy": 0.948, "iterations_per_second": 2.41, "tasks_per_second": 38.6}
        return TrainEvent(iteration=iteration, **{**values, **changes})

    return make


@pytest.fixture
def measurement():
    """Make a measurement with the same numbers at every step but the step itself."""

    def make(*, steps=3, metric="accuracy", split="val", mean=0.93125, ci95=0.0071, diverged=0, **protocol):
        at = tuple(
            AtStep(step=step, mean=mean, ci95=ci95, median=mean, diverged=diverged)
            for step in range(steps + 1)
        )
        ways, mode = (None, None) if metric == "mse" else (5, "transductive")
        usual = {
            "split": split,
            "tasks": 600,
            "shots": 1,
            "queries": 2,
            "seed": 1234,
            "ways": ways,
            "mode": mode,
        }
        return Measurement(
            metric=metric,
            protocol=Protocol(steps=steps, **{**usual, **protocol}),
            loss=at if metric == "mse" else tuple(one.model_copy(update={"mean": 0.287}) for one in at),
            accuracy=None if metric == "mse" else at,
        )

    return make


@pytest.fixture
def evaluation_event(measurement):
    """Make a record of a validation."""

    def make(iteration, *, checkpoint="current", measured=None, **contest):
        measured = measured or measurement()
        return EvaluationEvent(
            iteration=iteration,
            split=measured.protocol.split,
            checkpoint=checkpoint,
            seconds=1.0,
            measurement=measured,
            **contest,
        )

    return make


@pytest.fixture
def service(monkeypatch):
    """Stand in for helper processes: `service(answer)` makes `answer(question)` theirs, and keeps the questions."""

    def use(answer):
        questions = []

        def ask(service, question, environment=None):
            questions.append(question)
            return answer(question)

        for command in ("adapt", "compare", "evaluate", "export", "reproduce"):
            monkeypatch.setattr(f"maml_tui.cli.{command}.ask", ask)
        return questions

    return use
