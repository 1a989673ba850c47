"""Keeping `status.json` fresh from a thread of its own, however long an iteration takes."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Self

from engine.errors import MamlError
from engine.runs.status import Status, write_status

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory
    from engine.worker.telemetry import Machine

_SECONDS = 1.0
_BEATS_PER_SAMPLE = 2
_PATIENCE = 30.0  # seconds: a full disk or a network drive may recover


class Heartbeat:
    """Writes a run's status every second, and at once when it is told of a new state.

    Attributes:
        status: The newest; change it through `update`.
        machine: What a sample is taken of every other second; the worker sets its `gpu`.
        failure: Why the status has not been writable for half a minute, or None; the worker raises it.
    """

    def __init__(self, run: RunDirectory, status: Status, machine: Machine) -> None:
        self.status, self.machine = status, machine
        self.failure: MamlError | None = None
        self._run = run
        self._before, self._began = status.seconds, time.monotonic()
        # Two locks, so that training never waits for the disk.
        self._changing, self._writing = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def update(self, *, write: bool = False, **changes: object) -> None:
        """Change fields of the status; `write` it now rather than with the next beat."""
        with self._changing:
            self.status = self.status.model_copy(update=changes)
        if write:
            self._write()

    def __enter__(self) -> Self:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        written = time.monotonic()
        for beat in itertools.count():
            if self._ended.wait(_SECONDS):
                return
            if beat % _BEATS_PER_SAMPLE == 0:
                self.update(telemetry=self.machine.sample())
            try:
                self._write()
                written, self.failure = time.monotonic(), None
            except MamlError as error:
                if time.monotonic() > written + _PATIENCE:
                    self.failure = error

    def _write(self) -> None:
        with self._writing:
            seconds = self._before + time.monotonic() - self._began
            self.update(heartbeat=time.time(), seconds=seconds)
            write_status(self._run, self.status)
