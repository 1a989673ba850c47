"""What a machine can do to a run: its disk, its clock, its memory, its data; and numbers that are none."""

from __future__ import annotations

import shutil
import signal
import subprocess

import forked_worker
import numpy as np
import pytest
from deadline import wait_until
from short_run import assert_unharmed, finish, outcome, said

from engine.data.store import make_image_set, save
from engine.runs.status import current_status, read_status
from maml_tui.cli import run as maml

ENDLESS = ("iterations=1000000", "eval_every=0", "keep_best=1")


def fails(run, code, part, fault="none", *arguments):
    """See that a worker ends with `code` and one sentence with `part` in it, and leaves no traceback."""
    ended = forked_worker.work(run, fault, *arguments)
    assert (ended, part in said(run, ended)) == (code, True), said(run, ended)
    assert "Traceback" not in run.log.read_text()


@pytest.fixture
def small_disk(runs):
    """Mount a file system of one mebibyte where the runs are; `small_disk("ro")` changes how."""

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(runs)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    runs.mkdir(parents=True, mode=0o700)
    if not mount("size=1m,mode=0700"):
        pytest.skip("mounting a file system takes root")
    yield lambda options: mount(f"remount,{options}")
    subprocess.run(["umount", "-l", str(runs)], check=True)


def test_a_disk_that_is_full(small_disk, new_run, runs, undisturbed):
    run = new_run()
    ballast = runs / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(runs).free - 24 * 1024))
    fails(run, 3, "the disk is full; free some space and try again")
    ballast.unlink()
    finish(run, undisturbed[0])


def test_a_disk_that_becomes_read_only(small_disk, new_run, undisturbed):
    run = new_run()
    assert small_disk("ro")
    assert forked_worker.work(run) != 0
    assert small_disk("rw")
    finish(run, undisturbed[0])


def test_files_that_may_not_grow(new_run, undisturbed):
    run = new_run()
    fails(run, 3, "file too large", "short_files", 4096)
    finish(run, undisturbed[0])


def test_a_folder_that_belongs_to_somebody_else(new_run, undisturbed):
    run = new_run()
    run.path.chmod(0o500)
    fails(run, 3, "permission is denied; check who owns it", "nobody")
    run.path.chmod(0o700)
    finish(run, undisturbed[0])


def test_a_folder_that_vanishes(new_run, runs):
    run = new_run(*ENDLESS)
    worker = forked_worker.start(run)
    wait_until(lambda: read_status(run).iteration > 10)
    run.path.rename(runs / "elsewhere")
    shutil.rmtree(runs / "elsewhere", ignore_errors=True)
    worker.join(60)
    assert worker.exitcode == 3
    assert not run.path.exists()


@pytest.mark.parametrize("looks", [0, 3, 20, 60])
@pytest.mark.parametrize("seconds", [86_400.0, -1e9])
def test_a_clock_that_jumps(new_run, undisturbed, looks, seconds):
    run = new_run()
    assert forked_worker.work(run, "set_back", looks, seconds) == 0
    assert_unharmed(run, undisturbed[0])


@pytest.mark.parametrize("options", [("inner_lr=100", "inner_steps=30"), ("inner_lr=100", "meta_lr=100")])
def test_numbers_that_are_none(new_run, options):
    run = new_run(*options, "iterations=400", "eval_every=0", "keep_best=1")
    fails(run, 4, "were not finite: lower inner_lr or meta_lr, or set grad_clip")
    fails(run, 4, "were not finite: lower inner_lr or meta_lr, or set grad_clip")


@pytest.mark.parametrize("spare", [2**24, 2**26, 2**28])
def test_memory_that_runs_out(new_run, spare):
    run = new_run("meta_batch_size=4000", "hidden=[512,512]", "shots=50", "queries=50")
    assert forked_worker.work(run, "short_memory", spare) == 3
    assert "out of memory" in current_status(run).reason


PICTURES = (
    "data=tiny",
    "filters=4",
    "meta_batch_size=2",
    "iterations=6",
    "eval_every=3",
    "checkpoint_every=2",
)


def tiny(seed):
    """Install a data set of sixty classes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (180, 1, 28, 28), np.uint8)
    save(
        make_image_set(
            "tiny", pixels, [f"class {number}" for number in range(60)], [3] * 60, "made by a test"
        )
    )


def test_data_that_vanish_or_change(new_run, tmp_path):
    tiny(0)
    options = {"preset": "smoke", "usual": (*PICTURES, "val_tasks=4", "eval_tasks=4", "ways=3")}
    whole, halved = new_run(**options), new_run(**options)
    assert forked_worker.work(whole) == 0, said(whole, 1)
    assert forked_worker.work(halved, "killed", 60) == -signal.SIGKILL
    (tmp_path / "data" / "tiny").rename(tmp_path / "aside")
    fails(halved, 3, "the data set 'tiny' is not in")
    tiny(1)
    fails(halved, 3, "the data set or class split has changed since run")
    tiny(0)
    finish(halved, outcome(whole))


def test_a_pixel_that_changed_behind_its_recorded_hash_is_noticed(new_run, tmp_path, capsys):
    tiny(0)
    options = {"preset": "smoke", "usual": (*PICTURES, "val_tasks=4", "eval_tasks=4", "ways=3")}
    whole, halved, late = new_run(**options), new_run(**options), new_run(**options)
    assert forked_worker.work(whole) == 0, said(whole, 1)
    assert forked_worker.work(halved, "killed", 60) == -signal.SIGKILL
    pixels = tmp_path / "data" / "tiny" / "images.npy"
    good = pixels.read_bytes()
    pixels.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    for run in (halved, late):
        fails(run, 3, "its pixels are not those that were written")
    assert maml(["eval", whole.id]) == 3
    assert "its pixels are not those that were written" in capsys.readouterr().err
    pixels.write_bytes(good)
    for run in (halved, late):
        finish(run, outcome(whole))
