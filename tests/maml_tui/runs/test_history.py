from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.schema import RunConfig
from engine.runs import journal_state
from engine.runs.events import FinishedEvent, RequestEvent, StartedEvent, StateEvent, TrainEvent, WarningEvent
from maml_tui.runs.history import MAX_LOG_LINES, HistoryBuilder


@pytest.fixture
def history(smoke):
    def of(*events):
        builder = HistoryBuilder(smoke.config)
        for event in events:
            builder.add(event)
        return builder.history()

    return of


def state(name, time):
    return StateEvent(state=name, time=time)


def test_meta_updates_become_columns(history, train, started):
    told = history(
        started(100), train(1, 101), train(3, 103.5, accuracy=None, grad_norm=None, loss=None)
    ).train
    assert len(told) == 2
    assert told.iteration.tolist() == [1, 3]
    assert told.seconds.tolist() == [1, 3.5]
    assert told.loss[0] == 0.2
    assert np.isnan([told.loss[1], told.accuracy[1], told.grad_norm[1]]).all()
    assert told.speed.tolist() == [2, 2]


def test_nothing_told_is_an_empty_history(history):
    empty = history()
    assert len(empty.train) == len(empty.validations) == len(empty.validation_seconds) == len(empty.log) == 0
    assert empty.started is empty.checkpoint is empty.last_train is None


def test_a_resume_drops_what_is_done_again(history, train, evaluation, started):
    told = history(
        started(0),
        train(10, 10),
        train(20, 20),
        evaluation(20, 20.5),
        train(30, 30),
        evaluation(30, 31),
        started(100, resumed_from=20),
        train(21, 101),
    )
    assert told.train.iteration.tolist() == [10, 20, 21]
    assert [event.iteration for event in told.validations] == [20]
    assert told.validation_seconds.tolist() == [20.5]
    assert told.last_train.iteration == 21


def test_a_worker_that_finds_no_checkpoint_starts_from_nothing(history, train, evaluation, started):
    told = history(started(0), train(1, 1), evaluation(1, 2), started(10))
    assert len(told.train) == len(told.validations) == 0
    assert told.last_train is None


def test_seconds_leave_out_gaps_between_workers_and_pauses(history, train, evaluation, started):
    warning = WarningEvent(message="stale", time=990)
    told = history(
        started(100),
        train(1, 110),
        state("paused", 120),
        evaluation(1, 150),  # asked for while paused
        state("running", 200),
        train(2, 205),
        warning,  # the next worker's, before it starts
        started(1000, resumed_from=2),
        train(3, 1007),
        FinishedEvent(state="failed", iteration=3, seconds=7, time=1010),
        RequestEvent(verb="pause", id="1", outcome="refused", time=2000),
        started(3000, resumed_from=3),
        train(4, 3001),
    )
    assert told.train.seconds.tolist() == [10, 25, 32, 33]
    assert told.validation_seconds.tolist() == [20]


def test_a_clock_that_is_set_back_does_not_turn_time_around(history, train, started):
    told = history(started(100), train(1, 110), train(2, 50), train(3, 55))
    assert told.train.seconds.tolist() == [10, 10, 15]


def test_tests_are_those_of_the_newest_worker(history, evaluation, started):
    told = history(started(0), evaluation(5, 1, split="test", checkpoint="best"))
    assert [event.checkpoint for event in told.tests] == ["best"]
    assert len(told.validations) == 0
    again = history(started(0), evaluation(5, 1, split="test"), started(9, resumed_from=5))
    assert again.tests == ()


def test_a_history_never_changes(smoke, train, started):
    builder = HistoryBuilder(smoke.config)
    for event in (started(0), train(1, 1), train(2, 2)):
        builder.add(event)
    before = builder.history()
    for event in (train(3, 3), started(9, resumed_from=1), train(2, 10, loss=7.0), train(3, 11)):
        builder.add(event)
    assert before.train.iteration.tolist() == [1, 2]
    assert before.train.loss.tolist() == [0.2, 0.2]
    assert builder.history().train.loss.tolist() == [0.2, 7.0, 0.2]


def test_without_news_it_is_the_same_history(smoke, train):
    builder = HistoryBuilder(smoke.config)
    builder.add(train(1))
    assert builder.history() is builder.history()


def test_the_log_keeps_the_newest_lines(history):
    told = history(*(WarningEvent(message=str(i)) for i in range(MAX_LOG_LINES + 5)))
    assert len(told.log) == MAX_LOG_LINES
    assert told.log[-1].text == str(MAX_LOG_LINES + 4)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_however_often_it_is_resumed_iterations_ascend(stretches):
    """Each worker takes up half of what the last one reached, and goes on from there."""
    builder, reached, expected = HistoryBuilder(RunConfig()), 0, []
    for worker, length in enumerate(stretches):
        origin = reached // 2
        made = {"time": 100.0 * worker, "resumed_from": origin or None, "device_name": "", "parameters": 0}
        names = dict.fromkeys(("device", "host", "torch", "python"), "")
        builder.add(StartedEvent.model_construct(**made, **names))
        expected = [i for i in expected if i <= origin]
        for i in range(origin + 1, origin + length + 1):
            speed = {"iterations_per_second": 1.0, "tasks_per_second": 1.0}
            builder.add(TrainEvent(iteration=i, time=100.0 * worker + i, loss=0.0, **speed))
            expected.append(i)
        reached = origin + length
    assert builder.history().train.iteration.tolist() == expected
    assert (np.diff(builder.history().train.seconds) >= 0).all()


def test_validations_do_not_grow_without_bound(history, evaluation, started, monkeypatch):
    monkeypatch.setattr(journal_state, "MAX_VALIDATIONS", 50)
    told = history(started(0), *(evaluation(i, time=i) for i in range(500)))
    assert 20 <= len(told.validations) <= 50
    assert [event.iteration for event in told.validations] == told.validation_seconds.tolist()
    assert told.validations[-1].iteration == 499
