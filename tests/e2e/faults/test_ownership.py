"""Whose run it is: two workers, a lock that nobody holds, another host, copies."""

from __future__ import annotations

import shutil
import time

import forked_worker
import pytest
from deadline import wait_until
from short_run import assert_unharmed, finish, said

from engine.errors import UsageError
from engine.runs.directory import RunDirectory
from engine.runs.launch import kill_worker
from engine.runs.status import current_status, read_status, write_status
from maml_tui.cli import run as maml

ENDLESS = ("iterations=1000000", "eval_every=0", "checkpoint_every=50", "keep_best=1")


@pytest.fixture
def live(new_run):
    """A run that trains for as long as the test may last."""
    run = new_run(*ENDLESS)
    worker = forked_worker.start(run)
    wait_until(lambda: (run.checkpoints / "latest.json").exists() or worker.exitcode is not None)
    assert worker.exitcode is None
    yield run
    worker.kill()
    worker.join()


def test_a_second_worker_is_refused_and_disturbs_nothing(live):
    before, pid = read_status(live).iteration, read_status(live).pid
    journal = live.events.stat().st_ino
    assert forked_worker.work(live) == 3
    assert f"already has a worker, process {pid} on" in live.log.read_text()
    assert (read_status(live).pid, live.events.stat().st_ino) == (pid, journal)
    wait_until(lambda: read_status(live).iteration > before)
    assert current_status(live).state == "running"


@pytest.mark.parametrize("holder", ["process 1 on elsewhere", "process 999999 on here", "", "\x1b[31m"])
def test_a_lock_that_nobody_holds_keeps_nobody_out(new_run, undisturbed, holder):
    run = new_run()
    run.lock.write_text(holder)
    finish(run, undisturbed[0])


def test_a_run_live_on_another_host_is_left_alone_and_a_silent_one_is_resumed(new_run, undisturbed, capsys):
    run = new_run()
    status = read_status(run).model_copy(update={"state": "running", "pid": 1, "host": "elsewhere"})
    write_status(run, status.model_copy(update={"heartbeat": time.time()}))
    assert maml(["resume", run.id]) == 2
    assert f"run {run.id} is running: follow it with `maml attach {run.id}`" in capsys.readouterr().err
    assert maml(["stop", run.id, "--kill", "--yes"]) == 2
    assert "is on elsewhere: kill it there" in capsys.readouterr().err
    write_status(run, status.model_copy(update={"heartbeat": time.time() - 60}))
    assert current_status(run).state == "lost"
    finish(run, undisturbed[0])


def test_a_copy_made_in_mid_run_can_be_resumed_and_does_not_touch_its_original(live):
    pid = read_status(live).pid
    copy = RunDirectory(live.path.parent / "copy")
    while True:  # a file that is replaced while it is copied is the copier's to try again
        try:
            shutil.copytree(live.path, copy.path)
            break
        except shutil.Error:
            shutil.rmtree(copy.path)
    assert current_status(copy).state == "lost"
    with pytest.raises(UsageError, match="already ended"):
        kill_worker(copy)
    code = forked_worker.start(copy)

    def runs():
        return read_status(copy).pid != pid and current_status(copy).state == "running"

    wait_until(lambda: runs() or code.exitcode is not None)
    assert code.exitcode is None or "is missing: use the best checkpoint" in said(copy, code.exitcode)
    code.kill()
    code.join()
    assert (current_status(live).state, read_status(live).pid) == ("running", pid)


def test_a_finished_run_moved_elsewhere_is_the_same_run(new_run, undisturbed, tmp_path):
    run = new_run()
    finish(run, undisturbed[0])
    moved = RunDirectory(run.path.rename(tmp_path / "moved"))
    assert_unharmed(moved, undisturbed[0])
