"""Files that are not what the worker wrote: torn, truncated, changed by a bit, of another run."""

from __future__ import annotations

import os
import random
import shutil
import signal

import forked_worker
import pytest
import short_run
from short_run import FAULTS, assert_unharmed, events_of, finish, said

from engine.runs.checkpoints import load_checkpoint, read_pointer, save_checkpoint
from engine.runs.directory import RunDirectory
from engine.runs.events import WarningEvent
from engine.runs.repair import STATUS_REBUILT
from engine.runs.status import current_status
from maml_tui.cli import run as maml


@pytest.fixture(scope="module")
def halfway(tmp_path_factory):
    """A run that was killed after some checkpoints."""
    run = short_run.new_run(tmp_path_factory.mktemp("halfway"))
    assert forked_worker.work(run, "killed", 120) == -signal.SIGKILL
    assert read_pointer(run, "latest").iteration > 0
    run.remove_halves()  # as the next worker does: they are not what is damaged here
    return run


@pytest.fixture
def lost(halfway, runs):
    """A copy of it."""
    return RunDirectory(shutil.copytree(halfway.path, runs / halfway.id))


def flip(path, rng):
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def truncate(path, rng):
    """Cut the end off."""
    os.truncate(path, rng.randrange(path.stat().st_size))


def remove(path, rng):
    path.unlink()


def refuses(run, part, capsys):
    """See that neither a worker nor a person gets past the damage, and that both are told in one sentence."""
    checkpoints = sorted(run.checkpoints.iterdir())
    code = forked_worker.work(run)
    assert (code, part in said(run, code)) == (3, True), said(run, code)
    assert "Traceback" not in run.log.read_text()
    assert sorted(run.checkpoints.iterdir()) == checkpoints
    assert maml(["eval", run.id]) in (0, 1, 3)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("damage", [flip, truncate, remove])
@pytest.mark.parametrize("seed", range(max(1, FAULTS // 4)))
def test_a_damaged_checkpoint_is_refused_and_kept(lost, damage, seed, capsys):
    damage(lost.checkpoints / read_pointer(lost, "latest").file, random.Random(seed))
    refuses(
        lost,
        "is missing: use" if damage is remove else "is damaged, its content is not what was saved",
        capsys,
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"cos\nsystem\n(S'true'\ntR.", b"\x80\x02]q\x00."])
def test_what_is_no_checkpoint_is_refused(lost, content, capsys):
    save_checkpoint(lost, 8, content, {"latest"})
    refuses(lost, "the checkpoint cannot be read: it is damaged or of another program", capsys)


def test_a_checkpoint_of_another_network_is_refused(lost, new_run, capsys):
    other = new_run("hidden=[4]")
    assert forked_worker.work(other) == 0
    save_checkpoint(lost, 8, load_checkpoint(other, "latest")[1], {"latest"})
    refuses(lost, "the checkpoint is of another network", capsys)


def test_a_torn_journal_is_mended(lost, undisturbed):
    os.truncate(lost.events, lost.events.stat().st_size - 7)
    finish(lost, undisturbed[0])


def test_a_lost_journal_loses_no_training(lost, undisturbed):
    lost.events.unlink()
    finish(lost, undisturbed[0])


@pytest.mark.parametrize("text", [b'{"state":"running","na', None])
def test_a_run_with_a_damaged_status_goes_on(lost, undisturbed, text, capsys):
    if text is None:
        lost.status.unlink()
    else:
        lost.status.write_bytes(text)
    advice = f"`maml resume {lost.id}` rebuilds it from configuration, journal and checkpoints"
    assert maml(["runs", "ls"]) == 0
    assert lost.id in capsys.readouterr().out
    for command in (["runs", "show", lost.id], ["attach", lost.id, "--plain"], ["stop", lost.id]):
        assert maml(command) == 3
        assert advice in capsys.readouterr().err
    assert maml(["resume", lost.id, "--plain"]) == 0
    assert "it was rebuilt from configuration, journal and checkpoints" in capsys.readouterr().err
    assert_unharmed(lost, undisturbed[0])
    assert current_status(lost).name == "short"


def test_a_worker_mends_a_damaged_status_itself(lost, undisturbed):
    lost.status.write_bytes(b"{")
    finish(lost, undisturbed[0])
    told = [event.message for event in events_of(lost) if isinstance(event, WarningEvent)]
    assert told == [STATUS_REBUILT]


def test_a_finished_run_with_a_damaged_status_has_nothing_to_resume(new_run, undisturbed, capsys):
    run = new_run()
    finish(run, undisturbed[0])
    before = current_status(run)
    run.status.write_bytes(b"")
    assert maml(["resume", run.id]) == 2
    assert "has done all its 40 iterations" in capsys.readouterr().err
    assert_unharmed(run, undisturbed[0])
    same = (
        "state",
        "reason",
        "name",
        "task",
        "metric",
        "iteration",
        "iterations",
        "best",
        "best_iteration",
        "seq",
    )
    for field in (*same, "best_ci95", "host", "device"):
        assert getattr(current_status(run), field) == getattr(before, field), field
    assert current_status(run).created == pytest.approx(before.created, abs=5)
    assert current_status(run).seconds == pytest.approx(before.seconds, abs=5)


def test_a_bit_changed_anywhere_is_never_a_traceback(halfway, runs, capsys):
    rng = random.Random(1)
    for number in range(FAULTS):
        run = RunDirectory(shutil.copytree(halfway.path, runs / f"bit{number}"))
        flip(rng.choice([run.status, run.config, run.events, run.checkpoints / "latest.json"]), rng)
        for command in (["runs", "ls"], ["runs", "show", run.id], ["attach", run.id, "--json"]):
            assert maml(command) in (0, 1, 2, 3)
        code = forked_worker.work(run)
        assert code in (0, 2, 3), said(run, code)
        said_all = capsys.readouterr()
        assert "Traceback" not in said_all.out + said_all.err + run.log.read_text()
        shutil.rmtree(run.path)
