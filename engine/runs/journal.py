"""Appending to `events.jsonl` and following it while it grows."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from engine.files import explain_os_errors
from engine.runs.events import Event, Record, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHUNK = 1 << 20


class EventWriter:
    """The one writer of a journal. A worker that takes up a run again continues its numbering.

    A torn last line, left by a worker killed while writing, is cut off: no reader has seen it.

    Raises:
        ResourceError: The file cannot be opened or written.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        with explain_os_errors(f"open {path}"):
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            self._end, self.next_seq = _find_end(self._file)
            os.ftruncate(self._file, self._end)

    def write(self, event: Event) -> Event:
        """Append `event` in one system call.

        Returns:
            The event as written, with its `seq` and `time`.

        Raises:
            ResourceError: It could not be written whole; the file ends where it ended before.
        """
        stamped = event.model_copy(update={"seq": self.next_seq, "time": self._clock()})
        line = stamped.model_dump_json().encode() + b"\n"
        with explain_os_errors(f"write {self._path}"):
            _append(self._file, line, self._end)
        self._end += len(line)
        self.next_seq += 1
        return stamped

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EventReader:
    """Follows a journal: each call returns what was written since the last one.

    The file may not exist yet. If it is replaced or cut short it is read again from its start, and `restarts`
    goes up so that a viewer knows to start over.

    Attributes:
        skipped: Lines that could not be understood: damaged, or from a newer program.
        restarts: Times the file was found replaced.
    """

    def __init__(self, path: Path) -> None:
        self.skipped = 0
        self.restarts = 0
        self._path = path
        self._offset = 0
        self._identity: tuple[int, int] | None = None

    def read(self) -> list[Event]:
        """Return all new records, oldest first.

        Raises:
            ResourceError: The file exists and cannot be read.
        """
        return [event for lines in self.chunks() for event in self.parse(lines)]

    def parse(self, lines: list[bytes]) -> list[Event]:
        """Return the records among `lines`, counting the others in `skipped`."""
        events = [event for line in lines if (event := parse_event(line)) is not None]
        self.skipped += len(lines) - len(events)
        return events

    def chunks(self) -> Iterator[list[bytes]]:
        """Yield new complete lines, verbatim, without their newlines, about a mebibyte at a time.

        Raises:
            ResourceError: The file exists and cannot be read.
        """
        with explain_os_errors(f"read {self._path}"):
            try:
                file = self._path.open("rb")
            except FileNotFoundError:
                return
            with file:
                self._notice_replacement(os.fstat(file.fileno()))
                file.seek(self._offset)
                torn = b""
                while chunk := file.read(_CHUNK):
                    # A torn line is not kept between calls: the next writer cuts it off.
                    complete, newline, torn = (torn + chunk).rpartition(b"\n")
                    if newline:
                        self._offset += len(complete) + 1
                        yield complete.split(b"\n")

    def _notice_replacement(self, found: os.stat_result) -> None:
        identity = (found.st_dev, found.st_ino)
        if found.st_size < self._offset or self._identity not in (None, identity):
            self._offset = 0
            self.restarts += 1
        self._identity = identity


class _Numbered(Record):
    seq: int


def _append(file: int, line: bytes, end: int) -> None:
    """Write `line` whole, or leave the file with its `end` as it was."""
    try:
        if os.write(file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(file, end)
        raise


def _find_end(file: int) -> tuple[int, int]:
    """Return where the last complete line ends, in bytes, and the number that the next record takes."""
    size = os.fstat(file).st_size
    window = _CHUNK
    while True:
        start = max(0, size - window)
        tail = os.pread(file, size - start, start)
        end = tail.rfind(b"\n") + 1
        seq = _last_seq(tail[:end])
        if seq is not None or start == 0:
            return start + end, 0 if seq is None else seq + 1
        window *= 4


def _last_seq(lines: bytes) -> int | None:
    """Return the `seq` nearest the end. A first line that is only half there does not parse."""
    for line in reversed(lines.split(b"\n")):
        try:
            return _Numbered.model_validate_json(line).seq
        except ValidationError:
            continue
    return None
