from __future__ import annotations

import os
import signal
import socket

import pytest
from run_folders import THIS_PROCESS, change_status

from engine.runs.events import StateEvent, WarningEvent
from engine.runs.journal import EventReader, EventWriter
from engine.runs.requests import pending
from engine.runs.status import Status
from maml_tui.cli.follow import Interrupts, exit_code, follow
from maml_tui.cli.plain import JsonView

GONE = {"pid": 999_999_999, "process_start": 1.0, "host": socket.gethostname()}


class Recorder:
    """A view that keeps what it was shown."""

    def __init__(self):
        self.events = []
        self.closed = False

    def show(self, lines, events, status):
        self.events += [event.message for event in events]

    def close(self):
        self.closed = True


class Worker:
    """A process that ends with `code` once `end` is called."""

    def __init__(self, pid, code=None):
        self.pid = pid
        self.code = code

    def poll(self):
        return self.code


@pytest.fixture
def view():
    return Recorder()


def write(run, *messages):
    with EventWriter(run.events) as events:
        for message in messages:
            events.write(WarningEvent(message=message))


def test_a_finished_run_is_shown_from_its_beginning_at_once(new_run, view):
    run = new_run(state="done", reason="all iterations done", **GONE)
    write(run, "one", "two")
    (status,) = follow(run, view)
    assert (status.state, view.events, view.closed) == ("done", ["one", "two"], True)


def test_a_live_run_is_followed_until_its_worker_has_ended(new_run, view):
    run = new_run(state="running", **THIS_PROCESS)
    steps = iter(
        [
            lambda: write(run, "one"),
            lambda: change_status(run, state="done"),  # its process is still there: a last record may come
            lambda: (write(run, "last"), change_status(run, **GONE)),
        ]
    )
    states = [status.state for status in follow(run, view, sleep=lambda _: next(steps)())]
    assert states == ["running", "running", "done", "done"]
    assert view.events == ["one", "last"]


def test_a_run_whose_process_is_gone_is_lost(new_run, view):
    (status,) = follow(new_run(state="running", **GONE), view)
    assert status.state == "lost"
    assert exit_code(status) == 1


def test_what_a_reader_has_seen_is_not_shown_again(new_run, view):
    run = new_run(state="done", **GONE)
    write(run, "old")
    reader = EventReader(run.events)
    reader.read()
    write(run, "new")
    list(follow(run, view, reader=reader))
    assert view.events == ["new"]


def test_the_view_is_closed_when_following_is_given_up(new_run, view):
    watching = follow(new_run(state="running", **THIS_PROCESS), view)
    next(watching)
    watching.close()
    assert view.closed


def test_an_earlier_workers_word_is_not_the_new_ones(new_run, view):
    run = new_run(state="failed", **GONE)
    worker = Worker(4242)
    states = []
    for status in follow(run, view, worker, sleep=lambda _: change_status(run, state="done", pid=4242)):
        states.append(status.state)
        worker.code = 0 if len(states) > 1 else None
    assert states == ["queued", "done", "done"]


@pytest.mark.parametrize(("code", "state"), [(-9, "lost"), (1, "lost")])
def test_a_worker_that_dies_while_running_leaves_a_lost_run(new_run, view, code, state):
    run = new_run(state="running", **{**THIS_PROCESS, "pid": 999_999_999})
    run.log.write_text("the last words\n")
    (status,) = follow(run, view, Worker(999_999_999, code))
    assert (status.state, bool(status.reason)) == (state, True)


def test_a_worker_that_dies_before_its_first_status_has_failed_in_its_own_words(new_run, view):
    run = new_run()
    run.log.write_text("ImportError: no torch\n")
    worker = Worker(4242, 1)
    (status,) = follow(run, view, worker)
    assert status.state == "failed"
    assert "ImportError: no torch" in status.reason
    assert exit_code(status, worker) == 1


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("done", 0, 0),
        ("failed", 3, 3),
        ("diverged", 4, 4),
        ("lost", -9, 1),
        ("diverged", None, 4),
        ("failed", None, 1),
    ],
)
def test_exit_codes(state, code, expected):
    status = Status(name="x", state=state, created=0, heartbeat=0)
    assert exit_code(status, None if code is None else Worker(1, code)) == expected


def test_json_is_the_journal_byte_for_byte(new_run, capfdbinary):
    run = new_run(state="done", **GONE)
    with EventWriter(run.events) as events:
        events.write(StateEvent(state="running"))
    with run.events.open("ab") as file:
        file.write(b'{"v":2,"kind":"from the future"}\n')
    whole = run.events.read_bytes()
    with run.events.open("ab") as file:
        file.write(b'{"kind": "\x1b[31m\xff"}\nrubbish\n')
    list(follow(run, JsonView()))
    assert capfdbinary.readouterr().out == whole


def status_of(state, pid=7):
    return Status(name="x", state=state, created=0, heartbeat=0, pid=pid)


@pytest.mark.parametrize("state", ["running", "paused", "stopping"])
def test_the_first_signal_asks_for_a_stop_as_soon_as_the_worker_listens(new_run, capsys, state):
    run = new_run(state=state, **THIS_PROCESS)
    with Interrupts(run) as interrupts:
        assert not interrupts.obey(status_of("running"), 7)
        assert pending(run) == []
        os.kill(os.getpid(), signal.SIGINT)
        assert not interrupts.obey(status_of("warming-up"), 7)
        assert not interrupts.obey(status_of(state, pid=6), 7)
        assert pending(run) == []
        assert not interrupts.obey(status_of(state), 7)
        assert not interrupts.obey(status_of(state), 7)
        assert [(item.verb, item.mode) for item in pending(run)] == [("stop", "now")]
        assert interrupts.exit_code == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_the_second_signal_leaves(new_run):
    with Interrupts(new_run()) as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.obey(status_of("warming-up"), 7)
        assert interrupts.exit_code == 143


def test_signals_are_handled_as_before_afterwards(new_run):
    before = signal.getsignal(signal.SIGINT)
    with Interrupts(new_run()):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
