"""Runs as folders on the disk, and what their worker would write into them."""

from __future__ import annotations

import os
import socket
import time

from engine.config.presets import load_preset
from engine.config.record import RunRecord
from engine.config.resolve import override_layer, resolve
from engine.runs.directory import create_run
from engine.runs.events import RequestEvent
from engine.runs.journal import EventWriter
from engine.runs.processes import process_start
from engine.runs.requests import acknowledge, pending
from engine.runs.status import read_status, write_status

THIS_PROCESS = {
    "host": socket.gethostname(),
    "pid": os.getpid(),
    "process_start": process_start(os.getpid()),
}
"""Fields of the status of a run whose worker is this process."""


def make_run(root=None, *settings, preset="smoke", name="demo", device="auto", clock=time.time, status=None):
    """Make a run of a preset, some settings ("key=value") and fields of its status changed."""
    resolved = resolve([load_preset(preset).layer, override_layer(list(settings))])
    run = create_run(name, RunRecord(resolved, name, device).to_toml, root, clock)
    change_status(run, **status or {})
    return run


def change_status(run, **fields):
    """Write other values into a run's status."""
    write_status(run, read_status(run).model_copy(update=fields))


def answer_request(run, outcome="accepted", reason=""):
    """Answer the oldest request as a worker does, after another one, and return it."""
    asked = pending(run)[0]
    with EventWriter(run.events) as events:
        events.write(RequestEvent(verb=asked.verb, id="another", outcome="refused", reason="not this one"))
        events.write(RequestEvent(verb=asked.verb, id=asked.id, outcome=outcome, reason=reason))
    acknowledge(asked)
    return asked
