"""Waiting for a condition, but not for ever: `wait_until` in plain tests, `until` in coroutines."""

from __future__ import annotations

import asyncio
import time

PATIENCE = 60.0  # seconds that a busy machine is given for what takes one
_POLL_SECONDS = 0.02


def wait_until(condition, seconds=PATIENCE, explain=str):
    """Poll until a condition holds and return what it returned; `explain()` is the message of a failure."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, explain()
        time.sleep(_POLL_SECONDS)
    return found


async def until(condition, seconds=PATIENCE, explain=str):
    """Do the same without blocking the event loop."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, explain()
        await asyncio.sleep(_POLL_SECONDS)
    return found
