from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.runs.directory import create_run
from engine.runs.status import read_status, write_status
from maml_tui.runs.resuming import Workers, require_resumable


@pytest.fixture
def new_run(tmp_path):
    def make(**status):
        run = create_run("demo", lambda _: "", tmp_path)
        write_status(run, read_status(run).model_copy(update=status))
        return run

    return make


class FakeProcess:
    pid = 4711
    code = None

    def poll(self):
        return self.code


@pytest.fixture
def process(monkeypatch):
    """What every started worker is."""
    made = FakeProcess()
    monkeypatch.setattr("maml_tui.runs.resuming.start_worker", lambda run, environment: made)
    return made


@pytest.mark.parametrize("state", ["warming-up", "running", "paused", "stopping"])
def test_a_live_run_has_its_worker(new_run, state):
    run = new_run(state=state)
    with pytest.raises(UsageError, match=f"is {state}"):
        require_resumable(run, read_status(run), 60)


def test_a_run_that_is_complete_has_nothing_left_to_do(new_run):
    run = new_run(state="done", iteration=60)
    require_resumable(run, read_status(run), 60)  # not measured yet
    run.result.write_text("{}")
    with pytest.raises(UsageError, match="nothing to resume"):
        require_resumable(run, read_status(run), 60)
    require_resumable(run, read_status(run), 61)


@pytest.mark.parametrize("state", ["queued", "failed", "diverged", "lost"])
def test_others_can_go_on(new_run, state):
    run = new_run(state=state, iteration=60)
    run.result.write_text("{}")
    require_resumable(run, read_status(run), 60)


def test_one_worker_at_a_time_is_started(new_run, process):
    workers, run = Workers(), new_run(state="lost")
    workers.start(run, {})
    with pytest.raises(UsageError, match="starting already"):
        workers.start(run, {})
    assert list(workers.stillborn()) == []


def test_a_worker_that_speaks_is_told_of_by_its_status(new_run, process):
    workers, run = Workers(), new_run(state="lost")
    workers.start(run, {})
    write_status(run, read_status(run).model_copy(update={"pid": process.pid, "state": "failed"}))
    process.code = 1
    assert list(workers.stillborn()) == []
    workers.start(run, {})


def test_a_worker_that_ends_without_a_word_is_told_of_once(new_run, process):
    workers, run = Workers(), new_run(state="lost")
    workers.start(run, {})
    run.log.write_text("No module named engine\n")
    process.code = 1
    (told,) = workers.stillborn()
    assert told == f"run {run.id}: the worker ended with exit status 1: No module named engine"
    assert list(workers.stillborn()) == []


def test_a_run_that_is_gone_has_nothing_to_tell(new_run, process):
    workers, run = Workers(), new_run(state="lost")
    workers.start(run, {})
    run.status.unlink()
    assert list(workers.stillborn()) == []
    process.code = 1
    assert list(workers.stillborn()) == []
