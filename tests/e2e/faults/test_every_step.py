"""A short run, disturbed at each step that changes the disk in turn: a new run for each."""

from __future__ import annotations

import errno
import random
import signal

import forked_worker
import pytest
from short_run import FAULTS, finish, said

from engine.runs.status import current_status

ERRORS = {
    errno.ENOSPC: "the disk is full; free some space and try again.",
    errno.EROFS: "the file system is read-only; choose another place with MAML_STATE_DIR.",
    errno.EACCES: "permission is denied; check who owns it, or choose another place with MAML_STATE_DIR.",
    errno.EIO: "the disk reports an input/output error; check it before you trust this run.",
}


def chosen(steps):
    """Return all steps if so many faults are asked for, else a sample."""
    return range(steps) if steps <= FAULTS else sorted(random.Random(0).sample(range(steps), FAULTS))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("torn", [False, True], ids=["before", "halfway"])
def test_killed(undisturbed, new_run, torn):
    expected, steps = undisturbed
    for step in chosen(steps):
        run = new_run()
        assert forked_worker.work(run, "killed", step, torn) == -signal.SIGKILL, f"step {step}"
        assert current_status(run).state in ("queued", "lost", "done")
        finish(run, expected)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_the_disk_fails_from_here_on(undisturbed, new_run, number):
    expected, steps = undisturbed
    for step in chosen(steps):
        run = new_run()
        code = forked_worker.work(run, "refused", step, number)
        assert (code, ERRORS[number] in said(run, code)) == (3, True), f"step {step}: {said(run, code)}"
        assert "Traceback" not in run.log.read_text()
        finish(run, expected)
