"""Telling a process from a later one that was given the same number."""

from __future__ import annotations

import psutil

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
