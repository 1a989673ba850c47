"""Repair of a run's status where it was lost or damaged: all that it says follows from the other files."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.config.record import read_record
from engine.errors import ResourceError
from engine.files import explain_os_errors
from engine.runs.checkpoints import read_pointer
from engine.runs.journal_state import JournalState
from engine.runs.processes import RunLock
from engine.runs.status import Status, read_status, write_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.runs.directory import RunDirectory

STATUS_REBUILT = (
    "status.json was missing or damaged: it was rebuilt from configuration, journal and checkpoints"
)


def repair_status(run: RunDirectory) -> bool:
    """Rebuild the run's status if it cannot be read and no worker is there to replace it; return whether it was done.

    Raises:
        ResourceError: A worker has the run, or its other files cannot be read or the status not be written.
        UsageError: Its configuration cannot be understood.
    """
    if _is_readable(run):
        return False
    with RunLock(run):
        return repair_locked_status(run)


def repair_locked_status(run: RunDirectory) -> bool:
    """Do the same as the holder of the run's lock."""
    if _is_readable(run):
        return False
    write_status(run, rebuild_status(run))
    return True


def rebuild_status(run: RunDirectory, clock: Callable[[], float] = time.time) -> Status:
    """Return the status of a run without a worker, from its other files.

    Raises:
        ResourceError: The journal cannot be read.
        UsageError: The configuration cannot be understood.
    """
    record = read_record(run.config)
    config = record.resolved.config
    with explain_os_errors(f"look at {run.config}"):
        created = run.config.stat().st_mtime
    journal = JournalState.read(run.events)
    started, finished, best = journal.started, journal.finished, journal.best
    return Status(
        state=finished.state if finished else "lost",
        reason=finished.reason if finished else STATUS_REBUILT,
        name=record.name,
        task=config.task_name,
        metric=config.metric,
        created=min(created, journal.created),
        seconds=journal.worker_seconds,
        host=started.host if started else "",
        device=started.device if started else "",
        iteration=max(journal.iteration, 0 if finished else _saved_iteration(run)),
        iterations=config.training.iterations,
        best=best.best if best else None,
        best_ci95=best.measurement.scored(config.evaluation.eval_steps).ci95 if best else None,
        best_iteration=best.best_iteration if best else None,
        heartbeat=clock(),
        seq=journal.seq,
    )


def _is_readable(run: RunDirectory) -> bool:
    try:
        read_status(run)
    except ResourceError:
        return False
    return True


def _saved_iteration(run: RunDirectory) -> int:
    """Return the iteration of the newest checkpoint; 0 if there is none that can be understood."""
    with suppress(ResourceError):
        pointer = read_pointer(run, "latest")
        return pointer.iteration if pointer else 0
    return 0
