from __future__ import annotations

import pytest
from run_folders import make_run

from engine.errors import ResourceError, UsageError
from engine.runs.checkpoints import save_checkpoint
from engine.runs.events import (
    AtStep,
    EvaluationEvent,
    FinishedEvent,
    Measurement,
    Protocol,
    RequestEvent,
    StartedEvent,
    StateEvent,
    TrainEvent,
)
from engine.runs.journal import EventWriter
from engine.runs.processes import RunLock
from engine.runs.repair import STATUS_REBUILT, rebuild_status, repair_status
from engine.runs.status import current_status, read_status

KNOWN = ("host", "device_name", "torch", "python", "program", "path")


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "runs")


def write(run, *events):
    for time, event in events:
        with EventWriter(run.events, clock=lambda now=time: now) as writer:
            writer.write(event)


def started(resumed_from=None):
    words = {**dict.fromkeys(KNOWN, "x"), "host": "box", "device": "cpu"}
    return StartedEvent(pid=7, iterations=60, parameters=3, resumed_from=resumed_from, **words)


def train(iteration):
    return TrainEvent(iteration=iteration, loss=1.0, iterations_per_second=1.0, tasks_per_second=1.0)


def validation(iteration, value, *, improved=True):
    steps = tuple(AtStep(step=i, mean=value, ci95=i / 100, median=value) for i in range(4))
    protocol = Protocol(split="val", tasks=9, shots=1, queries=1, steps=3, seed=1, ways=5)
    return EvaluationEvent(
        iteration=iteration,
        split="val",
        checkpoint="current",
        seconds=1.0,
        measurement=Measurement(metric="accuracy", protocol=protocol, loss=steps, accuracy=steps),
        improved=improved,
        best=value,
        best_iteration=iteration,
    )


def test_a_finished_run_is_told_as_it_was(run):
    write(
        run,
        (100.0, started()),
        (130.0, validation(30, 0.7)),
        (140.0, validation(60, 0.6, improved=False)),
        (150.0, FinishedEvent(state="done", iteration=60, seconds=50.0, reason="all iterations done")),
    )
    status = rebuild_status(run, clock=lambda: 500.0)
    assert (status.state, status.reason, status.name) == ("done", "all iterations done", "demo")
    assert (status.iteration, status.iterations, status.seq) == (60, 60, 3)
    assert (status.best, status.best_iteration, status.best_ci95) == (0.7, 30, 0.03)
    assert (status.created, status.seconds, status.heartbeat) == (100.0, 50.0, 500.0)
    assert (status.host, status.device, status.pid) == ("box", "cpu", None)
    assert (status.task, status.metric) == ("strokes 5-way 1-shot", "accuracy")


def test_a_run_that_was_killed_is_lost_and_time_without_a_worker_does_not_count(run):
    write(
        run,
        (100.0, started()),
        (110.0, validation(10, 0.5)),
        (120.0, validation(20, 0.9)),
        (900.0, RequestEvent(verb="pause", id="1", outcome="refused")),
        (1000.0, started(resumed_from=10)),
        (1005.0, StateEvent(state="running")),
        (1007.0, train(13)),
    )
    status = rebuild_status(run)
    assert (status.state, status.reason, status.iteration) == ("lost", STATUS_REBUILT, 13)
    assert (status.best, status.best_iteration) == (0.5, 10)
    assert status.seconds == 27.0


def test_a_run_is_known_without_its_journal_from_its_checkpoint(run):
    save_checkpoint(run, 40, b"x", {"latest"})
    status = rebuild_status(run)
    assert (status.state, status.iteration, status.seq, status.seconds) == ("lost", 40, -1, 0.0)
    assert status.created == pytest.approx(run.config.stat().st_mtime)
    (run.checkpoints / "latest.json").write_text("{")
    assert rebuild_status(run).iteration == 0


@pytest.mark.parametrize(
    "text", [b"", b"{", b'{"state":"dreaming","name":"x","created":1,"heartbeat":1}', None]
)
def test_only_a_status_that_cannot_be_read_is_rebuilt(run, text):
    before = read_status(run)
    assert not repair_status(run)
    assert read_status(run) == before
    if text is None:
        run.status.unlink()
    else:
        run.status.write_bytes(text)
    with pytest.raises(ResourceError, match=f"status.json is .*: `maml resume {run.id}` rebuilds it"):
        read_status(run)
    assert repair_status(run)
    assert current_status(run).state == "lost"
    assert read_status(run).name == "demo"


def test_a_live_worker_is_not_written_over(run):
    run.status.write_text("")
    with RunLock(run), pytest.raises(ResourceError, match="already has a worker"):
        repair_status(run)
    assert run.status.read_text() == ""


def test_a_run_without_a_configuration_cannot_be_rebuilt(run):
    run.status.unlink()
    run.config.write_text("[task]\nwhat = 1\n")
    with pytest.raises(UsageError, match="what"):
        repair_status(run)
