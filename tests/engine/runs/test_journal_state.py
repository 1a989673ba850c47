from __future__ import annotations

import pytest

from engine.runs import journal_state
from engine.runs.events import (
    AtStep,
    CheckpointEvent,
    EvaluationEvent,
    FinishedEvent,
    Measurement,
    Protocol,
    RequestEvent,
    StartedEvent,
    StateEvent,
    TrainEvent,
    WarningEvent,
)
from engine.runs.journal import EventWriter
from engine.runs.journal_state import JournalState, spread


def started(time, resumed_from=None, path="vmap"):
    words = dict.fromkeys(("host", "device", "device_name", "torch", "python", "program"), "x")
    return StartedEvent(
        pid=7, iterations=60, parameters=3, path=path, time=time, resumed_from=resumed_from, **words
    )


def train(iteration, time):
    return TrainEvent(
        iteration=iteration, time=time, loss=1.0, iterations_per_second=1.0, tasks_per_second=1.0
    )


def evaluation(iteration, time=0.0, split="val", **changes):
    steps = tuple(AtStep(step=i, mean=0.5, ci95=0.1, median=0.5) for i in range(2))
    protocol = Protocol(split=split, tasks=9, shots=1, queries=1, steps=1, seed=1)
    measurement = Measurement(metric="mse", protocol=protocol, loss=steps)
    usual = {"checkpoint": "current", "seconds": 1.0, "measurement": measurement}
    return EvaluationEvent(iteration=iteration, time=time, split=split, **usual | changes)


def saved(iteration, time):
    return CheckpointEvent(
        iteration=iteration, time=time, file="f.pt", bytes=1, seconds=0.1, reason="periodic"
    )


def state_of(*events):
    state = JournalState()
    for number, event in enumerate(events):
        state.update(event.model_copy(update={"seq": number}))
    return state


def test_nothing_is_known_before_the_first_event():
    state = JournalState()
    assert (state.seq, state.iteration, state.seconds, state.validations, state.tests) == (-1, 0, 0.0, [], [])
    assert state.started is state.finished is state.best is state.last_train is state.checkpoint is None


def test_the_newest_of_each_kind_is_known():
    state = state_of(
        started(100), train(10, 101), evaluation(10, 102, improved=True), saved(10, 103), train(20, 104)
    )
    assert (state.seq, state.iteration, state.created) == (4, 20, 100)
    assert (state.last_train.iteration, state.checkpoint.iteration, state.best.iteration) == (20, 10, 10)
    assert (state.started.path, state.finished) == ("vmap", None)


def test_the_best_validation_is_the_last_that_improved():
    events = [evaluation(i, i, improved=i in (1, 3)) for i in range(6)]
    assert state_of(started(0), *events).best.iteration == 3


def test_a_resume_drops_what_is_repeated():
    state = state_of(
        started(0),
        evaluation(10, 10, improved=True),
        evaluation(20, 20, improved=True),
        train(25, 25),
        evaluation(25, 26, split="test"),
        FinishedEvent(state="failed", iteration=25, seconds=27, time=27),
        started(100, resumed_from=10),
    )
    assert [event.iteration for event in state.validations] == [10]
    assert (state.iteration, state.best.iteration) == (10, 10)
    assert state.last_train is state.finished is None
    assert state.tests == []


def test_pauses_and_gaps_are_not_training_time_and_gaps_are_not_worker_time():
    state = state_of(
        started(100),
        train(1, 110),
        StateEvent(state="paused", time=120),
        evaluation(1, 150),  # asked for while paused
        StateEvent(state="running", time=200),
        train(2, 205),
        WarningEvent(message="the next worker's, before it starts", time=990),
        started(1000, resumed_from=2),
        train(3, 1007),
        FinishedEvent(state="failed", iteration=3, seconds=10, time=1010),
        RequestEvent(verb="pause", id="1", outcome="refused", time=2000),
        started(3000, resumed_from=3),
        train(4, 3001),
    )
    assert (state.seconds, state.worker_seconds) == (10 + 10 + 5 + 7 + 1, 105 + 10 + 1)
    assert state.validation_seconds == [20]


def test_a_clock_that_is_set_back_does_not_turn_time_around():
    state = state_of(started(100), train(1, 110), train(2, 50), train(3, 55))
    assert state.seconds == state.worker_seconds == 15


def test_validations_are_bounded(monkeypatch):
    monkeypatch.setattr(journal_state, "MAX_VALIDATIONS", 50)
    state = state_of(started(0), *(evaluation(i, i, improved=i == 77) for i in range(500)))
    assert 20 <= len(state.validations) <= 50
    assert [event.iteration for event in state.validations] == state.validation_seconds
    assert (state.validations[-1].iteration, state.best.iteration) == (499, 77)


def test_validations_are_spread_and_the_best_of_them_stays():
    found = [evaluation(10 * i, improved=i in (0, 1, 3, 77)) for i in range(100)]
    kept = spread(found)
    assert 20 <= len(kept) <= 50
    assert kept == sorted(kept)
    assert 77 in kept and kept[-1] in (98, 99)


def test_validations_of_one_iteration_are_as_good_as_one():
    assert spread([evaluation(7)] * 9) == [8]


@pytest.mark.parametrize("dropped", [0, 3])
def test_a_journal_is_read_with_or_without_gaps(tmp_path, dropped):
    path = tmp_path / "events.jsonl"
    with EventWriter(path, clock=lambda: 5.0) as writer:
        for event in (started(0), *(train(i, 0) for i in range(1, 8)), saved(7, 0)):
            writer.write(event)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[1 + dropped :]))
    state = JournalState.read(path)
    assert (state.seq, state.iteration, state.checkpoint.iteration) == (8, 7, 7)
