"""A run's worker process: started so that nothing done to the terminal touches it, watched, and killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from engine.errors import UsageError
from engine.files import explain_os_errors, last_line
from engine.runs.events import ENDED_STATES, LIVE_STATES, State
from engine.runs.status import Status, read_status, worker_alive
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.runs.directory import RunDirectory

Process: TypeAlias = subprocess.Popen[bytes]

_STARTING: frozenset[State] = frozenset({"queued", "warming-up"})
_POLL_SECONDS = 0.05

# OpenMP threads that wait burn a core. On a machine with other work (a second run) the default, milliseconds long,
# makes both several times slower; this many turns cost a run that is alone nothing that can be measured.
_SPIN = "10000"


def start_worker(run: RunDirectory, environment: Mapping[str, str] | None = None) -> Process:
    """Start the worker of `run` in a session of its own, without a terminal, its output in `worker.log`.

    Args:
        environment: The worker's environment; this process's if None. (Textual removes NO_COLOR from its own.)

    Raises:
        ResourceError: The process cannot be started.
    """
    # -P: a folder called `engine` where the user happens to stand must not be taken for ours.
    command = [sys.executable, "-P", "-m", "engine.worker.main", str(run.path)]
    with explain_os_errors(f"start a worker for run {run.id}"):
        log = os.open(run.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=worker_environment(os.environ if environment is None else environment),
                start_new_session=True,
            )
        finally:
            os.close(log)


def wait_until_ready(
    run: RunDirectory,
    process: Process,
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Status:
    """Wait until the worker trains, has ended, or `timeout` seconds are over; return the status, see `worker_status`.

    Raises:
        ResourceError: The status or the log cannot be read.
    """
    deadline = clock() + timeout
    while True:
        status, ended = worker_status(run, process)
        if ended or status.state not in _STARTING or clock() >= deadline:
            return status
        sleep(_POLL_SECONDS)


def worker_status(run: RunDirectory, process: Process) -> tuple[Status, bool]:
    """Return where a run stands whose worker is a child of this process, and whether that worker has ended.

    Returns:
        The status that `process` wrote; `queued` until it wrote one, whatever an earlier worker wrote. If it ended
        without saying how, the run is `lost`, or `failed` before its first status, with the reason.

    Raises:
        ResourceError: The status or the log cannot be read.
    """
    code = process.poll()  # before the status is read: what a process writes last must be seen
    status = read_status(run)
    own = status.pid == process.pid
    if code is None:
        return status if own else status.model_copy(update={"state": "queued", "reason": ""}), False
    if own and status.state in ENDED_STATES:
        return status, True
    state = "lost" if own and status.state in LIVE_STATES else "failed"
    return status.model_copy(update={"state": state, "reason": worker_exit_reason(run, code)}), True


def worker_exit_reason(run: RunDirectory, exit_status: int) -> str:
    """Return why a worker that wrote no last status ended: the signal, or the last line of its log."""
    if exit_status < 0:
        return f"the worker was ended by signal {-exit_status} ({signal.strsignal(-exit_status)})"
    with explain_os_errors(f"read {run.log}"), run.log.open("rb") as log:
        return f"the worker ended with exit status {exit_status}: {last_line(log)}"


def kill_worker(run: RunDirectory) -> None:
    """End the worker at once (SIGKILL), with the processes it started. Work since the last checkpoint is lost.

    Raises:
        UsageError: It runs on another host, or not at all.
        ResourceError: The status cannot be read, or the process cannot be signalled.
    """
    status = read_status(run)
    if status.pid is None:
        raise UsageError(f"Run {printable(run.id)} has no worker to kill.")
    if status.host != socket.gethostname():
        raise UsageError(
            f"The worker of run {printable(run.id)} is on {printable(status.host)}: kill it there."
        )
    if not worker_alive(run, status):
        raise UsageError(f"The worker of run {printable(run.id)} has already ended.")
    with explain_os_errors(f"kill process {status.pid}"):
        if os.getpgid(status.pid) == status.pid:
            os.killpg(status.pid, signal.SIGKILL)
        else:
            os.kill(status.pid, signal.SIGKILL)


def worker_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return `given` with what a process needs to import this program from a source tree and to log crashes."""
    environment = {"PYTHONFAULTHANDLER": "1", "GOMP_SPINCOUNT": _SPIN, **given}
    source = Path(__file__).resolve().parents[2]
    if (source / "pyproject.toml").is_file():
        inherited = given.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([str(source), *([inherited] if inherited else [])])
    return environment
