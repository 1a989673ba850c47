"""The Runs page and runs for it, without a worker."""

from __future__ import annotations

from functools import partial

import pytest
from run_folders import make_run

from maml_tui.pages.runs import screen

LIVE = {"state": "running", "host": "elsewhere", "heartbeat": 4e9, "pid": 1, "process_start": 1.0}


@pytest.fixture
def elsewhere():
    """Fields of the status of a run whose worker is on another machine."""
    return LIVE


@pytest.fixture
def new_run():
    """Return `new_run(name, **status)`, each newer than the one before."""
    clock = iter(range(1_700_000_000, 1_800_000_000, 60))
    return lambda name="demo", **status: make_run(
        name=name, clock=lambda: float(next(clock)), status={"state": "done", **status}
    )


@pytest.fixture
def three(new_run):
    """Three runs, from the oldest to the newest, so listed the other way round."""
    return [new_run("first", state="lost", reason="gone."), new_run("second"), new_run("third", **LIVE)]


@pytest.fixture
def opened(open_page, monkeypatch):
    """Return `opened(size, ...)`: the application on its Runs page, which reads all runs at every pulse."""
    monkeypatch.setattr(screen, "_MIN_PERIOD", 0.0)
    monkeypatch.setattr(screen, "_PATIENCE", 0)
    return partial(open_page, "runs", environment={"MARK": "1"})
