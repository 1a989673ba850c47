"""Train: real runs by the real worker process, as `maml train` starts it: `train.py NAME:PRESET:KEY=VALUE,...`.

A run that is not finished when its share of the time is up is stopped by SIGTERM, which saves a checkpoint. The folders
of all runs are packed into train.tar.gz.
"""

import json
import os
import signal
import sys
import tarfile
import time

from common import load_preset, override_layer, resolve
from measure import DEVICE, OUT, Results, seconds_left

from engine.config.record import RunRecord
from engine.paths import runs_dir
from engine.runs.directory import create_run
from engine.runs.launch import start_worker
from engine.runs.result import read_result
from engine.runs.status import read_status

_RESERVE = 15.0  # seconds, for the end of a run and for packing
_GRACE = 12.0  # seconds between SIGTERM and SIGKILL


def create(name, preset, overrides):
    """Make the run's folder, as `maml train` does."""
    resolved = resolve([load_preset(preset).layer, override_layer(overrides)])
    return create_run(name, RunRecord(resolved, name, str(DEVICE)).to_toml, runs_dir())


def train(name, preset, overrides, share):
    """Return the row of one run, which may take `share` of the time that is left."""
    began = time.monotonic()
    run = create(name, preset, overrides)
    process = start_worker(run)
    stopped = wait(process, began + share * max(0.0, seconds_left() - _RESERVE))
    status = read_status(run)
    row = {
        "state": status.state,
        "reason": status.reason,
        "iteration": status.iteration,
        "seconds": time.monotonic() - began,
        "worker_seconds": status.seconds,
        "stopped_here": stopped,
        "exit": process.returncode,
        "wrong": process.returncode != 0 and not stopped,
    }
    with tarfile.open(OUT / "train.tar.gz", "w:gz") as packed:
        packed.add(
            run.path.parent, arcname="runs", filter=lambda t: t if not t.name.endswith(".lock") else None
        )
    return {**row, **reported(run), **scores(run)}


def wait(process, deadline):
    """Wait for a worker, and stop it at the deadline; return whether it was stopped."""
    stopped = False
    while process.poll() is None:
        time.sleep(0.25)
        if not stopped and time.monotonic() > deadline:
            stopped, killed_at = True, time.monotonic() + _GRACE
            os.kill(process.pid, signal.SIGTERM)
        if stopped and time.monotonic() > killed_at:
            process.kill()
    return stopped


def reported(run):
    """Return what the worker said of itself in the journal; without that, the end of its log."""
    lines = run.events.read_text(encoding="utf-8").splitlines() if run.events.exists() else []
    events = [json.loads(line) for line in lines]
    started = [event for event in events if event["kind"] == "started"]
    if not started:
        return {"log": run.log.read_text(encoding="utf-8")[-600:]}
    warnings = [str(event)[:300] for event in events if event["kind"] == "warning"]
    return {"path": started[0]["path"], "device": started[0]["device_name"], "warnings": warnings}


def scores(run):
    """Return the results of the final test evaluation; {} if there was none."""
    result = read_result(run.result)
    row = {}
    for measured in () if result is None else result.measurements:
        measurement, name = measured.measurement, measured.checkpoint
        last = measurement.series[-1]
        row[f"{name} {measurement.metric}"] = f"{last.mean} +- {last.ci95} after {last.step} steps"
        row[f"{name} curve"] = " ".join(f"{at.step}:{at.mean:.4f}" for at in measurement.series)
    return row


def main():
    results = Results("train")
    wanted = [word for word in sys.argv[1:] if not word.startswith("--")]
    for place, word in enumerate(wanted):
        name, preset, overrides = f"{word}::".split(":")[:3]
        chosen = [override for override in overrides.split(",") if override]
        results.attempt(train, name, preset, chosen, 1 / (len(wanted) - place), run=name)


if __name__ == "__main__":
    main()
