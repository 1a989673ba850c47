"""A run that is followed from the foreground, and what Ctrl-C and SIGTERM do there: stop it with a checkpoint."""

from __future__ import annotations

import signal
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

from engine.errors import UsageError
from engine.runs import control
from engine.runs.events import ENDED_STATES, Event
from engine.runs.journal import EventReader
from engine.runs.launch import Process, worker_status
from engine.runs.status import Status, current_status, worker_alive
from maml_tui.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from types import FrameType

    from engine.runs.directory import RunDirectory


_POLL_SECONDS = 0.25  # also the fastest that anything is redrawn


class View:
    """Shows a run while it is followed; this one shows nothing."""

    def show(self, lines: Sequence[bytes], events: Sequence[Event], status: Status) -> None:
        """Show what is new: lines of the journal as they stand there, the events among them, the status."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


def follow(
    run: RunDirectory,
    view: View,
    process: Process | None = None,
    reader: EventReader | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[Status]:
    """Show the run as it goes on; yield its status after each look, the last one when it has ended.

    Args:
        process: Its worker, where it is a child of this process: then its end is the run's.
        reader: Reads the journal from where it stands; from the beginning if None.

    Raises:
        ResourceError: Journal or status cannot be read.
    """
    reader = reader or EventReader(run.events)
    with closing(view):
        while True:
            # Whether it has ended is found out first, so that whatever it wrote before is still shown.
            status, ended = _look(run, process)
            for lines in reader.chunks():
                view.show(lines, reader.parse(lines), status)
            view.show([], [], status)
            yield status
            if ended:
                return
            sleep(_POLL_SECONDS)


def exit_code(status: Status, process: Process | None = None) -> int:
    """Return the exit code for how a run ended: its worker's own where that is known and not 0."""
    code = process.poll() if process else None
    if code is not None and code > 0:
        return code
    return {"done": 0, "diverged": 4}.get(status.state, 1)


def _look(run: RunDirectory, process: Process | None) -> tuple[Status, bool]:
    """Return where the run stands and whether it has ended, with all that it writes."""
    if process is not None:
        return worker_status(run, process)
    status = current_status(run)
    # A worker that has written its last status may still have its last event to write.
    return status, status.state in ENDED_STATES and not worker_alive(run, status)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Catches the signals while entered.

    Attributes:
        received: The numbers of the signals so far.
        asked: Whether the run has been asked to stop.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.received: list[int] = []
        self._run = run
        self._announced = False
        self.asked = False
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """What a process ended by the first signal exits with; 0 if there was none."""
        return 128 + self.received[0] if self.received else 0

    def obey(self, status: Status, worker: int) -> bool:
        """Do what the signals ask for and return whether to leave at once.

        `worker` is the process id of the run's worker, which answers requests only once it trains.
        """
        if self.received and not self._announced:
            self._announced = True
            say(f"stopping run {self._run.id} with a checkpoint (once more: leave without waiting)")
        trains = status.pid == worker and status.state in ("running", "paused", "stopping")
        if self.received and trains and not self.asked:
            # It may have ended meanwhile; what answers a request is shown with all else.
            with suppress(UsageError):
                control.ask(self._run, "stop", "now")
            self.asked = True
        return len(self.received) > 1

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received.append(number)
