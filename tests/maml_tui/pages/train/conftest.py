"""Runs in every state for the Train page, whose worker is this very process."""

from __future__ import annotations

import time

import pytest

STATES = {
    "queued": {},
    "warming-up": {},
    "running": {"iteration": 30},
    "paused": {"iteration": 30, "reason": "by request"},
    "stopping": {"iteration": 30, "reason": "by request"},
    "measuring": {"state": "running", "iteration": 60, "measured": 0.25},
    "done": {"iteration": 60, "reason": "all iterations done"},
    "failed": {"reason": "device 'cuda:7' is not on this machine"},
    "diverged": {"iteration": 30, "reason": "meta-gradients were not finite"},
    "lost": {"state": "running", "iteration": 30, "pid": 2**22 - 1, "process_start": 1.0},
}


@pytest.fixture
def new_run(run_with):
    """Make a run whose last sign of life is of just now."""
    return lambda *events, **kwargs: run_with(*events, **{"heartbeat": time.time(), **kwargs})


@pytest.fixture
def full(new_run, records, result):
    """Make a run in some state, with something to show of everything."""

    def make(kind, **changes):
        told = [records.trained(i) for i in range(1, 30)] + [records.validation(20), records.saved(20)]
        status = {"state": kind, "telemetry": records.sample(), **STATES[kind], **changes}
        return new_run(*told, result=result if kind == "done" else None, **status)

    return make
