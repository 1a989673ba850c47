from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import subprocess
import sys

import pytest

from engine.errors import ResourceError
from engine.runs.processes import RunLock

HOLD = (
    "import sys, pathlib\n"
    "from engine.runs.directory import RunDirectory\n"
    "from engine.runs.processes import RunLock\n"
    "lock = RunLock(RunDirectory(pathlib.Path(sys.argv[1])))\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n"
)


def test_a_second_worker_is_told_who_holds_the_run(run):
    with (
        RunLock(run) as lock,
        pytest.raises(ResourceError, match=f"process {os.getpid()} on {socket.gethostname()}"),
    ):
        RunLock(run)
    assert lock.warning is None
    RunLock(run).close()


def test_the_kernel_frees_the_lock_of_a_killed_worker(run):
    command = [sys.executable, "-c", HOLD, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ResourceError, match=f"process {holder.pid} on"):
            RunLock(run)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        RunLock(run).close()


def test_without_locks_the_worker_goes_on_with_a_warning(run, monkeypatch):
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with RunLock(run) as lock:
        assert lock.warning is not None
        assert "knows no locks" in lock.warning


def test_other_failures_are_explained(run, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(ResourceError, match="input/output error"):
        RunLock(run)
