"""SIGKILL at random moments to the worker, to an application that watches it, and to both at once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

import forked_worker
import pytest
import short_run
from deadline import wait_until
from short_run import EVERY, FAULTS, events_of, finish

from engine.runs.checkpoints import load_best, load_checkpoint, read_pointer, read_ranking
from engine.runs.events import CheckpointEvent, TrainEvent
from engine.runs.launch import start_worker
from engine.runs.status import current_status

LONGER = ("iterations=800", "eval_every=100")
VICTIMS = ("worker", "worker", "worker", "app", "both")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the longer run comes to, its worker started as users start it."""
    run = short_run.new_run(tmp_path_factory.mktemp("expected"), *LONGER)
    assert start_worker(run).wait() == 0
    return short_run.outcome(run)


def lost_iterations(run):
    """Return how many iterations the journal tells of beyond the newest checkpoint; all files must be whole."""
    events = events_of(run)
    current_status(run)
    pointers = [read_pointer(run, label) for label in ("best", "latest")]
    for label, pointer in zip(("best", "latest"), pointers, strict=True):
        assert pointer is None or load_checkpoint(run, label)[0] == pointer
    best = read_ranking(run)
    assert [record for record, _ in load_best(run, len(best))] == list(best)
    told = max((e.iteration for e in events if isinstance(e, TrainEvent | CheckpointEvent)), default=0)
    return told - (pointers[1].iteration if pointers[1] else 0)


@pytest.mark.timeout(7200)
def test_at_random_moments(new_run, terminal, expected, capsys):
    rng = random.Random(int(os.environ.get("MAML_SEED", "0")))
    victims, lost, run = Counter(), [], new_run(*LONGER)
    while victims.total() < FAULTS:
        victim = rng.choice(VICTIMS)
        worker = forked_worker.start(run)
        window = terminal("attach", run.id) if victim != "worker" else None
        # While it starts, or while it is at work.
        time.sleep(rng.uniform(0, 4) if window else rng.uniform(0, 0.8))
        if window:
            window.process.kill()
            window.end()
        if victim == "app":
            worker.join()
            assert worker.exitcode == 0
        worker.kill()
        worker.join()
        victims[victim] += 1
        lost.append(lost_iterations(run))
        assert lost[-1] < EVERY
        if rng.random() < 0.25 or current_status(run).state == "done":
            finish(run, expected)
            run = new_run(*LONGER)
    finish(run, expected)
    with capsys.disabled():
        print(
            f"\n{victims.total()} kills {dict(victims)}, all survived; iterations lost of those told of:"
            f" {sum(max(0, one) for one in lost) / len(lost):.2f} a kill, {max(lost)} at most, with a checkpoint"
            f" every {EVERY}"
        )


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3])
def test_a_polite_and_a_rude_signal_at_once(new_run, expected, seconds):
    run = new_run(*LONGER)
    worker = forked_worker.start(run)
    wait_until(lambda: read_pointer(run, "latest"))
    os.kill(worker.pid, signal.SIGTERM)
    time.sleep(seconds)
    worker.kill()
    worker.join()
    assert current_status(run).state in ("lost", "done")
    assert lost_iterations(run) < EVERY
    finish(run, expected)
