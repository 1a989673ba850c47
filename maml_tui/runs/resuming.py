"""Letting a run go on, whatever kept it from doing so: what the command line and the pages share."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from engine.errors import ResourceError, UsageError
from engine.runs.events import LIVE_STATES
from engine.runs.launch import start_worker, worker_exit_reason
from engine.runs.status import read_status
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from subprocess import Popen

    from engine.runs.directory import RunDirectory
    from engine.runs.status import Status


def require_resumable(run: RunDirectory, status: Status, iterations: int) -> None:
    """Make sure that a new worker would find something to do.

    Args:
        run: The run.
        status: Where it stands now.
        iterations: How many meta-iterations it was asked for.

    Raises:
        UsageError: It has a worker, or has done everything.
    """
    name = printable(run.id)
    if status.state in LIVE_STATES:
        raise UsageError(f"run {name} is {status.state}: follow it with `maml attach {name}`")
    if is_complete(run, status, iterations):
        raise UsageError(f"run {name} has done all its {iterations:,} iterations: there is nothing to resume")


def is_complete(run: RunDirectory, status: Status, iterations: int) -> bool:
    """Return whether all iterations are done and what they reached was measured."""
    return status.state == "done" and status.iteration >= iterations and run.result.exists()


class Workers:
    """The workers that were started here, for as long as it may have to be told that one never came to life."""

    def __init__(self) -> None:
        self._starting: dict[RunDirectory, Popen[bytes]] = {}

    def start(self, run: RunDirectory, environment: Mapping[str, str]) -> None:
        """Start a worker.

        Raises:
            UsageError: One that was started before is not up yet.
            ResourceError: It cannot be started.
        """
        if run in self._starting:
            raise UsageError(f"a worker for run {printable(run.id)} is starting already")
        self._starting[run] = start_worker(run, environment)

    def stillborn(self) -> Iterator[str]:
        """Yield why a worker ended without a word, for each one that did since the last call."""
        for run, process in list(self._starting.items()):
            code = process.poll()  # before the status is read: what a process writes last must be seen
            with suppress(ResourceError):  # the run was removed, or its log
                if read_status(run).pid != process.pid:
                    if code is None:
                        continue
                    yield f"run {printable(run.id)}: {worker_exit_reason(run, code)}"
            del self._starting[run]  # from now on its status tells
