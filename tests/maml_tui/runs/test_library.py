from __future__ import annotations

import os

import pytest
from run_folders import change_status

from engine.runs.tags import write_tags
from maml_tui.runs.listing import Library


@pytest.fixture
def library(root):
    return Library(root)


def states(library):
    return {facts.run.id: facts.status.state for facts in library.read()}


def test_no_folder_no_runs(library):
    assert library.read() == []


def test_runs_come_change_and_go(library, new_run):
    first, second = new_run(state="done"), new_run(state="lost")
    assert states(library) == {first.id: "done", second.id: "lost"}
    change_status(first, state="failed")
    second.config.unlink()
    assert states(library) == {first.id: "failed"}


def test_what_did_not_change_is_not_read_again(library, new_run):
    new_run(state="done")
    (before,) = library.read()
    (after,) = library.read()
    assert after is before


def test_tags_are_seen_when_they_change(library, new_run):
    run = new_run(state="done")
    assert library.read()[0].tags.tags == ()
    write_tags(run, ["paper"], "")
    assert library.read()[0].tags.tags == ("paper",)


def test_a_live_run_is_looked_at_every_time(library, new_run):
    run = new_run(state="running", pid=os.getpid(), process_start=-1e9, host=os.uname().nodename)
    assert states(library) == {run.id: "lost"}
    change_status(run, host="elsewhere", heartbeat=2e12)
    stamp = run.path.stat().st_mtime_ns
    assert states(library) == {run.id: "running"}
    text = run.status.read_text().replace('"running"', '"paused"')
    run.status.write_text(text)  # in place: the folder is not touched
    assert run.path.stat().st_mtime_ns == stamp
    assert states(library) == {run.id: "paused"}


def test_a_damaged_status_is_a_lost_run(library, new_run):
    run = new_run()
    run.status.write_text("{")
    (found,) = library.read()
    assert found.status.state == "lost"
    assert "damaged" in found.status.reason
