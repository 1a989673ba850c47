"""Directories of their own, drafts, runs on disk."""

from __future__ import annotations

import pytest

from engine.runs.directory import create_run
from maml_tui.pages.setup.draft import Base, Draft
from maml_tui.runs.new_run import Request


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Every test has directories of its own."""
    for name in ("STATE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"MAML_{name}_DIR", str(tmp_path / name.lower()))
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
