"""A journal so short that it is thinned again and again, while the worker dies and while others follow it."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys

import forked_worker
import pytest
from short_run import FAULTS, assert_unharmed, events_of, finish

from engine.runs.events import FinishedEvent, StartedEvent

LIMIT = 6000  # bytes: about a quarter of the short run's journal


@pytest.fixture(scope="module")
def thinned_steps(tmp_path_factory):
    """The steps of a short run whose journal is thinned."""
    import short_run

    run = short_run.new_run(tmp_path_factory.mktemp("thinned"))
    assert forked_worker.work(run, "small_journal", LIMIT, "counted") == 0, run.log.read_text()
    return int(run.path.with_suffix(".steps").read_text())


def test_a_thinned_journal_changes_nothing_else(new_run, undisturbed):
    run = new_run()
    assert forked_worker.work(run, "small_journal", LIMIT) == 0
    assert_unharmed(run, undisturbed[0], thinned=True)
    assert run.events.stat().st_size <= LIMIT
    events = events_of(run, thinned=True)
    assert events[-1].seq > len(events)
    assert isinstance(events[0], StartedEvent) and isinstance(events[-1], FinishedEvent)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("torn", [False, True], ids=["before", "halfway"])
def test_killed_at_a_step_of_it(undisturbed, thinned_steps, new_run, torn):
    steps = range(thinned_steps)
    for step in steps if thinned_steps <= FAULTS else random.Random(1).sample(steps, FAULTS):
        run = new_run()
        code = forked_worker.work(run, "small_journal", LIMIT, "killed", step, torn)
        assert code == -signal.SIGKILL, f"step {step}"
        events_of(run, thinned=True)
        finish(run, undisturbed[0], thinned=True)


def test_who_follows_is_told_each_record_once(new_run):
    run = new_run("iterations=4000", "eval_every=200", "checkpoint_every=100")
    worker = forked_worker.start(run, "small_journal", LIMIT)
    while not run.events.exists() or not run.events.stat().st_size:
        assert worker.exitcode is None
    code = "import sys; from maml_tui.cli import run; sys.exit(run(sys.argv[1:]))"
    follower = [sys.executable, "-c", code, "attach", str(run.path), "--json", "-q"]
    done = subprocess.run(follower, capture_output=True, text=True, check=True, timeout=120)
    worker.join(60)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    numbers = [record["seq"] for record in told]
    assert numbers == sorted(set(numbers))
    assert (told[0]["kind"], told[-1]["kind"]) == ("started", "finished")
    left = events_of(run, thinned=True)
    assert len(told) > len(left)
    assert {event.seq for event in left} <= set(numbers)
