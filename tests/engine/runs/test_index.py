from __future__ import annotations

import os
import shutil
import socket

import pytest

from engine.errors import ResourceError, UsageError
from engine.runs import index
from engine.runs.directory import RunDirectory
from engine.runs.index import find_run, list_runs, remove_run
from engine.runs.processes import RunLock, process_start
from engine.runs.status import Status, current_status, write_status


def make(root, run_id, created=0.0, **fields) -> RunDirectory:
    run = RunDirectory(root / run_id)
    run.path.mkdir(parents=True)
    run.config.write_text("")
    write_status(
        run, Status(**{"state": "done", "name": "demo", "created": created, "heartbeat": created} | fields)
    )
    return run


def test_runs_come_newest_first(tmp_path):
    for run_id, created in [("aaaa", 2.0), ("bbbb", 3.0), ("cccc", 1.0)]:
        make(tmp_path, run_id, created)
    assert [summary.run.id for summary in list_runs(tmp_path)] == ["bbbb", "aaaa", "cccc"]


def test_no_folder_means_no_runs(tmp_path):
    assert list_runs(tmp_path / "absent") == []


def test_what_is_no_run_is_not_listed(tmp_path):
    (tmp_path / "being-made").mkdir()
    (tmp_path / "file").write_text("")
    make(tmp_path, ".hidden")
    assert list_runs(tmp_path) == []


def test_a_run_whose_status_is_damaged_is_listed_as_lost(tmp_path):
    run = make(tmp_path, "aaaa")
    run.status.write_text("{")
    (summary,) = list_runs(tmp_path)
    assert summary.status.state == "lost"
    assert "damaged" in summary.status.reason


def test_a_run_removed_while_listing_does_no_harm(tmp_path, monkeypatch):
    kept, removed = make(tmp_path, "aaaa", 1.0), make(tmp_path, "bbbb", 2.0)

    def read_late(run: RunDirectory) -> Status:
        if run == removed:
            shutil.rmtree(run.path)
        return current_status(run)

    monkeypatch.setattr(index, "current_status", read_late)
    assert [summary.run for summary in list_runs(tmp_path) if summary.status.state == "done"] == [kept]


def test_listing_judges_liveness(tmp_path):
    make(tmp_path, "aaaa", state="running", pid=2**22 + 1, process_start=1.0, host=socket.gethostname())
    assert list_runs(tmp_path)[0].status.state == "lost"


def test_an_id_beats_a_name_beats_the_beginning_of_an_id(tmp_path):
    make(tmp_path, "cafe", name="other")
    make(tmp_path, "beef12", name="cafe")
    make(tmp_path, "beef34", name="beef")
    assert find_run("cafe", tmp_path).id == "cafe"
    assert find_run("beef", tmp_path).id == "beef34"
    assert find_run("beef1", tmp_path).id == "beef12"


def test_of_runs_with_one_name_the_newest_is_meant(tmp_path):
    make(tmp_path, "aaaa", 1.0, name="same")
    make(tmp_path, "bbbb", 2.0, name="same")
    assert find_run("same", tmp_path).id == "bbbb"


def test_an_ambiguous_beginning_lists_the_candidates(tmp_path):
    make(tmp_path, "ab01")
    make(tmp_path, "ab02")
    with pytest.raises(UsageError, match=r"2 runs have ids that begin with 'ab': ab01, ab02\."):
        find_run("ab", tmp_path)


def test_a_path_is_a_reference(tmp_path, monkeypatch):
    run = make(tmp_path / "elsewhere", "aaaa")
    assert find_run(f"{run.path}/", tmp_path) == run
    monkeypatch.chdir(tmp_path)
    assert find_run("./elsewhere/aaaa", tmp_path) == run


@pytest.mark.parametrize("path", ["./nothing", "a/\0", "a/" + "x" * 5000, "\x1b/"])
def test_a_path_without_a_run_is_refused(path, tmp_path):
    with pytest.raises(UsageError, match="is not a run") as caught:
        find_run(path, tmp_path)
    assert str(caught.value).isprintable()


def test_an_unknown_name_brings_the_nearest(tmp_path):
    make(tmp_path, "aaaa", name="omniglot-5w1s")
    with pytest.raises(UsageError, match="did you mean omniglot-5w1s"):
        find_run("omnigolt-5w1s", tmp_path)
    for reference in ("zzzzzz", "", "..", "@first", "a\0"):
        with pytest.raises(UsageError, match="`maml runs ls` lists them all"):
            find_run(reference, tmp_path)


def test_without_runs_the_way_to_the_first_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no runs in .* yet"):
        find_run("@last", tmp_path)


def test_last_is_the_newest(tmp_path):
    make(tmp_path, "aaaa", 1.0)
    make(tmp_path, "bbbb", 2.0, state="failed")
    assert find_run("@last", tmp_path).id == "bbbb"


@pytest.mark.parametrize(("metric", "winner"), [("accuracy", "aaaa"), ("mse", "bbbb")])
def test_best_is_the_best_finished_run_of_the_newest_runs_task(tmp_path, metric, winner):
    make(tmp_path, "aaaa", 1.0, task="t", metric=metric, best=0.9)
    make(tmp_path, "bbbb", 2.0, task="t", metric=metric, best=0.1)
    make(tmp_path, "cccc", 3.0, task="other", metric=metric, best=5.0)
    make(tmp_path, "dddd", 4.0, task="t", metric=metric, best=-5.0, state="failed")
    make(tmp_path, "eeee", 5.0, task="t", metric=metric, best=None)
    assert find_run("@best", tmp_path).id == winner


def test_best_of_nothing_is_refused(tmp_path):
    make(tmp_path, "aaaa", task="t", metric="accuracy")
    with pytest.raises(UsageError, match="@best needs a finished"):
        find_run("@best", tmp_path)


def test_a_finished_run_is_removed(run):
    remove_run(run)
    assert not run.path.exists()


def test_a_live_run_is_kept(tmp_path):
    me = {"pid": os.getpid(), "process_start": process_start(os.getpid()), "host": socket.gethostname()}
    run = make(tmp_path, "aaaa", state="paused", **me)
    with pytest.raises(UsageError, match="is live"):
        remove_run(run)
    assert run.config.exists()


def test_a_run_whose_worker_is_just_starting_is_kept(run):
    with RunLock(run), pytest.raises(ResourceError, match="already has a worker"):
        remove_run(run)
    assert run.config.exists()


def test_only_runs_are_removed(tmp_path):
    with pytest.raises(UsageError, match="is not a run"):
        remove_run(RunDirectory(tmp_path))
    assert tmp_path.exists()
