"""A run says which path it takes, and when that changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.acceleration.ways import Way
from engine.config.record import RunRecord
from engine.config.resolve import ResolvedConfig
from engine.runs.directory import RunDirectory, create_run
from engine.runs.events import CheckpointEvent, EvaluationEvent, RequestEvent, StartedEvent
from engine.runs.journal import EventReader, EventWriter
from engine.runs.journal_state import JournalState
from engine.runs.requests import send_request
from engine.runs.result import read_result
from engine.training.recorded import Replay, Step
from engine.worker import main as worker
from engine.worker import session
from engine.worker.main import _path_warnings
from engine.worker.stopping import Stop

STARTED = {
    "pid": 1,
    "host": "here",
    "device": "cpu",
    "device_name": "a CPU",
    "torch": "2",
    "python": "3",
    "program": "0",
    "iterations": 9,
    "parameters": 5,
}


def test_the_last_path_is_that_of_the_last_start(tmp_path):
    run = RunDirectory(tmp_path)
    with EventWriter(run.events) as events:
        assert JournalState.read(run.events).started is None
        for path in ("vmap", "by-hand"):
            events.write(StartedEvent(path=path, **STARTED))
    assert JournalState.read(run.events).started.path == "by-hand"


@pytest.mark.parametrize(
    ("before", "resumed_from", "said"),
    [(None, None, False), ("by-hand", 7, False), ("vmap", None, False), ("vmap", 7, True)],
)
def test_a_change_of_path_is_said_once_there_is_something_to_resume(before, resumed_from, said):
    started = before and StartedEvent(path=before, **STARTED)
    first, *others = _path_warnings(Way("by-hand", None, ("slow",)), started, resumed_from)
    assert first == "slow"
    assert [
        "from iteration 7 on this run takes the path by-hand, until there it took vmap" in o for o in others
    ] == ([True] if said else [])


def test_a_run_that_is_replayed_obeys_and_ends_as_any_other(small, tmp_path, monkeypatch):
    monkeypatch.setattr(Stop, "heed_signals", lambda stop: None)
    monkeypatch.setattr(session, "_POLL_SECONDS", 0.0)
    record = RunRecord(
        ResolvedConfig(small("sinusoid", "iterations=60", "checkpoint_every=7")), "test", "cpu"
    )
    ordinary, run = (create_run(name, record.to_toml, root=tmp_path) for name in ("ordinary", "replayed"))
    assert worker.main([str(ordinary.path)]) == 0
    asked = []

    def replayed(setup, state):
        # The same meta-gradient, so that the bits are too.
        step = Step(state, setup.way.computation, setup.episodes, 0.0)

        def take():
            step()
            if not asked:
                asked.append(send_request(run, "evaluate"))

        return replace(setup.way, name="a recording"), Replay(step, take)

    monkeypatch.setattr(session, "replayed", replayed)
    assert worker.main([str(run.path)]) == 0
    events = EventReader(run.events).read()
    assert [e.path for e in events if isinstance(e, StartedEvent)] == ["a recording"]
    assert [e.outcome for e in events if isinstance(e, RequestEvent)] == ["accepted"]
    assert sum(isinstance(e, EvaluationEvent) and e.split == "val" for e in events) == 60 // 4 + 1
    saved = {e.iteration for e in events if isinstance(e, CheckpointEvent)}
    assert saved >= set(range(7, 60, 7))
    one, other = read_result(ordinary.result), read_result(run.result)
    assert one.parameters_sha256 == other.parameters_sha256
    assert one.measurements == other.measurements
