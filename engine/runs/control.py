"""Run control: start, resume, pause, checkpoint, evaluate, stop and kill a run, for pages and commands alike.

A worker answers a request after its current iteration, so `ask` and `start` return at once with an object to poll: a
page polls it between two frames, a command waits for it with `wait`.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from engine.config.record import read_record
from engine.errors import MamlError, ResourceError, UsageError
from engine.runs.events import LIVE_STATES, RequestEvent
from engine.runs.journal import EventReader
from engine.runs.launch import Process, start_worker, worker_status
from engine.runs.repair import STATUS_REBUILT, repair_status
from engine.runs.requests import StopMode, Verb, send_request
from engine.runs.status import Status, current_status
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.runs.directory import RunDirectory

PATIENCE = 10.0
"""Seconds without an answer after which a request has timed out. It stays, and is obeyed when the worker reads it."""

_POLL_SECONDS = 0.1

_ACCEPTED: dict[str, str] = {
    "pause": "paused",
    "resume": "resumed",
    "checkpoint": "writing a checkpoint",
    "evaluate": "evaluating on validation tasks",
    "stop": "stopping",
}

Answer = Literal["accepted", "refused", "no process", "timed out"]
"""What became of a request; `no process`: the worker ended without an answer."""

_Started = TypeVar("_Started")


@dataclass(frozen=True)
class Outcome:
    """What became of a request, or of a start."""

    answer: Answer
    message: str

    def require_accepted(self) -> None:
        """Raise what a command that asked ends with, unless the answer is `accepted`.

        Raises:
            UsageError: The worker refused.
            MamlError: It did not answer.
        """
        if self.answer == "refused":
            raise UsageError(self.message)
        if self.answer != "accepted":
            raise MamlError(self.message)


class PendingRequest:
    """A request that was sent to a run's worker. A late answer is still reported after a timeout.

    Attributes:
        done: Whether the final outcome was reported: there is no need to poll again.

    Raises:
        ResourceError: The journal cannot be read, or the request not be written.
    """

    def __init__(
        self, run: RunDirectory, verb: Verb, mode: StopMode | None, clock: Callable[[], float]
    ) -> None:
        self.run = run
        self.done = False
        self._name = printable(run.id)
        self._verb = verb
        self._clock = clock
        self._reader = EventReader(run.events)
        self._reader.skip_to_end()  # before the request is sent: its answer comes after
        self._id = send_request(run, verb, mode)
        self._deadline: float | None = clock() + PATIENCE

    def poll(self) -> Outcome | None:
        """Return the outcome if it has become known since the last call.

        Raises:
            ResourceError: The run's files cannot be read.
        """
        # The status before the journal: a worker answers before it ends.
        live = current_status(self.run).state in LIVE_STATES
        for event in self._reader.read():
            if isinstance(event, RequestEvent) and event.id == self._id:
                return self._answered(event)
        if not live:
            return self._end("no process", f"run {self._name} ended before it could {self._verb}")
        if self._deadline is None or self._clock() < self._deadline:
            return None
        self._deadline = None
        return Outcome(
            "timed out",
            f"run {self._name} has not answered within {PATIENCE:.0f} s (a long iteration or evaluation?): "
            f"the request to {self._verb} stays, and is obeyed after it",
        )

    def _answered(self, event: RequestEvent) -> Outcome:
        if event.outcome == "refused":
            return self._end("refused", f"run {self._name} refused to {self._verb}: {event.reason}")
        return self._end("accepted", f"run {self._name}: {_ACCEPTED[self._verb]}")

    def _end(self, answer: Answer, message: str) -> Outcome:
        self.done = True
        return Outcome(answer, message)


class PendingStart:
    """A worker that was started and has not written its first status. Later its status says how it goes.

    Attributes:
        done: Whether it wrote its first status, or ended before it did.
    """

    def __init__(self, run: RunDirectory, process: Process) -> None:
        self.run = run
        self.done = False
        self._process = process

    def poll(self) -> Outcome | None:
        """Return why the worker ended if it did so without a status of its own."""
        with suppress(ResourceError):  # the run was removed, or its log
            status, ended = worker_status(self.run, self._process)
            if status.pid != self._process.pid:
                self.done = ended
                message = f"run {printable(self.run.id)}: {status.reason}"
                return Outcome("no process", message) if ended else None
        self.done = True
        return None


Pending: TypeAlias = PendingRequest | PendingStart
"""A request or a start whose outcome may not be known yet: poll it until it is `done`."""


def wait(pending: PendingRequest, sleep: Callable[[float], None] = time.sleep) -> Outcome:
    """Wait for the outcome of a request, `PATIENCE` at most.

    Raises:
        ResourceError: The run's files cannot be read.
    """
    while (outcome := pending.poll()) is None:
        sleep(_POLL_SECONDS)
    return outcome


def ask(
    run: RunDirectory, verb: Verb, mode: StopMode | None = None, clock: Callable[[], float] = time.monotonic
) -> PendingRequest:
    """Ask the worker of a live run to pause, resume, checkpoint, evaluate or stop.

    Raises:
        UsageError: The run is not live.
        ResourceError: Its files cannot be read, or the request not be written.
    """
    require_live(run, current_status(run))
    return PendingRequest(run, verb, mode, clock)


def start(run: RunDirectory, environment: Mapping[str, str] | None = None) -> PendingStart:
    """Start the worker of a run; see `start_worker`.

    Raises:
        ResourceError: The process cannot be started.
    """
    return PendingStart(run, start_worker(run, environment))


def resume(
    run: RunDirectory, start: Callable[[], _Started], tell: Callable[[str], object]
) -> PendingRequest | _Started:
    """Resume a run: ask the worker of a paused one, or `start` a worker for one that has none.

    Args:
        tell: Called with a sentence if the run's status was damaged and had to be rebuilt first.

    Raises:
        UsageError: The run is live and not paused, or has done everything.
        ResourceError: Its files cannot be read or written.
    """
    if repair_status(run):
        tell(f"run {printable(run.id)}: {STATUS_REBUILT}")
    status = current_status(run)
    if status.state == "paused":
        return ask(run, "resume")
    require_resumable(run, status, read_record(run.config).resolved.config.training.iterations)
    return start()


def require_live(run: RunDirectory, status: Status) -> None:
    """Make sure that a worker can be asked for something.

    Raises:
        UsageError: The run is not live.
    """
    if status.state not in LIVE_STATES:
        raise UsageError(f"run {printable(run.id)} is {status.state}: no process is running")


def require_resumable(run: RunDirectory, status: Status, iterations: int) -> None:
    """Make sure that a new worker would find something to do.

    Raises:
        UsageError: It has a worker, or has done everything.
    """
    name = printable(run.id)
    if status.state in LIVE_STATES:
        raise UsageError(f"run {name} is {status.state}: follow it with `maml attach {name}`")
    if is_complete(status, iterations, tested=run.result.exists()):
        raise UsageError(f"run {name} has done all its {iterations:,} iterations: there is nothing to resume")


def is_complete(status: Status, iterations: int, *, tested: bool) -> bool:
    """Return whether all iterations are done and the final test evaluation, too (`tested`: there is a result)."""
    return status.state == "done" and status.iteration >= iterations and tested
