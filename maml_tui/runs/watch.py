"""A run that is watched: its status, its result and its history, read again and again."""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from engine.config.record import read_record
from engine.errors import ResourceError
from engine.files import explain_os_errors
from engine.runs.journal import EventReader
from engine.runs.result import Result, read_result
from engine.runs.status import Status, current_status
from engine.text import printable
from maml_tui.runs.history import History, HistoryBuilder

if TYPE_CHECKING:
    from engine.config.schema import RunConfig
    from engine.runs.directory import RunDirectory

_CHUNKS = 8
"""Chunks of the journal, of a mebibyte each, that one look takes in: a long journal fills the plots step by step."""


class Batch(NamedTuple):
    """What one look at the files found; the history is the same object as last time if nothing was new."""

    status: Status
    result: Result | None
    history: History


class RunWatch:
    """A run that is looked at: `fetch` in any thread, then `apply` in the one that shows it.

    Attributes:
        history: Its journal, reduced; empty before the first `apply`.
        version: Goes up whenever one of these changes.

    Raises:
        ResourceError: It is not a run, or its status cannot be read.
        UsageError: Its configuration cannot be understood.
    """

    def __init__(self, run: RunDirectory) -> None:
        if not run.config.is_file():
            raise ResourceError(f"{printable(run.path)} is not a run: it has no config.toml.")
        self.run = run
        self.record = read_record(run.config)
        self.status: Status = current_status(run)
        self.result: Result | None = None
        self.version = 0
        self._looking = threading.Lock()
        self._reader = EventReader(run.events)
        self._restarts = 0
        self._builder = HistoryBuilder(self.config)
        self.history: History = self._builder.history()
        self._result_stamp: tuple[int, int] | None = None
        self._result: Result | None = None

    @property
    def config(self) -> RunConfig:
        """Its configuration."""
        return self.record.resolved.config

    def fetch(self) -> Batch:
        """Look at the files, without touching what is shown. A first look at a long journal takes several calls.

        Raises:
            ResourceError: The run was removed, or a file cannot be read.
        """
        if not self.run.config.is_file():
            raise ResourceError(
                f"run {self.run.id} is gone: {printable(self.run.path)} was removed; what is shown is old"
            )
        with self._looking:
            # The journal is read last: a run that has ended is never shown without its end.
            status = current_status(self.run)
            self._read_result()
            self._read_journal()
            return Batch(status, self._result, self._builder.history())

    def apply(self, batch: Batch) -> bool:
        """Take over what was found; return whether anything changed."""
        if batch == (self.status, self.result, self.history):
            return False
        self.status, self.result, self.history = batch
        self.version += 1
        return True

    def _read_journal(self) -> None:
        for lines in islice(self._reader.chunks(), _CHUNKS):
            self._start_over_if_replaced()
            for event in self._reader.parse(lines):
                self._builder.add(event)
        self._start_over_if_replaced()

    def _start_over_if_replaced(self) -> None:
        if self._reader.restarts != self._restarts:
            self._restarts = self._reader.restarts
            self._builder = HistoryBuilder(self.config)

    def _read_result(self) -> None:
        """Read the result again if it is another file than last time."""
        with explain_os_errors(f"read {self.run.result}"):
            try:
                found = self.run.result.stat()
            except FileNotFoundError:
                self._result_stamp = self._result = None
                return
        stamp = (found.st_ino, found.st_mtime_ns)
        if stamp != self._result_stamp:
            self._result = read_result(self.run.result)
            self._result_stamp = stamp
