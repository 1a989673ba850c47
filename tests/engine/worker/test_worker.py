"""The worker as a real process: what it writes, obeys and survives."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from deadline import wait_until

from engine.config.record import RunRecord, read_record
from engine.config.resolve import ResolvedConfig
from engine.runs.directory import create_run
from engine.runs.events import (
    CheckpointEvent,
    EvaluationEvent,
    FinishedEvent,
    RequestEvent,
    StartedEvent,
    StateEvent,
    TrainEvent,
)
from engine.runs.journal import EventReader
from engine.runs.launch import start_worker
from engine.runs.requests import send_request
from engine.runs.result import read_result, read_scores
from engine.runs.status import current_status, read_status

ENDLESS = ("iterations=1000000", "eval_every=0", "checkpoint_every=50")


@pytest.fixture
def run_of(small, tmp_path):
    """Make a run of a tiny configuration: `run_of(kind, *overrides, device=...)`."""

    def make(kind, *overrides, device="cpu"):
        record = RunRecord(ResolvedConfig(small(kind, *overrides)), "test", device)
        return create_run("test", record.to_toml, root=tmp_path)

    return make


@pytest.fixture
def working():
    """Start workers that do not outlive the test."""
    processes = []

    def start(run):
        processes.append(start_worker(run))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def events_of(run):
    return EventReader(run.events).read()


def has_state(run, state):
    return lambda: read_status(run).state == state


def answered(run, identity):
    return wait_until(
        lambda: [e for e in events_of(run) if isinstance(e, RequestEvent) and e.id == identity], 30
    )[0]


@pytest.mark.parametrize("kind", ["sinusoid", "strokes"])
def test_a_run_from_start_to_result(run_of, working, kind):
    run = run_of(kind)
    assert working(run).wait() == 0, run.log.read_text()
    events = events_of(run)
    assert [event.seq for event in events] == list(range(len(events)))
    assert isinstance(events[0], StartedEvent) and isinstance(events[-1], FinishedEvent)
    assert events[-1].reason == "all iterations done"
    validations = [e for e in events if isinstance(e, EvaluationEvent) and e.split == "val"]
    config = read_record(run.config).resolved.config
    assert [e.iteration for e in validations] == list(
        range(config.training.eval_every, config.training.iterations + 1, config.training.eval_every)
    )
    assert any(isinstance(e, TrainEvent) for e in events) and any(
        isinstance(e, CheckpointEvent) for e in events
    )
    result = read_result(run.result)
    assert [measured.checkpoint for measured in result.measurements] == ["best", "last"]
    for measured in result.measurements:
        assert measured.measurement.protocol.split == "test"
        assert len(measured.measurement.loss) == config.evaluation.curve_steps + 1
        scores = read_scores(run.scores)
        assert scores.step == config.evaluation.eval_steps
        scored = measured.measurement.series[scores.step]
        assert np.mean(scores.tasks[measured.checkpoint]) == pytest.approx(scored.mean)
    status = read_status(run)
    assert (status.state, status.iteration, status.seq) == (
        "done",
        config.training.iterations,
        len(events) - 1,
    )
    assert dict(read_record(run.config).fingerprint) == result.fingerprint
    assert bool(result.fingerprint) == (kind == "strokes")
    test_split_read = [e.iteration for e in events if isinstance(e, EvaluationEvent) and e.split == "test"]
    assert all(iteration <= config.training.iterations for iteration in test_split_read)
    assert events.index(
        next(e for e in events if isinstance(e, EvaluationEvent) and e.split == "test")
    ) > max(events.index(e) for e in validations), "the test split was read before training had ended"


def test_pause_checkpoint_evaluate_resume_and_stop(run_of, working):
    run = run_of("sinusoid", *ENDLESS, "checkpoint_every=0")
    process = working(run)
    wait_until(has_state(run, "running"))
    assert answered(run, send_request(run, "pause")).outcome == "accepted"
    wait_until(has_state(run, "paused"))
    paused_at = read_status(run).iteration
    assert answered(run, send_request(run, "pause")).reason == "it is paused already"
    for _ in range(2):  # of a paused run a second one is there already
        assert answered(run, send_request(run, "checkpoint")).outcome == "accepted"
    assert answered(run, send_request(run, "evaluate")).outcome == "accepted"
    evaluation = wait_until(lambda: next((e for e in events_of(run) if isinstance(e, EvaluationEvent)), None))
    assert evaluation.iteration == paused_at and evaluation.improved is None
    (run.control / "junk.json").write_text("{")
    wait_until(lambda: any(isinstance(e, RequestEvent) and e.id == "junk" for e in events_of(run)))
    assert answered(run, send_request(run, "resume")).outcome == "accepted"
    wait_until(lambda: read_status(run).iteration > paused_at)
    assert answered(run, send_request(run, "resume")).reason == "it is not paused"
    send_request(run, "stop", "graceful")
    assert process.wait(60) == 0
    finished = events_of(run)[-1]
    assert finished.state == "done" and "by request" in finished.reason
    assert read_result(run.result) is not None
    assert not list(run.control.iterdir())


def test_a_result_does_not_outlive_further_training(run_of, working):
    run = run_of("sinusoid", *ENDLESS)
    process = working(run)
    wait_until(has_state(run, "running"))
    send_request(run, "stop", "graceful")
    assert process.wait(60) == 0
    assert read_result(run.result) is not None and read_scores(run.scores) is not None
    process = working(run)
    wait_until(has_state(run, "running"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert read_result(run.result) is None and read_scores(run.scores) is None


def test_a_live_run_tells_how_far_a_validation_is(run_of, working):
    run = run_of("sinusoid", "val_tasks=1000000", "iterations=3", "eval_every=1", "eval_tasks=2")
    working(run)
    assert 0 < wait_until(lambda: read_status(run).validated) < 1


def test_stopping_now_calls_the_last_measurement_off(run_of, working):
    run = run_of("sinusoid", "eval_tasks=1000000", "iterations=3", "eval_every=0")
    process = working(run)
    wait_until(lambda: read_status(run).reason == "measuring on the test tasks")
    assert 0 < wait_until(lambda: read_status(run).measured) < 1
    assert (
        answered(run, send_request(run, "pause")).reason == "training is over, the result is being measured"
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert read_result(run.result) is None
    assert read_status(run).state == "done"


def test_a_live_run_tells_what_its_machine_does(run_of, working):
    run = run_of("sinusoid", *ENDLESS)
    process = working(run)
    telemetry = wait_until(lambda: read_status(run).telemetry)
    assert telemetry.rss > 2**20 and telemetry.gpu is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert read_status(run).telemetry is None


def test_sigterm_saves_and_ends_and_the_run_goes_on_later(run_of, working):
    run = run_of("sinusoid", *ENDLESS)
    process = working(run)
    wait_until(lambda: read_status(run).iteration > 10)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    status = read_status(run)
    assert status.state == "done" and "by SIGTERM" in status.reason
    assert read_result(run.result) is None, "a run stopped now is not measured"
    working(run)
    wait_until(lambda: read_status(run).iteration > status.iteration)
    started = [e for e in events_of(run) if isinstance(e, StartedEvent)]
    assert [e.resumed_from for e in started] == [None, status.iteration]


def test_killed_at_any_time_it_ends_as_if_undisturbed(run_of, working):
    overrides = ("iterations=2500", "eval_every=500", "checkpoint_every=7")
    undisturbed, disturbed = run_of("sinusoid", *overrides), run_of("sinusoid", *overrides)
    assert working(undisturbed).wait() == 0
    for iteration in (20, 500, 1000):
        process = working(disturbed)
        wait_until(lambda at=iteration: read_status(disturbed).iteration > at)
        process.kill()
        process.wait()
        assert current_status(disturbed).state == "lost"
    assert working(disturbed).wait() == 0
    one, other = read_result(undisturbed.result), read_result(disturbed.result)
    assert one.parameters_sha256 == other.parameters_sha256
    assert one.measurements == other.measurements


def test_a_second_worker_is_refused(run_of, working):
    run = run_of("sinusoid", *ENDLESS)
    working(run)
    wait_until(has_state(run, "running"))
    second = working(run)
    assert second.wait(60) == 3
    assert "already has a worker" in run.log.read_text()
    assert current_status(run).state == "running"


def test_requests_from_before_the_start_are_refused(run_of, working):
    run = run_of("sinusoid")
    identity = send_request(run, "stop", "now")
    assert working(run).wait() == 0
    assert answered(run, identity).outcome == "refused"
    assert events_of(run)[-1].reason == "all iterations done"


@pytest.mark.parametrize(
    ("kind", "overrides", "device", "code", "words"),
    [
        ("sinusoid", (), "cuda:7", 3, "is not on this machine; it has: cpu"),
        ("sinusoid", (), "toaster", 2, "choose auto, cpu, cuda or cuda:N"),
        ("strokes", ("data=omniglot",), "cpu", 3, "maml data import omniglot"),
        ("sinusoid", ("inner_lr=100", "inner_steps=60", "iterations=50"), "cpu", 4, "not finite"),
    ],
)
def test_a_failure_is_told_in_words_with_its_exit_code(run_of, working, kind, overrides, device, code, words):
    run = run_of(kind, *overrides, device=device)
    assert working(run).wait() == code
    status = read_status(run)
    assert status.state == ("diverged" if code == 4 else "failed") and words in status.reason
    assert events_of(run)[-1].reason == status.reason


def test_other_data_than_at_the_start_is_refused(run_of, working):
    run = run_of("strokes")
    record = read_record(run.config)
    run.config.write_text(
        RunRecord(record.resolved, "test", "cpu", fingerprint={"data": "other"}).to_toml(run.id)
    )
    assert working(run).wait() == 3
    assert "has changed since run" in read_status(run).reason


def test_a_damaged_checkpoint_is_named_and_left_alone(run_of, working):
    run = run_of("sinusoid")
    assert working(run).wait() == 0
    for path in run.checkpoints.glob("*.pt"):
        path.write_bytes(b"foreign")
    assert working(run).wait() == 3
    assert "is damaged" in read_status(run).reason


def test_states_are_told_in_order(run_of, working):
    run = run_of("sinusoid")
    assert working(run).wait() == 0
    assert [e.state for e in events_of(run) if isinstance(e, StateEvent)] == ["running"]
