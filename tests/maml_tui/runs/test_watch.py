from __future__ import annotations

import shutil
import socket

import pytest
from run_folders import change_status

from engine.errors import ResourceError, UsageError
from engine.runs.directory import RunDirectory
from engine.runs.result import Result, write_result
from maml_tui.runs import watch as watch_module
from maml_tui.runs.watch import RunWatch


def look(watch):
    return watch.apply(watch.fetch())


def test_a_new_run_has_nothing_to_tell_yet(run):
    watch = RunWatch(run)
    assert watch.config.training.iterations == 60
    assert watch.status.state == "queued"
    assert not look(watch)
    assert watch.version == 0


def test_news_are_shown_only_when_applied(run, write, started, train):
    watch = RunWatch(run)
    write(started(), train(1))
    batch = watch.fetch()
    assert len(watch.history.train) == 0
    assert watch.apply(batch)
    assert watch.version == 1
    assert watch.history.train.iteration.tolist() == [1]
    assert not look(watch)


def test_a_batch_that_nobody_applied_loses_nothing(run, write, train):
    watch = RunWatch(run)
    write(train(1))
    watch.fetch()
    write(train(2))
    look(watch)
    assert watch.history.train.iteration.tolist() == [1, 2]


def test_a_replaced_journal_is_read_from_its_start(run, write, train):
    watch = RunWatch(run)
    write(train(1), train(2))
    look(watch)
    run.events.unlink()
    write(train(7))
    assert look(watch)
    assert watch.history.train.iteration.tolist() == [7]


def test_an_emptied_journal_empties_the_history(run, write, train):
    watch = RunWatch(run)
    write(train(1))
    look(watch)
    run.events.write_bytes(b"")
    assert look(watch)
    assert len(watch.history.train) == 0


def test_a_long_journal_is_taken_in_piece_by_piece(run, write, train, monkeypatch):
    monkeypatch.setattr(watch_module, "_CHUNKS", 1)
    write(train(1))
    line = run.events.read_bytes()
    copies = 5 * (1 << 19) // len(line)
    run.events.write_bytes(line * copies)
    watch, counts = RunWatch(run), []
    while look(watch):
        counts.append(len(watch.history.train))
    assert len(counts) == 3
    assert counts == sorted(counts)
    assert counts[-1] == copies


def test_a_worker_that_is_gone_makes_a_run_lost(run):
    change_status(run, state="running", host=socket.gethostname(), pid=None)
    assert RunWatch(run).status.state == "lost"


def test_the_result_appears_and_goes(run):
    watch = RunWatch(run)
    result = Result(
        run=run.id,
        name="demo",
        state="done",
        iterations=60,
        seconds=1,
        parameters_sha256="0",
        measurements=(),
    )
    write_result(run.result, result)
    assert look(watch)
    assert watch.result == result
    kept = watch.result
    assert not look(watch)
    assert watch.result is kept
    run.result.unlink()
    assert look(watch)
    assert watch.result is None


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(ResourceError, match=r"is not a run: it has no config.toml"):
        RunWatch(RunDirectory(tmp_path / "none"))


def test_a_configuration_that_cannot_be_understood_is_refused(run):
    run.config.write_text("[task]\nwhat = 1\n")
    with pytest.raises(UsageError, match="what"):
        RunWatch(run)


def test_a_run_that_goes_away_is_told(run):
    watch = RunWatch(run)
    run.status.unlink()
    with pytest.raises(ResourceError, match="status"):
        watch.fetch()


def test_a_run_that_was_removed_is_said_to_be_gone(run):
    watch = RunWatch(run)
    shutil.rmtree(run.path)
    with pytest.raises(ResourceError, match=f"run {run.id} is gone.*was removed"):
        watch.fetch()
