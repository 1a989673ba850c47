import asyncio
import os
import pty
import signal
import sys

import pytest
from deadline import PATIENCE

from maml_tui.app import terminal as signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_leaves_with_its_number(monkeypatch, number):
    ended = []

    class Timer:
        def __init__(self, seconds, function, arguments):
            ended.append((seconds, function, arguments))

        def start(self):
            pass

    monkeypatch.setattr(signals.threading, "Timer", Timer)

    left = asyncio.get_running_loop().create_future()
    signals.leave_on_signals(left.set_result)
    os.kill(os.getpid(), number)
    assert await asyncio.wait_for(left, PATIENCE) == 128 + number
    assert ended == [(3.0, os._exit, (128 + number,))]  # should leaving hang


def test_a_terminal_that_hung_up_is_noticed_without_a_signal(monkeypatch):
    master, slave = pty.openpty()
    with os.fdopen(slave) as stream:
        monkeypatch.setattr(sys, "__stdin__", stream)
        assert not signals.terminal_gone()
        os.close(master)
        assert signals.terminal_gone()


def test_no_stdin_at_all_is_no_terminal_that_went(monkeypatch):
    monkeypatch.setattr(sys, "__stdin__", None)
    assert not signals.terminal_gone()
