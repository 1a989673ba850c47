"""Real workers by the dozen: a server that has loaded PyTorch once forks each, with a fault if one is wanted."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

import faults

from engine.runs.launch import worker_environment

_ROOT = Path(__file__).resolve().parents[2]
_CONTEXT = multiprocessing.get_context("forkserver")
# The first gradient imports torch._dynamo, and a data set numpy.
_CONTEXT.set_forkserver_preload(
    ["forked_worker", "engine.worker.main", "torch._dynamo", "engine.data.strokes"]
)
# The server finds modules by this alone; what it once was is what the tests' other processes shall see.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(_ROOT), str(_ROOT / "tests" / "support"), os.environ.get("PYTHONPATH", "")]
)


def start(run, fault="none", *arguments):
    """Start a worker of `run` that suffers from `faults.<fault>(run, *arguments)`; return its process."""
    environment = worker_environment(os.environ)
    process = _CONTEXT.Process(target=_work, args=(str(run.path), environment, fault, arguments))
    process.start()
    return process


def work(run, fault="none", *arguments, seconds=120):
    """Start a worker, wait for its end and return its exit code, negative if it was a signal."""
    process = start(run, fault, *arguments)
    process.join(seconds)
    assert process.exitcode is not None, f"the worker has not ended: {run.log.read_text()}"
    return process.exitcode


def _work(path, environment, fault, arguments):
    from engine.runs.directory import RunDirectory
    from engine.worker.main import main

    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    run = RunDirectory(Path(path))
    log = os.open(run.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    getattr(faults, fault)(run, *arguments)
    sys.exit(main([path]))
