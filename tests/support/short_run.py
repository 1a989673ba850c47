"""A short run to inject faults into, and what must hold of it afterwards."""

from __future__ import annotations

import os
from typing import NamedTuple

import forked_worker
from run_folders import make_run

from engine.runs.checkpoints import load_best, read_pointer, read_ranking
from engine.runs.journal import EventReader
from engine.runs.launch import worker_exit_reason
from engine.runs.result import read_result
from engine.runs.status import current_status

EVERY = 4  # iterations between two checkpoints
SINUSOID = (
    "hidden=[8]",
    "meta_batch_size=3",
    "iterations=40",
    "eval_every=10",
    "val_tasks=6",
    "eval_tasks=6",
    "eval_steps=2",
    "curve_steps=3",
    f"checkpoint_every={EVERY}",
    "keep_best=3",
)
FAULTS = int(os.environ.get("MAML_FAULTS", "4"))
"""How many faults of each kind are injected where there are more places for them; the long form takes hundreds."""


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
        parameters: Hash of the last parameters.
        measurements: What was measured in the end.
        best: Iteration, error and content hash of each of its best checkpoints, best first.
    """

    parameters: str
    measurements: tuple
    best: tuple


_PARTS = ("config", "events", "status", "control", "checkpoints", "result", "scores", "log", "lock")


def said(run, code):
    """Return the sentence that a person is shown about a worker that ended with `code`."""
    status = current_status(run)
    return status.reason if status.state in ("failed", "diverged") else worker_exit_reason(run, code)


def new_run(root, *overrides, preset="sinusoid-10shot", usual=SINUSOID, name="short"):
    """Make a run without starting it."""
    return make_run(root, *usual, *overrides, preset=preset, name=name, device="cpu")


def events_of(run):
    """Return the records of a run, having seen that each is there once and none is damaged."""
    reader = EventReader(run.events)
    events = reader.read()
    numbers = [event.seq for event in events]
    assert numbers == list(range(len(events)))
    assert reader.skipped == 0
    return events


def outcome(run):
    """Return what a run came to, its best checkpoints read."""
    result = read_result(run.result)
    best = read_ranking(run)
    assert [record.sha256 for record, _ in load_best(run, len(best))] == [record.sha256 for record in best]
    told = tuple((record.iteration, record.value, record.sha256) for record in best)
    return Outcome(result.parameters_sha256, result.measurements, told)


def finish(run, expected):
    """Let a new worker finish a disturbed run; `expected` is what the same run came to undisturbed."""
    code = forked_worker.work(run)
    assert code == 0, current_status(run).reason
    assert_unharmed(run, expected)


def assert_unharmed(run, expected):
    """See that a run came to what was expected, bit for bit, and left nothing that it is not to leave."""
    assert outcome(run) == expected
    assert current_status(run).state == "done"
    events_of(run)
    left = {path.name for path in run.path.rglob("*")} - {getattr(run, part).name for part in _PARTS}
    left -= {
        "latest.json",
        "best.json",
        read_pointer(run, "latest").file,
        *(record.file for record in read_ranking(run)),
    }
    assert not left, left
