"""Making a run's status anew where it was lost or damaged: all that it says follows from the other files."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.config.record import read_record
from engine.errors import ResourceError
from engine.files import explain_os_errors
from engine.runs.checkpoints import read_pointer
from engine.runs.events import (
    CheckpointEvent,
    EvaluationEvent,
    FinishedEvent,
    StartedEvent,
    StateEvent,
    TrainEvent,
)
from engine.runs.journal import EventReader
from engine.runs.processes import RunLock
from engine.runs.status import Status, read_status, write_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.runs.directory import RunDirectory
    from engine.runs.events import Event

REBUILT = "status.json was missing or damaged: it was rebuilt from configuration, journal and checkpoints"


def mend_status(run: RunDirectory) -> bool:
    """Rebuild the run's status if it cannot be read and no worker is there to replace it; return whether it was done.

    Raises:
        ResourceError: A worker has the run, or its other files cannot be read or the status not be written.
        UsageError: Its configuration cannot be understood.
    """
    if _is_readable(run):
        return False
    with RunLock(run):
        return mend_own_status(run)


def mend_own_status(run: RunDirectory) -> bool:
    """Do the same for who holds the run's lock."""
    if _is_readable(run):
        return False
    write_status(run, rebuild_status(run))
    return True


def rebuild_status(run: RunDirectory, clock: Callable[[], float] = time.time) -> Status:
    """Return what the status of a run without a worker would say, from its other files.

    Raises:
        ResourceError: The journal cannot be read.
        UsageError: The configuration cannot be understood.
    """
    record = read_record(run.config)
    config = record.resolved.config
    with explain_os_errors(f"look at {run.config}"):
        created = run.config.stat().st_mtime
    told = _Told(created)
    reader = EventReader(run.events)
    for lines in reader.chunks():
        for event in reader.parse(lines):
            told.take(event)
    best = told.improvements[-1] if told.improvements else None
    return Status(
        state=told.end.state if told.end else "lost",
        reason=told.end.reason if told.end else REBUILT,
        name=record.name,
        task=config.task_name,
        metric=config.metric,
        created=told.created,
        seconds=told.seconds,
        host=told.started.host if told.started else "",
        device=told.started.device if told.started else "",
        iteration=max(told.iteration, 0 if told.end else _saved(run)),
        iterations=config.training.iterations,
        best=best.best if best else None,
        best_ci95=_ci95(best, config.evaluation.eval_steps) if best else None,
        best_iteration=best.best_iteration if best else None,
        heartbeat=clock(),
        seq=told.seq,
    )


class _Told:
    """What a journal tells of where its run stands.

    Args:
        created: When the run was made, if the journal does not know of an earlier time.
    """

    def __init__(self, created: float) -> None:
        self.created = created
        self.seq = -1
        self.iteration = 0
        self.seconds = 0.0
        self.started: StartedEvent | None = None
        self.end: FinishedEvent | None = None
        self.improvements: list[EvaluationEvent] = []
        self._worked = 0.0

    def take(self, event: Event) -> None:
        """Take in the next record."""
        self.seq = event.seq
        self.created = min(self.created, event.time)
        match event:
            case StartedEvent():
                self._start(event)
            case FinishedEvent():
                self.end, self.iteration = event, event.iteration
                self._work(event.time)
            case TrainEvent() | CheckpointEvent() | EvaluationEvent():
                self.iteration = event.iteration
                self._work(event.time)
                if isinstance(event, EvaluationEvent) and event.improved:
                    self.improvements.append(event)
            case StateEvent():
                self._work(event.time)

    def _start(self, event: StartedEvent) -> None:
        self.started, self.end = event, None
        self.iteration = event.resumed_from or 0
        self._worked = event.time
        self.improvements = [one for one in self.improvements if one.iteration <= self.iteration]

    def _work(self, until: float) -> None:
        """Count the time since the worker's last sign of life as spent on the run."""
        if self.started:
            self.seconds += max(0.0, until - self._worked)
            self._worked = until


def _is_readable(run: RunDirectory) -> bool:
    try:
        read_status(run)
    except ResourceError:
        return False
    return True


def _saved(run: RunDirectory) -> int:
    """Return the iteration of the newest checkpoint; 0 if there is none that can be understood."""
    with suppress(ResourceError):
        pointer = read_pointer(run, "latest")
        return pointer.iteration if pointer else 0
    return 0


def _ci95(event: EvaluationEvent, step: int) -> float:
    return event.measurement.series[min(step, event.measurement.protocol.steps)].ci95
