"""What can befall a worker, done to it from inside: death at a chosen moment, a failing disk, a jumping clock.

A "step" is a call by the main thread that changes something on the disk. Killing before each step in turn leaves the
disk in every state that a kill at any moment can leave it in, but for halves of a write; those are left by `torn`.
"""

from __future__ import annotations

import os
import resource
import signal
import stat
import threading
import time
from pathlib import Path

_CALLS = ("open", "write", "fsync", "ftruncate", "replace", "unlink", "mkdir")
_CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def none(run):
    """Nothing befalls it."""


def _at_each_step(happen):
    """Have `happen(number, name, arguments)` called before each step, counted from 0."""
    count = iter(range(10**9))
    main = threading.main_thread()

    def watched(name, call):
        def step(*arguments, **options):
            reads = name == "open" and not arguments[1] & _CHANGES
            if threading.current_thread() is main and not reads:
                happen(next(count), name, arguments)
            return call(*arguments, **options)

        return step

    for name in _CALLS:
        setattr(os, name, watched(name, getattr(os, name)))


def asked(run, *requests):
    """Once it is ready to train, requests wait for it: a verb and how to stop, each."""
    from engine.runs.requests import send_request
    from engine.worker.session import Session

    prepare = Session.prepare

    def prepared(session):
        for verb, mode in requests:
            send_request(run, verb, mode)
        return prepare(session)

    Session.prepare = prepared


def counted(run):
    """It lives; how many steps it took is in a file."""
    taken = run.path.with_suffix(".steps")
    _at_each_step(lambda number, *_: taken.write_text(str(number + 1)))


def killed(run, step, torn=False):
    """It dies before a step; with `torn`, half of what the step would write or sync is there."""

    def happen(number, name, arguments):
        if number == step:
            if torn and name == "write":
                os.pwrite(
                    arguments[0], arguments[1][: len(arguments[1]) // 2], os.fstat(arguments[0]).st_size
                )
            if torn and name == "fsync" and stat.S_ISREG(os.fstat(arguments[0]).st_mode):
                os.truncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    _at_each_step(happen)


def refused(run, step, number, steps=10**9):
    """From a step on, for so many steps, the disk refuses everything with an error of that number."""

    def happen(count, *_):
        if step <= count < step + steps:
            raise OSError(number, os.strerror(number))

    _at_each_step(happen)


def set_back(run, calls, seconds):
    """After some looks at the clock, it is `seconds` earlier."""
    true_time, looks = time.time, iter(range(10**9))
    time.time = lambda: true_time() - (seconds if next(looks) >= calls else 0.0)


def short_files(run, size):
    """No file can be written beyond `size` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def short_memory(run, spare):
    """It can have `spare` bytes more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + spare
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def nobody(run):
    """It has none of root's rights."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
