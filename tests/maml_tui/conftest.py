"""Runs as files, without a worker: what the views of a run are tried on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from environment import isolate
from run_folders import THIS_PROCESS, change_status, make_run

from engine.config.presets import load_preset
from engine.config.record import read_record
from engine.config.resolve import override_layer, resolve
from engine.runs.directory import RunDirectory
from engine.runs.events import AtStep, CheckpointEvent, EvaluationEvent, Measurement, Protocol, TrainEvent
from engine.runs.journal import EventWriter
from engine.runs.result import Measured, Result, Scores, write_result
from engine.runs.status import GpuTelemetry, Status, Telemetry, read_status
from engine.services.messages import EvaluationReport
from engine.statistics.summary import summarise
from maml_tui.reports.contender import Contender, outcome_of
from maml_tui.runs.listing import RunFacts
from maml_tui.runs.watch import RunWatch

NOW = 1_700_000_000.0
ACCURACIES = (0.21, 0.78, 0.88, 0.93)
GIB = 2**30


def _curve(metric, values, split="val", diverged=0):
    """A measurement whose series of the metric is `values`, one per step."""

    def series(means):
        return tuple(
            AtStep(step=step, mean=mean, ci95=0.007, median=mean, diverged=diverged)
            for step, mean in enumerate(means)
        )

    protocol = Protocol(split=split, tasks=600, shots=1, queries=2, steps=len(values) - 1, seed=1)
    loss = values if metric == "mse" else [1 - value for value in values]
    accuracy = None if metric == "mse" else series(values)
    return Measurement(metric=metric, protocol=protocol, loss=series(loss), accuracy=accuracy)


def _validation(iteration, values=ACCURACIES, metric="accuracy", diverged=0, **contest):
    measurement = _curve(metric, values, diverged=diverged)
    return EvaluationEvent(
        iteration=iteration,
        split="val",
        checkpoint="current",
        seconds=5.2,
        measurement=measurement,
        **contest,
    )


def _test(iteration, checkpoint="best", values=(0.2, 0.7, 0.8, 0.9, 0.91, 0.92)):
    measurement = _curve("accuracy", values, split="test")
    return EvaluationEvent(
        iteration=iteration, split="test", checkpoint=checkpoint, seconds=5.2, measurement=measurement
    )


def _trained(iteration, **changes):
    values = {
        "loss": 0.2,
        "accuracy": 0.95,
        "grad_norm": 1.5,
        "iterations_per_second": 2.0,
        "tasks_per_second": 16.0,
    }
    return TrainEvent(iteration=iteration, **values | changes)


def _saved(iteration):
    return CheckpointEvent(iteration=iteration, file="f.pt", bytes=2**20, seconds=0.1, reason="periodic")


def _sample(time=NOW, gpu=True, **changes):
    card = GpuTelemetry(
        name="H200",
        utilization=87,
        memory_used=12 * GIB,
        memory_total=139 * GIB,
        power=412,
        temperature=58,
        sm_clock=1755,
    )
    values = {
        "time": time,
        "cpu_percent": 190.0,
        "cores": 16,
        "rss": 3 * GIB,
        "memory_used": 20 * GIB,
        "memory_total": 128 * GIB,
        "gpu": card if gpu else None,
    }
    return Telemetry(**values | changes)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    isolate(monkeypatch, tmp_path)


@pytest.fixture
def root(tmp_path):
    """Where the runs of this test are."""
    return tmp_path / "state" / "runs"


@pytest.fixture
def now():
    """The moment at which the runs of `new_run` are looked at: their last sign of life is of now."""
    return NOW


@pytest.fixture
def records():
    """Make records of a journal, and samples of a machine."""
    return SimpleNamespace(validation=_validation, test=_test, trained=_trained, saved=_saved, sample=_sample)


@pytest.fixture
def run_with(root):
    """Make a run: `run_with(*events, preset=..., overrides=..., result=..., **status)`. Its worker is this process."""

    def make(*events, preset="smoke", overrides=(), result=None, **status):
        run = make_run(root, *overrides, preset=preset, clock=lambda: NOW - 500)
        config = read_record(run.config).resolved.config
        known = {"heartbeat": NOW, "metric": config.metric, "iterations": config.training.iterations}
        change_status(run, **{**THIS_PROCESS, **known, **status})
        with EventWriter(run.events, clock=lambda: NOW - 100) as writer:
            for event in events:
                writer.write(event)
        if result is not None:
            write_result(run.result, result)
        return run

    return make


@pytest.fixture
def watch_of(run_with):
    """The same, watched."""

    def make(*events, **kwargs):
        watch = RunWatch(run_with(*events, **kwargs))
        watch.apply(watch.fetch())
        return watch

    return make


@pytest.fixture
def result():
    """What a run of the smoke preset measured in the end."""
    measurement = _test(60).measurement
    return Result(
        run="x",
        name="demo",
        state="done",
        iterations=60,
        seconds=7.0,
        parameters_sha256="0" * 64,
        measurements=tuple(
            Measured(checkpoint=checkpoint, iteration=iteration, measurement=measurement)
            for checkpoint, iteration in (("best", 40), ("last", 60))
        ),
    )


@pytest.fixture
def configured():
    """Return a preset's configuration with some values changed."""

    def make(preset="smoke", *overrides):
        return resolve([load_preset(preset).layer, override_layer(overrides)]).config

    return make


@pytest.fixture
def report():
    """Make a report of the last parameters, whose every step has the same scores."""

    def make(config, scores, step=3, keep=True, fingerprint=None, **protocol):
        values = np.float32(scores)
        at = tuple(AtStep(step=index, **summarise(values)._asdict()) for index in range(6))
        regression = config.is_regression
        usual = {"split": "test", "tasks": len(values), "shots": 1, "queries": 2, "steps": 5, "seed": 1}
        measurement = Measurement(
            metric=config.metric,
            protocol=Protocol(**{**usual, "ways": None if regression else config.task.ways, **protocol}),
            loss=at,
            accuracy=None if regression else at,
        )
        return EvaluationReport(
            run="x",
            measurements=(Measured(checkpoint="last", iteration=60, measurement=measurement),),
            fingerprint=fingerprint or {},
            scores=Scores.of(step, {"last": values}) if keep else None,
        )

    return make


@pytest.fixture
def contender(configured, report, tmp_path):
    """Make a run of a comparison; without scores it was not measured."""

    def make(letter, scores=None, *overrides, preset="smoke", status=None, **measured):
        config = configured(preset, *overrides)
        found = None if scores is None else report(config, scores, **measured)
        usual = {"state": "done", "name": f"run-{letter}", "iteration": 60, "iterations": 60, "best": 0.5}
        return Contender(
            letter,
            RunDirectory(tmp_path / f"7f3{letter.lower()}"),
            config,
            Status(created=0.0, heartbeat=0.0, **{**usual, **(status or {})}),
            outcome_of(config, found, found and found.scores, "last"),
        )

    return make


@pytest.fixture
def new_run(root):
    """Return `new_run(name, preset, "key=value", ..., status_field=value, ...)`, a run's folder."""
    return lambda name="demo", preset="smoke", *settings, **status: make_run(
        root, *settings, preset=preset, name=name, status=status
    )


@pytest.fixture
def facts(new_run):
    """Return what is known of a new run: the arguments are those of `new_run`."""

    def make(*arguments, **status):
        run = new_run(*arguments, **status)
        return RunFacts(run, read_status(run))

    return make
