"""Leaving in good order when the terminal goes away or somebody asks the process to end."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_GRACE_SECONDS = 3.0
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def leave_on_signals(leave: Callable[[int], None]) -> None:
    """Call `leave(128 + signal)` on SIGTERM and SIGHUP, even if this process was started with SIGHUP ignored.

    Textual by itself would leave the terminal in the state it set up, or spin on a terminal that is gone. Should
    leaving hang (a terminal that takes no more bytes), the process ends all the same after a few seconds.
    """
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _leave, leave, 128 + number)


def terminal_gone() -> bool:
    """Return whether the terminal that keys come from has hung up; no signal tells a process without a session."""
    stream = sys.__stdin__
    if stream is None or stream.closed:
        return False
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(happened & (select.POLLHUP | select.POLLNVAL) for _, happened in poll.poll(0))


def _leave(leave: Callable[[int], None], return_code: int) -> None:
    watchdog = threading.Timer(_GRACE_SECONDS, os._exit, (return_code,))
    watchdog.daemon = True
    watchdog.start()
    leave(return_code)
