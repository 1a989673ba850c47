from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from run_folders import change_status

import engine
from engine.errors import ResourceError, UsageError
from engine.runs import launch
from engine.runs.launch import kill_worker, start_worker, wait_until_ready, worker_exit_reason
from engine.runs.processes import process_start

PID = 4321


class Worker:
    """A process that ends at its n-th poll, if ever."""

    pid = PID

    def __init__(self, polls: int | None = None, status: int = 1) -> None:
        self.polls, self.status = polls, status

    def poll(self) -> int | None:
        if self.polls is None:
            return None
        self.polls -= 1
        return self.status if self.polls < 0 else None


def wait(run, worker, script=(), timeout=10.0):
    """Wait with a clock that steps a second a sleep, writing the next status of `script` at each."""
    now = [0.0]
    left = list(script)

    def sleep(_: float) -> None:
        now[0] += 1.0
        if left:
            change_status(run, **left.pop(0))

    return wait_until_ready(run, worker, timeout, clock=lambda: now[0], sleep=sleep)


def test_waiting_ends_when_the_worker_runs(run):
    script = [{"state": "warming-up", "pid": PID}, {"state": "running", "pid": PID}]
    assert wait(run, Worker(), script).state == "running"


def test_waiting_ends_when_the_worker_says_it_failed(run):
    status = wait(run, Worker(polls=1), [{"state": "failed", "pid": PID, "reason": "no such device"}])
    assert (status.state, status.reason) == ("failed", "no such device")


@pytest.mark.parametrize(
    ("state", "seen"), [("queued", "failed"), ("warming-up", "lost"), ("running", "lost")]
)
def test_a_worker_that_dies_silently_is_explained_by_the_last_line_of_its_log(run, state, seen):
    run.log.write_text("Traceback:\n  File\nImportError: no torch\n\n")
    status = wait(run, Worker(polls=1), [{"state": state, "pid": PID}])
    assert status.state == seen
    assert status.reason == "the worker ended with exit status 1: ImportError: no torch"


def test_what_an_earlier_worker_wrote_is_not_believed(run):
    change_status(run, state="failed", pid=PID - 1, reason="old")
    assert wait(run, Worker(), timeout=3.0).state == "queued"
    assert wait(run, Worker(), [{"state": "running", "pid": PID}]).state == "running"


def test_when_time_runs_out_the_state_is_as_it_is(run):
    assert wait(run, Worker(), [{"state": "warming-up", "pid": PID}], timeout=3.0).state == "warming-up"


def test_the_reason_is_the_signal_or_the_last_line_escaped(run):
    run.log.write_bytes(b"x" * 10_000 + b"\nbad \x1b[31m\xff name\n")
    assert worker_exit_reason(run, -9) == "the worker was ended by signal 9 (Killed)"
    assert worker_exit_reason(run, 3) == "the worker ended with exit status 3: bad \\x1b[31m� name"
    run.log.write_bytes(b"")
    assert worker_exit_reason(run, 3).endswith("it left no message")
    run.log.unlink()
    with pytest.raises(ResourceError, match=r"worker\.log"):
        worker_exit_reason(run, 3)


REPORT = """
import os, sys, pathlib
print("out", sys.argv[1:], os.getsid(0) == os.getpid(), sys.stdin.read() == "", sys.stdout.isatty())
print("err", os.environ["NO_COLOR"], pathlib.Path(__import__("engine").__file__).parent, file=sys.stderr)
"""


def test_a_worker_has_its_own_session_no_terminal_and_a_log(run, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text(
        f'#!/bin/sh\n[ "$1 $2 $3" = "-P -m engine.worker.main" ] || exit 9\nexec {sys.executable} -c "$CODE" "$4"\n'
    )
    script.chmod(0o700)
    (tmp_path / "engine").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch.sys, "executable", str(script))
    run.log.write_text("before\n")
    process = start_worker(run, {**os.environ, "NO_COLOR": "1", "CODE": REPORT})
    assert process.wait() == 0
    log = run.log.read_text()
    assert log.startswith("before\n")
    assert f"out {[str(run.path)]} True True False" in log
    assert f"err 1 {Path(engine.__file__).parent}" in log


def test_a_new_log_is_private(run, monkeypatch):
    monkeypatch.setattr(launch.sys, "executable", "/bin/true")
    start_worker(run).wait()
    assert run.log.stat().st_mode & 0o777 == 0o600


def test_a_worker_that_cannot_be_started_is_explained(run, monkeypatch):
    monkeypatch.setattr(launch.sys, "executable", "/nonexistent/python")
    with pytest.raises(ResourceError, match="Cannot start a worker"):
        start_worker(run)


@pytest.mark.parametrize("own_session", [True, False])
def test_killing_ends_exactly_the_worker(run, own_session):
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=own_session) as worker:
        start = process_start(worker.pid)
        assert start is not None
        fields = {"state": "running", "pid": worker.pid, "host": socket.gethostname()}
        change_status(run, **fields, process_start=start + 60)
        with pytest.raises(UsageError, match="already ended"):
            kill_worker(run)
        assert worker.poll() is None
        change_status(run, **fields, process_start=start, folder=run.path.stat().st_ino + 1)
        with pytest.raises(UsageError, match="already ended"):  # it is the worker of what this is a copy of
            kill_worker(run)
        change_status(run, **fields, process_start=start, folder=run.path.stat().st_ino)
        kill_worker(run)
        assert worker.wait() == -signal.SIGKILL


def test_nothing_is_killed_without_a_worker_on_this_host(run):
    with pytest.raises(UsageError, match="no worker to kill"):
        kill_worker(run)
    change_status(
        run, state="running", pid=os.getpid(), process_start=process_start(os.getpid()), host="elsewhere"
    )
    with pytest.raises(UsageError, match="on elsewhere: kill it there"):
        kill_worker(run)
