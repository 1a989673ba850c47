"""A real pseudo-terminal to run the application in, and what a person would see on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

import psutil
import pyte
import pytest

MAML = [sys.executable, "-c", "from maml_tui.cli import main; main()"]
PATIENCE = 60.0  # seconds that a busy machine is given for what takes one

# Sequences that terminals obey and pyte would print: of the kitty keyboard protocol and synchronised output.
_UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=?][0-9;]*[$]?[upq]|\x1b\[\?[0-9;]*\$p|\x1bP.*?\x1b\\|\x1b\]52;.*?(?:\x07|\x1b\\)"
)


class PseudoTerminal:
    """A command in a pseudo-terminal in a session of its own; a thread reads and understands what it writes.

    Attributes:
        process: The command.
        written: All bytes so far.
        reading: Clear it to let the reader stall.
    """

    def __init__(self, *arguments, size=(120, 40), before=None, **environment):
        self._master, slave = pty.openpty()
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()
        self.written = b""
        self.reading = threading.Event()
        self.reading.set()
        self._resize(slave, size)
        variables = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}

        def in_child():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if before:
                before()

        self.process = subprocess.Popen(  # noqa: PLW1509 - the child must become a session leader with a terminal
            [*MAML, *arguments], stdin=slave, stdout=slave, stderr=slave, env=variables, preexec_fn=in_child
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self):
        """Return what is on the screen, line by line."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self.screen.display)

    def send(self, keys):
        """Type."""
        os.write(self._master, keys.encode())

    def wait_for(self, pattern, seconds=PATIENCE):
        """Wait until the screen shows a pattern, and return the match."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text())):
            assert time.monotonic() < deadline, f"{pattern!r} did not appear:\n{self.text()}"
            assert self.process.poll() is None or self.reading.is_set(), "the program has ended"
            time.sleep(0.05)
        return found

    def resize(self, columns, lines):
        """Give the terminal another size."""
        with self._lock:
            self.screen.resize(lines, columns)
        self._resize(self._master, (columns, lines))

    def hang_up(self):
        """Close the terminal, as when a connection breaks."""
        self.reading.clear()
        os.close(self._master)
        self._master = -1

    def end(self, seconds=PATIENCE):
        """Wait until the program has ended and return its exit code."""
        return self.process.wait(seconds)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reading.set()
        if self._master >= 0:
            self._reader.join(PATIENCE)
            os.close(self._master)

    def _resize(self, file, size):
        columns, lines = size
        fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _read(self):
        while self.reading.wait():
            try:
                chunk = os.read(self._master, 1 << 16)
            except OSError:
                return
            if not chunk:
                return
            with self._lock:
                self.written += chunk
                self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", chunk))


@pytest.fixture
def terminal():
    """Open pseudo-terminals; all are closed at the end."""
    opened = []

    def open_terminal(*arguments, **options):
        opened.append(PseudoTerminal(*arguments, **options))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


@pytest.fixture
def states(tmp_path, monkeypatch):
    """A state, data and configuration directory of one's own; no worker outlives the test."""
    from engine.runs.index import list_runs
    from engine.runs.launch import kill_worker
    from engine.runs.states import LIVE_STATES

    for name in ("STATE", "DATA", "CONFIG"):
        monkeypatch.setenv(f"MAML_{name}_DIR", str(tmp_path / name.lower()))
    for name in ("NO_COLOR", "SSH_TTY", "SSH_CONNECTION", "MAML_DEVICE", "MAML_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    runs = tmp_path / "state" / "runs"
    yield runs
    for summary in list_runs(runs):
        if summary.status.state in LIVE_STATES:
            kill_worker(summary.run)


@pytest.fixture
def spent():
    """Return the CPU seconds that a process spends in so many seconds."""

    def measure(pid, seconds):
        process = psutil.Process(pid)
        before = process.cpu_times()
        time.sleep(seconds)
        after = process.cpu_times()
        return after.user + after.system - before.user - before.system

    return measure


@pytest.fixture
def ignoring_hangup():
    """What to do in a child so that it starts like under `nohup`."""
    return lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
