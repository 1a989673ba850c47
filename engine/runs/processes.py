"""One worker per run: a lock that the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from typing import TYPE_CHECKING

import psutil

from engine.errors import ResourceError
from engine.files import OpenFile, explain_os_errors
from engine.text import printable

if TYPE_CHECKING:
    from engine.runs.directory import RunDirectory


_TOLERANCE = 2.0  # seconds: the kernel reports the time of boot in whole seconds


def process_start(pid: int) -> float | None:
    """Return when process `pid` started, or None if there is none (a zombie counts as none).

    Returns:
        Seconds between the machine's boot and the process's start: unlike the time of day, no stepped clock changes it.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.create_time() - psutil.boot_time()
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return None


def process_alive(pid: int, start: float) -> bool:
    """Return whether process `pid` exists and is the one whose `process_start` was `start`."""
    found = process_start(pid)
    return found is not None and abs(found - start) <= _TOLERANCE


_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class RunLock(OpenFile):
    """Holds `worker.lock` from construction until `close` or the end of the process.

    Attributes:
        warning: One sentence if the file system knows no locks, so that nothing is held; else None.

    Raises:
        ResourceError: Another process holds it, or the file cannot be opened.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.warning: str | None = None
        with explain_os_errors(f"open {run.lock}"):
            self._file = os.open(run.lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._take(run)
            except BaseException:
                self.close()
                raise

    def _take(self, run: RunDirectory) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = printable(os.pread(self._file, 300, 0).decode(errors="replace"))
            raise ResourceError(
                f"Run {printable(run.id)} already has a worker, {holder}: stop that one first."
            ) from error
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self.warning = (
                f"The file system of {printable(run.path)} knows no locks: start one worker at a time."
            )
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
