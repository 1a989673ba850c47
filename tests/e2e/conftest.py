"""What tests with real processes share."""

from __future__ import annotations

import signal
import time

import psutil
import pytest
from environment import isolate
from pseudo_terminal import PseudoTerminal


@pytest.fixture
def terminal():
    """Open pseudo-terminals; all are closed at the end."""
    opened = []

    def open_terminal(*arguments, **options):
        opened.append(PseudoTerminal(*arguments, **options))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


@pytest.fixture
def states(tmp_path, monkeypatch):
    """A state, data and configuration directory of one's own; no worker outlives the test."""
    from engine.runs.events import LIVE_STATES
    from engine.runs.index import list_runs
    from engine.runs.launch import kill_worker

    isolate(monkeypatch, tmp_path)
    runs = tmp_path / "state" / "runs"
    yield runs
    for summary in list_runs(runs):
        if summary.status.state in LIVE_STATES:
            kill_worker(summary.run)


@pytest.fixture
def spent():
    """Return the CPU seconds that a process spends in so many seconds."""

    def measure(pid, seconds):
        process = psutil.Process(pid)
        before = process.cpu_times()
        time.sleep(seconds)
        after = process.cpu_times()
        return after.user + after.system - before.user - before.system

    return measure


@pytest.fixture
def ignoring_hangup():
    """What to do in a child so that it starts like under `nohup`."""
    return lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
