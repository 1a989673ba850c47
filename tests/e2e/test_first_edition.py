"""What the version before wrote is read, resumed, evaluated and used as if this one had written it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import maml
from PIL import Image

from engine.runs.checkpoints import read_pointer
from engine.runs.index import find_run, list_runs
from engine.runs.journal import EventReader
from engine.runs.result import read_result
from engine.runs.status import read_status

FIRST = Path(__file__).parents[1] / "fixtures" / "first_edition"


@pytest.fixture
def first(states, tmp_path):
    """Return a function that runs `maml` on a copy of what the version before left."""
    shutil.copytree(FIRST / "runs", states)
    for name in ("data", "config"):
        shutil.copytree(FIRST / name, tmp_path / name)
    for run in states.iterdir():
        for folder in ("control", "checkpoints"):
            (run / folder).mkdir(exist_ok=True)
    return maml


def test_every_run_is_listed_with_its_state(first, states):
    found = {one.status.name: one.status for one in list_runs(states)}
    assert {name: status.state for name, status in found.items()} == {
        "finished": "done",
        "pictures": "done",
        "stopped": "done",
    }
    assert found["stopped"].iteration == 756 and found["finished"].best_iteration == 4
    done = first("runs", "ls", "tag:good", "--json")
    assert done.returncode == 0 and '"2e09"' in done.stdout


def test_every_record_of_every_journal_is_understood(states, first):
    for run in list_runs(states):
        reader = EventReader(run.run.events)
        assert reader.read()[-1].kind == "finished" and reader.skipped == 0


def test_results_and_scores_are_shown(first):
    shown = first("runs", "show", "finished")
    assert shown.returncode == 0 and "40.00 ± 17.53" in shown.stdout


def test_a_stopped_run_is_resumed_to_its_end(first, states):
    done = first("resume", "stopped", "--plain")
    assert done.returncode == 0, done.stderr
    run = find_run("stopped", states)
    assert read_status(run).iteration == read_result(run.result).iterations == 4000


def test_checkpoints_are_evaluated(first):
    done = first("eval", "finished", "--tasks", "4", "--json")
    assert done.returncode == 0, done.stderr
    together = first("eval", "finished", "--ensemble", "2", "--tasks", "4", "--json")
    assert together.returncode == 0, together.stderr


def test_an_imported_set_is_sound_and_its_run_is_evaluated(first):
    assert first("data", "check", "birds").returncode == 0
    done = first("eval", "pictures", "--tasks", "4")
    assert done.returncode == 0, done.stderr


def test_an_exported_model_adapts(first, tmp_path):
    generator = np.random.default_rng(0)
    for name in "abcde":
        (tmp_path / "new" / name).mkdir(parents=True)
        Image.fromarray(generator.integers(0, 255, (28, 28), dtype=np.uint8)).save(
            tmp_path / "new" / name / "1.png"
        )
    model = FIRST / "finished.safetensors"
    query = tmp_path / "new" / "a" / "1.png"
    done = first("adapt", model, "--support", tmp_path / "new", "--query", query, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_settings_are_read(first, tmp_path):
    from maml_tui.app.settings import read_settings

    settings = read_settings(tmp_path / "config" / "config.toml", {})
    assert (settings.interface.theme, settings.interface.hz, settings.interface.charset) == (
        "nord",
        2,
        "block",
    )


def test_the_best_checkpoints_keep_their_order(states, first):
    assert read_pointer(find_run("finished", states), "best").iteration == 4
