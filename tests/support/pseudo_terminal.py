"""A command in a real pseudo-terminal, and what a person would see on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

import pyte
from command_line import MAML
from deadline import PATIENCE, wait_until

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
        inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        variables = {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}

        def in_child():
            os.setsid()
            for number in (signal.SIGINT, signal.SIGHUP):  # ignored where the tests run in the background
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if before:
                before()

        self.process = subprocess.Popen(
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

        def look():
            ended = self.process.poll() is not None  # before the screen is read: the last words count
            found = re.search(pattern, self.text())
            assert found or not ended, explain()
            return found

        def explain():
            return f"{pattern!r} did not appear:\n{self.text()}"

        return wait_until(look, seconds, explain)

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
        """Wait until the program has ended and what it wrote was read; return its exit code."""
        code = self.process.wait(seconds)
        if self.reading.is_set():
            self._reader.join(seconds)
        return code

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
