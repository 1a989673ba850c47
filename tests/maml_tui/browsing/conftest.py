"""Real run folders, with configurations and statuses as they are asked for."""

from __future__ import annotations

import pytest

from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.config.resolve import override_layer, resolve
from engine.runs.directory import create_run
from engine.runs.status import read_status, write_status
from maml_tui.browsing.facts import RunFacts


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def new_run(root):
    """Return `new_run(name, preset, "key=value", ..., status_field=value, ...)`, a run's folder."""

    def make(name="demo", preset="smoke", *settings, **status):
        resolved = resolve([load_preset(preset).layer, override_layer(list(settings))])
        run = create_run(name, RunRecord(resolved, name).to_toml, root)
        write_status(run, read_status(run).model_copy(update=status))
        return run

    return make


@pytest.fixture
def facts(new_run):
    """Return what is known of a new run: the arguments are those of `new_run`."""

    def make(*arguments, **status):
        run = new_run(*arguments, **status)
        return RunFacts(run, read_status(run))

    return make
