from __future__ import annotations

import pytest
from run_folders import THIS_PROCESS, answer_request, change_status, make_run

from engine.errors import MamlError, ResourceError, UsageError
from engine.runs import control
from engine.runs.control import PATIENCE, PendingStart, ask, is_complete, require_resumable, resume, wait
from engine.runs.events import WarningEvent
from engine.runs.journal import EventWriter
from engine.runs.repair import STATUS_REBUILT
from engine.runs.requests import pending
from engine.runs.status import read_status

LIVE = {"state": "running", **THIS_PROCESS}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def new_run(tmp_path):
    return lambda **status: make_run(tmp_path, status=status)


@pytest.mark.parametrize(
    ("verb", "mode"),
    [
        ("pause", None),
        ("resume", None),
        ("checkpoint", None),
        ("evaluate", None),
        ("stop", "graceful"),
        ("stop", "now"),
    ],
)
def test_a_request_is_accepted(new_run, verb, mode):
    run = new_run(**LIVE)
    with EventWriter(run.events) as events:
        events.write(WarningEvent(message="from before"))
    request = ask(run, verb, mode)
    assert [(item.verb, item.mode) for item in pending(run)] == [(verb, mode)]
    assert request.poll() is None
    answer_request(run)
    outcome = request.poll()
    outcome.require_accepted()
    assert (outcome.answer, request.done) == ("accepted", True)
    assert run.id in outcome.message


def test_a_refusal_has_its_reason(new_run):
    run = new_run(**LIVE)
    outcome = wait(ask(run, "pause"), sleep=lambda _: answer_request(run, "refused", "it is paused already"))
    assert outcome.answer == "refused" and "it is paused already" in outcome.message
    with pytest.raises(UsageError, match="it is paused already"):
        outcome.require_accepted()


def test_a_timeout_is_reported_once_and_a_late_answer_still(new_run):
    run, clock = new_run(**LIVE), Clock()
    request = ask(run, "evaluate", clock=clock)
    clock.now = PATIENCE - 0.1
    assert request.poll() is None
    clock.now = PATIENCE
    outcome = request.poll()
    assert (outcome.answer, request.done) == ("timed out", False)
    with pytest.raises(MamlError, match="10 s"):
        outcome.require_accepted()
    assert request.poll() is None
    assert len(pending(run)) == 1
    answer_request(run)
    assert request.poll().answer == "accepted"
    assert request.done


def test_a_run_that_ends_without_an_answer(new_run):
    run = new_run(**LIVE)
    request = ask(run, "stop", "now")
    outcome = wait(request, sleep=lambda _: change_status(run, state="done"))
    assert (outcome.answer, request.done) == ("no process", True)
    with pytest.raises(MamlError, match="ended"):
        outcome.require_accepted()


def test_an_answer_counts_although_the_run_has_ended_since(new_run):
    run = new_run(**LIVE)
    request = ask(run, "stop", "now")
    answer_request(run)
    change_status(run, state="done")
    assert request.poll().answer == "accepted"


@pytest.mark.parametrize("state", ["queued", "done", "failed", "diverged", "lost"])
def test_a_run_without_a_process_cannot_be_asked(new_run, state):
    run = new_run(state=state)
    with pytest.raises(UsageError, match=f"is {state}"):
        ask(run, "pause")
    assert pending(run) == []


def test_a_run_that_was_removed_is_an_error_not_an_outcome(new_run):
    run = new_run(**LIVE)
    request = ask(run, "pause")
    run.status.unlink()
    with pytest.raises(ResourceError):
        request.poll()


def resumed(run):
    """Resume a run; return what came of it and what was told."""
    told = []
    return resume(run, lambda: "started", told.append), told


def test_a_paused_run_is_resumed_by_its_worker(new_run):
    run = new_run(**{**LIVE, "state": "paused"})
    request, told = resumed(run)
    assert [item.verb for item in pending(run)] == ["resume"]
    answer_request(run)
    assert (request.poll().answer, told) == ("accepted", [])


@pytest.mark.parametrize("state", ["queued", "failed", "diverged", "lost", "done"])
def test_a_run_without_a_process_is_resumed_by_a_new_worker(new_run, state):
    assert resumed(new_run(state=state, iteration=30)) == ("started", [])


def test_a_damaged_status_is_rebuilt_first(new_run):
    run = new_run(state="done")
    run.status.write_text("{")
    begun, (told,) = resumed(run)
    assert begun == "started" and STATUS_REBUILT in told
    assert read_status(run).state == "lost"


@pytest.mark.parametrize("state", ["warming-up", "running", "stopping"])
def test_a_run_that_goes_on_is_not_resumed(new_run, state):
    with pytest.raises(UsageError, match=f"is {state}"):
        resumed(new_run(**{**LIVE, "state": state}))


def test_a_complete_run_is_not_resumed(new_run):
    run = new_run(state="done", iteration=60)
    require_resumable(run, read_status(run), 60)  # not tested yet
    run.result.write_text("{}")
    with pytest.raises(UsageError, match="nothing to resume"):
        require_resumable(run, read_status(run), 60)
    with pytest.raises(UsageError, match="nothing to resume"):
        resumed(run)
    require_resumable(run, read_status(run), 61)
    assert not is_complete(read_status(run), 60, tested=False)


class FakeProcess:
    pid = 4711
    code = None

    def poll(self):
        return self.code


@pytest.fixture
def process(monkeypatch):
    """The process that every started worker is."""
    made = FakeProcess()
    monkeypatch.setattr(control, "start_worker", lambda run, environment: made)
    return made


def test_a_worker_that_writes_its_status_has_started(new_run, process):
    run = new_run(state="lost")
    begun = control.start(run, {})
    assert isinstance(begun, PendingStart)
    assert (begun.poll(), begun.done) == (None, False)
    change_status(run, pid=process.pid, state="failed")
    process.code = 1
    assert (begun.poll(), begun.done) == (None, True)


def test_a_worker_that_failed_to_start_is_reported_with_its_last_words(new_run, process):
    run = new_run(state="lost")
    begun = control.start(run, {})
    run.log.write_text("No module named engine\n")
    process.code = 1
    outcome = begun.poll()
    assert (outcome.answer, begun.done) == ("no process", True)
    assert run.id in outcome.message and "No module named engine" in outcome.message


def test_a_start_of_a_run_that_was_removed_has_nothing_to_report(new_run, process):
    run = new_run(state="lost")
    begun = control.start(run, {})
    run.status.unlink()
    process.code = 1
    assert (begun.poll(), begun.done) == (None, True)
