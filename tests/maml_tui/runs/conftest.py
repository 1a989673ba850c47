from __future__ import annotations

import pytest
from run_folders import make_run

from engine.config.presets import load_preset
from engine.runs.events import (
    AtStep,
    EvaluationEvent,
    Measurement,
    Protocol,
    StartedEvent,
    TrainEvent,
)
from engine.runs.journal import EventWriter

STARTED = StartedEvent(
    pid=7,
    host="box",
    device="cuda:0",
    device_name="H200",
    torch="2.12",
    python="3.11",
    program="0",
    iterations=60,
    parameters=112_084,
    path="vmap",
)


@pytest.fixture
def smoke():
    """The smoke preset's checked configuration: a classification, scored after three inner steps."""
    return load_preset("smoke").resolved()


@pytest.fixture
def run(root):
    """A run on disk that no worker has touched."""
    return make_run(root, clock=lambda: 1000.0)


@pytest.fixture
def write(run):
    """Append records to the run's journal, at the time that each of them carries."""

    def append(*events):
        for event in events:
            with EventWriter(run.events, clock=lambda now=event.time: now) as writer:
                writer.write(event)

    return append


@pytest.fixture
def started():
    return lambda time=0.0, resumed_from=None: STARTED.model_copy(
        update={"time": time, "resumed_from": resumed_from}
    )


@pytest.fixture
def train():
    def make(iteration, time=0.0, **changes):
        values = {"loss": 0.2, "accuracy": 0.9, "grad_norm": 1.5, "iterations_per_second": 2.0}
        return TrainEvent(iteration=iteration, time=time, tasks_per_second=8.0, **{**values, **changes})

    return make


@pytest.fixture
def evaluation():
    """Make a validation: accuracy 0.1 * step, loss 1 - 0.1 * step, up to step 5."""

    def at(step, mean):
        return AtStep(step=step, mean=mean, ci95=0.01, median=mean)

    def make(iteration, time=0.0, split="val", **changes):
        measurement = Measurement(
            metric="accuracy",
            protocol=Protocol(split=split, tasks=600, shots=1, queries=2, steps=5, seed=1, ways=5),
            loss=tuple(at(step, 1 - step / 10) for step in range(6)),
            accuracy=tuple(at(step, step / 10) for step in range(6)),
        )
        usual = {"checkpoint": "current", "seconds": 5.2, "measurement": measurement}
        return EvaluationEvent(iteration=iteration, time=time, split=split, **{**usual, **changes})

    return make
