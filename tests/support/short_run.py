"""A short run to inject faults into, and what must hold of it afterwards."""

from __future__ import annotations

import os

import forked_worker

from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.config.resolve import override_layer, resolve
from engine.runs.checkpoints import read_pointer
from engine.runs.directory import create_run
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
)
FAULTS = int(os.environ.get("MAML_FAULTS", "4"))
"""How many faults of each kind are injected where there are more places for them; the long form takes hundreds."""

_PARTS = ("config", "events", "status", "control", "checkpoints", "result", "scores", "log", "lock")


def said(run, code):
    """Return the sentence that a person is shown about a worker that ended with `code`."""
    status = current_status(run)
    return status.reason if status.state in ("failed", "diverged") else worker_exit_reason(run, code)


def new_run(root, *overrides, preset="sinusoid-10shot", usual=SINUSOID, name="short"):
    """Make a run without starting it."""
    resolved = resolve([load_preset(preset).layer, override_layer([*usual, *overrides])])
    return create_run(name, RunRecord(resolved, name, "cpu").to_toml, root)


def events_of(run, *, thinned=False):
    """Return the records of a run, having seen that each is there once and none is damaged."""
    reader = EventReader(run.events)
    events = reader.read()
    numbers = [event.seq for event in events]
    assert numbers == (sorted(set(numbers)) if thinned else list(range(len(events))))
    assert reader.skipped == 0
    return events


def finish(run, expected, *, thinned=False):
    """Let a new worker finish a disturbed run; `expected` is the result of the same run undisturbed."""
    code = forked_worker.work(run)
    assert code == 0, current_status(run).reason
    assert_unharmed(run, expected, thinned=thinned)


def assert_unharmed(run, expected, *, thinned=False):
    """See that a run came to what was expected, bit for bit, and left nothing that it is not to leave."""
    found = read_result(run.result)
    assert found.parameters_sha256 == expected.parameters_sha256
    assert found.measurements == expected.measurements
    assert current_status(run).state == "done"
    events_of(run, thinned=thinned)
    left = {path.name for path in run.path.rglob("*")} - {getattr(run, part).name for part in _PARTS}
    left -= {"latest.json", "best.json"} | {read_pointer(run, label).file for label in ("latest", "best")}
    assert not left, left
