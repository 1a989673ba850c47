"""The background process of a run: configuration in, events out, obedient to requests left in its folder.

`python -m engine.worker.main RUNDIR` takes up the run from its latest checkpoint, or from the start. SIGTERM and SIGINT
save a checkpoint and end; a second one ends at once. The exit code is that of `engine.errors`; 0 when done.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.acceleration.device import (
    TRAINING_REMEDY,
    device_name,
    device_uuid,
    explain_out_of_memory,
    use_device,
)
from engine.config.own_code import use_search_path
from engine.config.record import RunRecord, read_record, versions
from engine.errors import DivergedError, MamlError, ResourceError
from engine.files import remove, write_atomic
from engine.runs.directory import RunDirectory
from engine.runs.events import FinishedEvent, StartedEvent, State, WarningEvent
from engine.runs.journal import EventWriter
from engine.runs.journal_state import JournalState
from engine.runs.processes import RunLock, process_start
from engine.runs.repair import STATUS_REBUILT, repair_locked_status
from engine.runs.requests import MalformedRequest, Request, pending
from engine.runs.status import Status, read_status
from engine.tasks.sources import verify_data
from engine.training.setup import Setup
from engine.worker.heartbeat import Heartbeat
from engine.worker.session import Session
from engine.worker.stopping import Stop
from engine.worker.telemetry import Gpu, Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.acceleration.ways import Way


def main(arguments: list[str]) -> int:
    """Work on the run whose folder is the only argument; return the process's exit code."""
    run = RunDirectory(Path(arguments[0]).absolute())
    try:
        with RunLock(run) as lock, EventWriter(run.events) as events:
            run.remove_halves()
            if lock.warning:
                events.write(WarningEvent(message=lock.warning))
            if repair_locked_status(run):
                events.write(WarningEvent(message=STATUS_REBUILT))
            return _work(run, events)
    except MamlError as error:
        print(f"maml: {error}", file=sys.stderr)
        return error.exit_code


def _work(run: RunDirectory, events: EventWriter) -> int:
    """Run the session and see to it that journal and status tell how it ended, whatever happens."""
    stop = Stop()
    stop.heed_signals()
    began = time.monotonic()
    stale = pending(run)
    with Heartbeat(run, _first_status(run), Machine()) as heartbeat:
        state: State = "done"
        code = 0
        try:
            with explain_out_of_memory(TRAINING_REMEDY):
                reason = _train(run, events, heartbeat, stop, stale)
        except MamlError as error:
            state = "diverged" if isinstance(error, DivergedError) else "failed"
            reason, code = str(error), error.exit_code
        except Exception as error:
            # The last line of defence: tell it, and keep the trace in the log.
            traceback.print_exc()
            state, reason, code = "failed", f"unexpected error, see worker.log: {error!r}", 1
        _close(events, heartbeat, state, reason, time.monotonic() - began)
    return code


def _close(events: EventWriter, heartbeat: Heartbeat, state: State, reason: str, seconds: float) -> None:
    """Tell the end to the status even where the journal cannot be written any more."""
    ended = FinishedEvent(state=state, iteration=heartbeat.status.iteration, seconds=seconds, reason=reason)
    try:
        heartbeat.update(seq=events.write(ended).seq)
    finally:
        heartbeat.update(write=True, state=state, reason=reason, eta_seconds=None, telemetry=None)


def _train(
    run: RunDirectory,
    events: EventWriter,
    heartbeat: Heartbeat,
    stop: Stop,
    stale: Sequence[Request | MalformedRequest],
) -> str:
    record = read_record(run.config)
    use_search_path(record.search_path)
    config = record.resolved.config
    device = use_device(record.device, tf32=config.training.tf32)
    heartbeat.machine.gpu = Gpu.find(device_uuid(device)) if device.type == "cuda" else None
    verify_data(config)
    setup = Setup.build(config, device)
    _hold_to_fingerprint(run, record, setup.source.fingerprint)
    session = Session(run, setup, setup.initial_state(), events, heartbeat, stop)
    session.refuse(stale, "it was made before this worker started")
    resumed_from = session.resume()
    remove(run.result)
    remove(run.scores)
    heartbeat.update(
        device=str(device),
        iterations=config.training.iterations,
        metric=config.metric,
        task=config.task_name,
    )
    before = JournalState.read(run.events).started
    path = session.prepare()
    session.emit(_started(setup, path, resumed_from))
    for message in _path_warnings(path, before, resumed_from):
        session.emit(WarningEvent(message=message))
    session.enter("running")
    reason = session.train()
    session.finish()
    session.refuse(pending(run), "the run has ended")
    return reason


def _first_status(run: RunDirectory) -> Status:
    return read_status(run).model_copy(
        update={
            "state": "warming-up",
            "reason": "",
            "pid": os.getpid(),
            "process_start": process_start(os.getpid()),
            "host": socket.gethostname(),
            "folder": run.path.stat().st_ino,
            "validated": None,
            "measured": None,
            "telemetry": None,
        }
    )


def _hold_to_fingerprint(run: RunDirectory, record: RunRecord, found: dict[str, str]) -> None:
    """Record the data's hashes at the first start; later, refuse other data."""
    if not record.fingerprint and found:
        write_atomic(run.config, replace(record, fingerprint=found).to_toml(run.id))
    elif dict(record.fingerprint) != found:
        raise ResourceError(
            f"the data set or class split has changed since run {run.id} was started: restore it "
            "(maml data check), or start a new run"
        )


def _started(setup: Setup, path: Way, resumed_from: int | None) -> StartedEvent:
    known = versions()
    return StartedEvent(
        pid=os.getpid(),
        host=socket.gethostname(),
        device=str(setup.device),
        device_name=device_name(setup.device),
        torch=known["torch"],
        python=known["python"],
        program=known["maml-tui"],
        iterations=setup.config.training.iterations,
        parameters=sum(value.numel() for value in setup.learner.model.parameters()),
        path=path.name,
        resumed_from=resumed_from,
        fingerprint=setup.source.fingerprint,
    )


def _path_warnings(path: Way, before: StartedEvent | None, resumed_from: int | None) -> tuple[str, ...]:
    if resumed_from is None or before is None or before.path == path.name:
        return path.warnings
    change = (
        f"from iteration {resumed_from} on this run takes the path {path.name}, until there it took {before.path}: "
        "it differs from an undisturbed run by rounding"
    )
    return *path.warnings, change


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
