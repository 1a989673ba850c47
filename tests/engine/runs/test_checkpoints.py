from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from engine.config.schema import MAX_KEPT
from engine.errors import ResourceError
from engine.runs.checkpoints import (
    Standing,
    load_best,
    load_checkpoint,
    read_pointer,
    read_ranking,
    save_checkpoint,
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it in earnest."""


def data_files(run) -> set[str]:
    return {path.name for path in run.checkpoints.glob("*.pt")}


def test_what_was_saved_is_loaded(run):
    record = save_checkpoint(run, 12, b"theta", {"latest"}, clock=lambda: 9.0)
    assert record.file == f"iter-00000012-{hashlib.sha256(b'theta').hexdigest()[:8]}.pt"
    assert load_checkpoint(run, "latest") == (record, b"theta")
    assert (record.iteration, record.bytes, record.time) == (12, 5, 9.0)
    assert read_pointer(run, "best") is None


def test_latest_and_best_share_a_file_and_part_later(run):
    both = save_checkpoint(run, 1, b"one", {"latest", "best"})
    assert data_files(run) == {both.file}
    second = save_checkpoint(run, 2, b"two", {"latest"})
    third = save_checkpoint(run, 3, b"three", {"latest"})
    assert data_files(run) == {both.file, third.file}
    assert second.file not in data_files(run)
    assert load_checkpoint(run, "best")[1] == b"one"


def test_an_iteration_saved_again_does_not_touch_the_file_another_pointer_names(run):
    best = save_checkpoint(run, 5, b"first", {"best"})
    again = save_checkpoint(run, 5, b"second", {"latest"})
    assert best.file != again.file
    assert load_checkpoint(run, "best")[1] == b"first"
    assert load_checkpoint(run, "latest")[1] == b"second"
    save_checkpoint(run, 5, b"second", {"latest"})
    assert load_checkpoint(run, "latest")[1] == b"second"


def killed_after(allowed: int, run, monkeypatch, standing=None) -> int:
    """Save a third checkpoint, dying at operation `allowed`; return how many operations were made."""
    made = 0

    def guarded(operation):
        def call(*args: object, **kwargs: object) -> object:
            nonlocal made
            if made >= allowed:
                raise Killed
            made += 1
            return operation(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for owner, name in [(os, "fsync"), (Path, "replace"), (Path, "unlink")]:
            patch.setattr(owner, name, guarded(getattr(owner, name)))
        with contextlib.suppress(Killed):
            save_checkpoint(run, 3, b"three", ("latest", "best"), standing=standing)
    return made


def second_best(run, iteration, payload, value):
    """Save a checkpoint as the second of two best ones."""
    standing = Standing(value, better=read_ranking(run)[:1])
    return save_checkpoint(run, iteration, payload, {"best", "latest"}, standing=standing)


def test_the_best_are_kept_in_order_and_the_last_of_them_makes_room(run):
    save_checkpoint(run, 1, b"one", {"best", "latest"}, standing=Standing(0.7))
    second_best(run, 2, b"two", 0.5)
    assert [(record.iteration, record.value) for record in read_ranking(run)] == [(1, 0.7), (2, 0.5)]
    second_best(run, 3, b"three", 0.6)
    ranking = read_ranking(run)
    assert [(record.iteration, record.value) for record in ranking] == [(1, 0.7), (3, 0.6)]
    assert load_best(run, 5) == list(zip(ranking, [b"one", b"three"], strict=True))
    assert load_best(run, 1)[0][1] == load_checkpoint(run, "best")[1] == b"one"
    assert data_files(run) == {record.file for record in ranking}
    best = save_checkpoint(run, 4, b"four", {"best"}, standing=Standing(0.9, worse=ranking[:1]))
    assert [record.iteration for record in read_ranking(run)] == [4, 1]
    assert data_files(run) == {best.file, ranking[0].file, ranking[1].file}, "the latest is kept besides"


def test_as_many_as_can_be_kept_fit_into_a_pointer(run):
    for iteration in range(MAX_KEPT):
        worse = read_ranking(run)
        value = 1 / 3 + iteration / 7
        save_checkpoint(run, 10**9 + iteration, b"x", {"best"}, standing=Standing(value, worse=worse))
    assert len(read_ranking(run)) == len(load_best(run, MAX_KEPT)) == MAX_KEPT


def test_the_best_of_a_version_that_kept_one_only(run):
    record = save_checkpoint(run, 1, b"one", {"latest", "best"})
    (run.checkpoints / "best.json").write_text((run.checkpoints / "latest.json").read_text())
    assert [(one.file, one.value) for one in read_ranking(run)] == [(record.file, None)]
    assert load_best(run, 2) == [(read_ranking(run)[0], b"one")]


def test_a_runner_up_that_is_missing_or_damaged_is_explained(run):
    save_checkpoint(run, 1, b"one", {"best"}, standing=Standing(0.7))
    record = second_best(run, 2, b"two", 0.5)
    (run.checkpoints / record.file).write_bytes(b"tWo")
    with pytest.raises(ResourceError, match="is damaged"):
        load_best(run, 2)
    (run.checkpoints / record.file).unlink()
    with pytest.raises(ResourceError, match="is missing"):
        load_best(run, 2)
    assert load_best(run, 1)[0][1] == b"one"


def test_nothing_is_pruned_while_the_runners_up_are_unreadable(run):
    save_checkpoint(run, 1, b"one", {"best"}, standing=Standing(0.7))
    kept = second_best(run, 2, b"two", 0.5)
    pointer = run.checkpoints / "best.json"
    pointer.write_text(pointer.read_text().replace(kept.sha256, "rubbish"))
    save_checkpoint(run, 3, b"three", {"latest"})
    assert kept.file in data_files(run)


def test_a_reader_of_the_best_that_is_overtaken_reads_the_newer_ones(run, monkeypatch):
    save_checkpoint(run, 1, b"one", {"best"}, standing=Standing(0.7))
    gone = second_best(run, 2, b"two", 0.5)
    stat = Path.stat
    overtaken = []

    def overtake(self: Path, **kwargs: bool) -> os.stat_result:
        if self.name == gone.file and not overtaken:
            overtaken.append(self)
            second_best(run, 3, b"three", 0.6)
        return stat(self, **kwargs)

    monkeypatch.setattr(Path, "stat", overtake)
    assert [payload for _, payload in load_best(run, 2)] == [b"one", b"three"]


def test_a_kill_at_any_instant_leaves_checkpoints_that_load(run, monkeypatch):
    save_checkpoint(run, 3, b"three", ("latest", "best"))
    total = 0
    for allowed in range(100):
        save_checkpoint(run, 1, b"one", {"best"})
        save_checkpoint(run, 2, b"two", {"latest"})
        made = killed_after(allowed, run, monkeypatch)
        assert load_checkpoint(run, "latest")[1] in (b"two", b"three")
        assert load_checkpoint(run, "best")[1] in (b"one", b"three")
        if made < allowed:
            total = made
            break
    assert total >= 11  # three files: sync, rename, sync each; and two old files removed
    assert load_checkpoint(run, "latest")[1] == load_checkpoint(run, "best")[1] == b"three"


def test_a_kill_at_any_instant_leaves_all_of_the_best(run, monkeypatch):
    for allowed in range(100):
        save_checkpoint(run, 1, b"one", {"best"}, standing=Standing(0.7))
        second_best(run, 2, b"two", 0.5)
        made = killed_after(allowed, run, monkeypatch, Standing(0.6, better=read_ranking(run)[:1]))
        assert [payload for _, payload in load_best(run, 2)] in ([b"one", b"two"], [b"one", b"three"])
        assert load_checkpoint(run, "latest")[1] in (b"two", b"three")
        if made < allowed:
            break
    assert data_files(run) == {record.file for record in read_ranking(run)}


def test_halves_left_by_a_kill_are_removed_by_the_next_worker(run, monkeypatch):
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    killed_after(1, run, monkeypatch)
    monkeypatch.undo()
    assert any(path.name.startswith(".iter-") for path in run.checkpoints.iterdir())
    run.remove_halves()
    record = save_checkpoint(run, 4, b"four", {"latest"})
    assert {path.name for path in run.checkpoints.iterdir()} == {record.file, "latest.json"}


def test_a_run_that_was_removed_is_not_half_made_again(run):
    shutil.rmtree(run.path)
    with pytest.raises(ResourceError, match="no such file"):
        save_checkpoint(run, 1, b"one", {"latest"})
    assert not run.path.exists()


def test_files_of_others_are_never_pruned(run):
    (run.checkpoints / "notes.txt").write_text("keep")
    (run.checkpoints / "mine.pt").write_text("keep")
    save_checkpoint(run, 1, b"one", {"latest"})
    assert (run.checkpoints / "notes.txt").exists()
    assert (run.checkpoints / "mine.pt").exists()


def test_nothing_is_pruned_while_a_pointer_is_unreadable(run):
    best = save_checkpoint(run, 1, b"one", {"best"})
    (run.checkpoints / "best.json").write_text("rubbish")
    save_checkpoint(run, 2, b"two", {"latest"})
    assert best.file in data_files(run)


def test_no_checkpoint_yet_is_explained(run):
    with pytest.raises(ResourceError, match="has no best checkpoint: it has not been validated, so take the"):
        load_checkpoint(run, "best")
    with pytest.raises(ResourceError, match="has no latest checkpoint: it ended before one was written"):
        load_checkpoint(run, "latest")


def test_a_missing_file_is_explained(run):
    record = save_checkpoint(run, 1, b"one", {"latest"})
    (run.checkpoints / record.file).unlink()
    with pytest.raises(ResourceError, match="is missing"):
        load_checkpoint(run, "latest")


@pytest.mark.parametrize("content", [b"", b"onE", b"one more"])
def test_a_damaged_file_is_explained(run, content):
    record = save_checkpoint(run, 1, b"one", {"latest"})
    (run.checkpoints / record.file).write_bytes(content)
    with pytest.raises(ResourceError, match="is damaged"):
        load_checkpoint(run, "latest")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{{}}",
        '{{"v":1,"file":"../{file}","sha256":"{sha}","bytes":3,"iteration":1,"time":0}}',
        '{{"v":1,"file":"/etc/{file}","sha256":"{sha}","bytes":3,"iteration":1,"time":0}}',
        '{{"v":1,"file":"{file}\\n","sha256":"{sha}","bytes":3,"iteration":1,"time":0}}',
        '{{"v":2,"file":"{file}","sha256":"{sha}","bytes":3,"iteration":1,"time":0}}',
    ],
)
def test_foreign_pointers_are_refused(run, text):
    record = save_checkpoint(run, 1, b"one", {"latest"})
    (run.checkpoints / "latest.json").write_text(text.format(file=record.file, sha=record.sha256))
    with pytest.raises(ResourceError, match="damaged"):
        load_checkpoint(run, "latest")


def test_a_reader_overtaken_by_the_worker_reads_the_newer_checkpoint(run, monkeypatch):
    save_checkpoint(run, 1, b"one", {"latest"})
    stat = Path.stat
    overtaken = []

    def overtake(self: Path, **kwargs: bool) -> os.stat_result:
        if self.suffix == ".pt" and not overtaken:
            overtaken.append(self)
            save_checkpoint(run, 2, b"two", {"latest"})
        return stat(self, **kwargs)

    monkeypatch.setattr(Path, "stat", overtake)
    assert load_checkpoint(run, "latest")[1] == b"two"
