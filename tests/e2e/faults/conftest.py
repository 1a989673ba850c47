"""Directories of one's own, the short run, and what it comes to when nothing disturbs it."""

from __future__ import annotations

import forked_worker
import pytest
import short_run
from environment import isolate


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """The folder of this test's runs."""
    isolate(monkeypatch, tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path / "state" / "runs"


@pytest.fixture
def new_run(runs):
    """Make a short run, some options of it changed."""
    return lambda *overrides, **how: short_run.new_run(runs, *overrides, **how)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """What the short run comes to, and the number of steps that it takes."""
    run = short_run.new_run(tmp_path_factory.mktemp("undisturbed"))
    assert forked_worker.work(run, "counted") == 0, run.log.read_text()
    return short_run.outcome(run), int(run.path.with_suffix(".steps").read_text())
