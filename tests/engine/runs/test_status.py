from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from engine.errors import ResourceError
from engine.runs.events import LIVE_STATES
from engine.runs.processes import process_alive, process_start
from engine.runs.status import Status, current_status, observed_state, read_status, write_status

RUNNING = Status(state="running", name="demo", created=1.0, pid=42, host="here", heartbeat=100.0)


def test_a_status_survives_the_way_through_its_file(run):
    status = RUNNING.model_copy(update={"best": 0.93, "best_iteration": 17_000, "eta_seconds": 1.5, "seq": 8})
    write_status(run, status)
    assert read_status(run) == status


@pytest.mark.parametrize("text", ["", "{", "null", '{"state":"dancing"}', "x" * 100_000])
def test_a_damaged_status_is_explained(run, text):
    run.status.write_text(text)
    with pytest.raises(ResourceError, match=r"status\.json"):
        read_status(run)


def test_a_missing_status_is_explained(run):
    run.status.unlink()
    with pytest.raises(ResourceError, match="is missing: `maml resume"):
        read_status(run)
    run.config.unlink()  # the whole run is gone: nothing is left to rebuild it from
    with pytest.raises(ResourceError, match="no such file"):
        read_status(run)


@pytest.mark.parametrize("now", [0.0, 100.0, 1e9])
def test_on_the_workers_host_its_process_decides_whatever_the_clock_says(now):
    assert observed_state(RUNNING, now, "here", alive=True) is RUNNING
    lost = observed_state(RUNNING, now, "here", alive=False)
    assert (lost.state, lost.reason) == ("lost", "its process 42 is gone")


@pytest.mark.parametrize(("now", "state"), [(130.0, "running"), (130.1, "lost"), (-1e6, "running")])
def test_from_another_host_the_heartbeat_decides(now, state):
    observed = observed_state(RUNNING, now, "elsewhere", alive=False)
    assert observed.state == state
    assert ("no sign of life from here" in observed.reason) == (state == "lost")


@pytest.mark.parametrize("state", ["queued", "done", "failed", "diverged", "lost"])
def test_states_without_a_worker_are_believed(state):
    status = RUNNING.model_copy(update={"state": state})
    assert observed_state(status, 1e9, "here", alive=False) is status


@pytest.mark.parametrize("state", sorted(LIVE_STATES))
def test_every_live_state_needs_its_process(state):
    status = RUNNING.model_copy(update={"state": state})
    assert observed_state(status, 100.0, "here", alive=False).state == "lost"


@pytest.mark.parametrize(("shift", "state"), [(0.0, "running"), (60.0, "lost")])
def test_a_reused_process_id_is_not_mistaken_for_the_worker(run, shift, state):
    start = process_start(os.getpid())
    assert start is not None
    mine = {"pid": os.getpid(), "process_start": start + shift, "host": socket.gethostname()}
    write_status(run, RUNNING.model_copy(update=mine))
    assert current_status(run).state == state


def test_a_status_without_process_is_lost(run):
    write_status(run, RUNNING.model_copy(update={"pid": None, "host": socket.gethostname()}))
    assert current_status(run).state == "lost"


def test_a_stepped_clock_does_not_change_when_a_process_started(monkeypatch):
    before = process_start(os.getpid())
    boot, create = psutil.boot_time, psutil.Process.create_time
    monkeypatch.setattr(psutil, "boot_time", lambda: boot() - 3600)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: create(self) - 3600)
    assert before is not None
    assert process_alive(os.getpid(), before)


def test_a_zombie_is_dead():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()  # end of file: the child is ending; it is not reaped yet
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert process_start(child.pid) is None


@pytest.mark.parametrize("pid", [-1, 2**22 + 1, 2**80])
def test_impossible_process_ids_are_dead(pid):
    assert not process_alive(pid, 0.0)
