"""Appending to `events.jsonl` and following it while it grows."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from pydantic import ValidationError

from engine.files import OpenFile, explain_os_errors
from engine.runs.events import Event, Record, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHUNK = 1 << 20


class EventWriter(OpenFile):
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
        """Append `event` in one system call and return it as written, with its `seq` and `time`.

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


class EventReader:
    """Follows a journal: each call returns what was written since the last one.

    The file may not exist yet. If another journal is in its place, or it was cut short, it is read from its start again
    and `restarts` goes up, so that a viewer knows to start over.

    Attributes:
        skipped: Lines that could not be understood: damaged, or from a newer program.
        restarts: How often another journal was found in its place.
    """

    def __init__(self, path: Path) -> None:
        self.skipped = 0
        self.restarts = 0
        self._path = path
        self._offset = 0
        self._last = b""  # the line that ends at the offset, or the end of it

    def read(self) -> list[Event]:
        """Return all new records, oldest first.

        Raises:
            ResourceError: The file exists and cannot be read.
        """
        return [event for lines in self.chunks() for event in self.parse(lines)]

    def skip_to_end(self) -> None:
        """Pass over what is there, so that only newer records are read.

        Raises:
            ResourceError: The file exists and cannot be read.
        """
        with (
            explain_os_errors(f"read {self._path}"),
            suppress(FileNotFoundError),
            self._path.open("rb") as file,
        ):
            self._offset, _ = _find_end(file.fileno())
            start = max(0, self._offset - _CHUNK)
            self._last = os.pread(file.fileno(), self._offset - start, start)[:-1].rpartition(b"\n")[2]

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
                self._start_over_if_replaced(file)
                file.seek(self._offset)
                torn = b""
                while chunk := file.read(_CHUNK):
                    # A torn line is not kept between calls: the next writer cuts it off.
                    complete, newline, torn = (torn + chunk).rpartition(b"\n")
                    if newline:
                        lines = complete.split(b"\n")
                        self._last = lines[-1]
                        self._offset += len(complete) + 1
                        yield lines

    def _start_over_if_replaced(self, file: BinaryIO) -> None:
        """Go back to the start if the line that was read last no longer ends at the offset."""
        file.seek(self._offset and self._offset - len(self._last) - 1)
        if self._offset and file.read(len(self._last) + 1) != self._last + b"\n":
            self._offset = 0
            self.restarts += 1


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
        seq = _last_seq(tail[:end].split(b"\n"))
        if seq is not None or start == 0:
            return start + end, 0 if seq is None else seq + 1
        window *= 4


def _last_seq(lines: list[bytes]) -> int | None:
    """Return the `seq` nearest the end. A first line that is only half there does not parse."""
    for line in reversed(lines):
        with suppress(ValidationError):
            return _Numbered.model_validate_json(line).seq
    return None
