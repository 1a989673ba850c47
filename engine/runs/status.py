"""Where a run stands: a snapshot that its worker replaces every second or two, and what a viewer may believe of it."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from engine.errors import ResourceError
from engine.files import explain_os_errors, write_atomic
from engine.runs.events import LIVE_STATES, Record, State, optional, read_json
from engine.runs.processes import process_alive
from engine.text import printable

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory

LOST_AFTER = 30.0
"""Seconds without a heartbeat after which a run on another host counts as lost."""

_MAX_BYTES = 1 << 16


class GpuTelemetry(Record):
    """What a GPU is doing; null for what it does not report."""

    name: str = Field(description="what the GPU calls itself")
    utilization: float | None = optional("share of the time that it computes, per cent")
    memory_used: int | None = optional("memory in use by all processes, bytes")
    memory_total: int | None = optional("its memory, bytes")
    power: float | None = optional("power drawn, watts")
    temperature: float | None = optional("temperature, degrees Celsius")
    sm_clock: int | None = optional("clock of its multiprocessors, MHz")


class Telemetry(Record):
    """What the worker and its machine are doing."""

    time: float = Field(description="when this was sampled, Unix seconds on the worker's host")
    cpu_percent: float = Field(description="processor time the worker takes, per cent of one core")
    cores: int | None = optional("logical cores of the machine")
    rss: int = Field(description="main memory the worker occupies, bytes")
    memory_used: int = Field(description="main memory in use by all processes, bytes")
    memory_total: int = Field(description="main memory of the machine, bytes")
    gpu: GpuTelemetry | None = optional("the worker's GPU; null without one")


class Status(Record):
    """The contents of `status.json`. A worker starts from the status it finds, so `name` and `created` stay."""

    state: State = Field(description="where the run stands")
    reason: str = Field(default="", description="why it is in that state, in words")
    name: str = Field(description="the run's name")
    task: str = Field(
        default="", description="what is learned, e.g. omniglot 20-way 1-shot; equal if comparable"
    )
    metric: Literal["accuracy", "mse"] | None = optional("the quantity `best` is of")
    created: float = Field(description="when the run was created, Unix seconds")
    seconds: float = Field(default=0.0, description="time spent on it by all its workers, seconds")
    pid: int | None = optional("process id of the worker; null before the first one")
    process_start: float | None = optional("processes.process_start(pid)")
    host: str = Field(default="", description="host name of the worker")
    folder: int | None = optional("inode of the folder it works in, by which a copy of it is told apart")
    device: str = Field(default="", description="torch device, e.g. cuda:0")
    iteration: int = Field(default=0, description="meta-updates done")
    iterations: int | None = optional("meta-iterations in total; null before the start")
    iterations_per_second: float | None = optional("recent speed")
    eta_seconds: float | None = optional("estimated time left, seconds")
    best: float | None = optional("best validation value of the metric")
    best_ci95: float | None = optional("half-width of its 95 % confidence interval")
    best_iteration: int | None = optional("iteration of the best value")
    heartbeat: float = Field(description="when this was written, Unix seconds on the worker's host")
    seq: int = Field(default=-1, description="seq of the newest event record; -1 before the first")
    validated: float | None = optional("share of a validation that is done, 0 to 1; null while none is made")
    measured: float | None = optional("share of the final measurement that is done, 0 to 1; null before it")
    telemetry: Telemetry | None = optional("the worker's machine; null without a worker")


def write_status(run: RunDirectory, status: Status) -> None:
    """Replace the run's status.

    Raises:
        ResourceError: It cannot be written.
    """
    write_atomic(run.status, status.model_dump_json() + "\n")


def read_status(run: RunDirectory) -> Status:
    """Return the status as its worker last wrote it, which may be long ago: see `current_status`.

    Raises:
        ResourceError: There is none, or it cannot be understood.
    """
    advice = f"`maml resume {printable(run.id)}` rebuilds it from configuration, journal and checkpoints."
    status = read_json(run.status, Status, _MAX_BYTES, advice)
    if status is not None:
        return status
    if run.config.exists():
        raise ResourceError(f"{printable(run.status)} is missing: {advice}")
    raise ResourceError(f"{printable(run.status)}: no such file, and no run in its folder.")


def observed_state(status: Status, now: float, host: str, alive: bool) -> Status:
    """Return what a viewer on `host` should believe: `status` itself, or a copy in the state `lost` that says why.

    On the worker's own host its process decides. From elsewhere only the heartbeat can; one from the future (the
    clocks differ, or one was set back) counts as fresh.

    Args:
        now: Unix seconds.
        alive: Whether the worker's process exists on this machine.
    """
    if status.state not in LIVE_STATES:
        return status
    silence = now - status.heartbeat
    reason = ""
    if status.host == host and not alive:
        reason = f"its process {status.pid} is gone"
    elif status.host != host and silence > LOST_AFTER:
        reason = f"no sign of life from {printable(status.host)} for {silence:.0f} s"
    return status.model_copy(update={"state": "lost", "reason": reason}) if reason else status


def current_status(run: RunDirectory) -> Status:
    """Read the run's status and judge it by this machine's clock and processes.

    Raises:
        ResourceError: There is no status, or it cannot be understood.
    """
    status = read_status(run)
    host = socket.gethostname()
    return observed_state(status, time.time(), host, status.host == host and worker_alive(run, status))


def worker_alive(run: RunDirectory, status: Status) -> bool:
    """Return whether the process that wrote `status` exists on this machine and works on `run`, not on its original.

    Raises:
        ResourceError: The run's folder cannot be looked at.
    """
    if status.pid is None or status.process_start is None:
        return False
    with explain_os_errors(f"look at {run.path}"):
        if status.folder not in (None, run.path.stat().st_ino):
            return False
    return process_alive(status.pid, status.process_start)
