"""Directories of their own, drafts, runs on disk."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from engine.runs.directory import create_run
from engine.services.messages import ESTIMATE, Costs
from maml_tui.app.app import MamlApp
from maml_tui.pages.setup.draft import Base, Draft
from maml_tui.runs.new_run import Request

COSTS = Costs(
    device="cpu",
    device_name="x86_64",
    iterations_per_second=2.4,
    iterations_per_second_p90=2.2,
    memory_peak=3 << 30,
    memory_total=16 << 30,
    seconds=3600,
    parameters=111_749,
    checkpoint_bytes=1,
)


@pytest.fixture
def home(tmp_path):
    """The folder of this test's state, data and configuration."""
    return tmp_path


@pytest.fixture
def draft():
    """Make a draft of a preset: `draft("smoke", inner_lr="0.1")`."""

    def make(preset="smoke", **edits):
        made = Draft(Base.of_preset(preset))
        for option, text in edits.items():
            made = made.edited(option, text)
        return made

    return make


@pytest.fixture
def new_run():
    """Make a run as the command line would: `new_run("smoke", "seed=3", name=..., device=...)`."""

    def make(preset, *settings, file=None, name=None, device="auto"):
        record = Request(preset, file, settings, name, device).record()
        return create_run(record.name, record.to_toml)

    return make


@pytest.fixture
def opened(open_page):
    """Return `opened(size, ...)`: the application on its Setup page; names in capitals are its environment."""

    def open_at(size=(120, 40), charset="unicode", readonly=False, **environment):
        environment = {"CUDA_VISIBLE_DEVICES": "", **environment}
        return open_page("setup", size, charset=charset, readonly=readonly, environment=environment)

    return open_at


@pytest.fixture
def started(monkeypatch):
    """Stand in for workers and the Train page: keep what was started, with which environment, and what was opened."""
    kept, worker = SimpleNamespace(workers=[], opened=[]), SimpleNamespace(pid=1, poll=lambda: None)
    monkeypatch.setattr(
        "engine.runs.control.start_worker",
        lambda run, environment: kept.workers.append((run, environment)) or worker,
    )
    monkeypatch.setattr(MamlApp, "open_run", lambda self, run: kept.opened.append(run))
    return kept


@pytest.fixture
def measured(monkeypatch):
    """Stand in for the process that measures: `measured.answer` is what it gives, or raises, once `go` is set."""
    kept = SimpleNamespace(answer=COSTS, questions=[], cancelled=0, go=None)

    async def measure(service, question, environment):
        assert service is ESTIMATE
        kept.go = kept.go or asyncio.Event()
        kept.questions.append((question, environment))
        try:
            await kept.go.wait()
        except asyncio.CancelledError:
            kept.cancelled += 1
            raise
        if isinstance(kept.answer, Exception):
            raise kept.answer
        return kept.answer

    monkeypatch.setattr("engine.services.client.ask_async", measure)
    return kept
