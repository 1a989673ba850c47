"""The terminal: what it can do, the application in it, and leaving in good order when it goes away or on a signal."""

from __future__ import annotations

import asyncio
import codecs
import locale
import os
import select
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from engine.errors import MamlError, UsageError
from engine.paths import config_dir
from engine.runs.events import LIVE_STATES
from engine.runs.status import current_status
from maml_tui.plotting import Charset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from engine.runs.directory import RunDirectory

_UNABLE = frozenset({"", "dumb", "unknown"})


@dataclass(frozen=True)
class Terminal:
    """The facts that decide how the application draws.

    Attributes:
        colourless: Whether no colour may be used (`NO_COLOR`, https://no-color.org).
        remote: Whether it is at the other end of an SSH connection.
        utf8: Whether the locale can print more than ASCII.
        console: Whether it is a console whose font has few signs more (`TERM=linux`).
    """

    colourless: bool
    remote: bool
    utf8: bool
    console: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str], encoding: str | None = None) -> Terminal:
        """Look at the environment and at the locale's encoding (found out if None)."""
        return cls(
            colourless=bool(environment.get("NO_COLOR")),
            remote=any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")),
            utf8=_is_utf8(encoding or _encoding(environment)),
            console=environment.get("TERM") == "linux",
        )

    @property
    def charset(self) -> Charset:
        """The finest characters that can be trusted to appear."""
        if not self.utf8:
            return Charset.ASCII
        return Charset.BLOCK if self.console else Charset.UNICODE


def open_app(run: RunDirectory | None = None, readonly: bool = False) -> int:
    """Open the application, on a run if one is given, until it is left.

    Returns:
        0, or 128 + the signal that ended it. Runs go on in any case.

    Raises:
        UsageError: There is no terminal, or the settings are wrong.
        Exception: A defect of the program.
    """
    from maml_tui.app.settings import read_settings  # here, as commands ask this module for a terminal

    require_terminal(os.environ)
    environment = dict(os.environ)  # Textual takes NO_COLOR out of its own
    settings = read_settings(config_dir() / "config.toml", environment)
    terminal = Terminal.of(environment)
    prepare_textual(os.environ, terminal)

    from maml_tui.app.app import MamlApp  # only now: Textual reads the environment when it is imported

    app = MamlApp(settings, terminal, environment, run, readonly)
    app.run()
    if app.defect is not None:
        raise app.defect
    if app.watched is not None:
        _tell_how_to_come_back(app.watched.run)
    return app.return_code or 0


def _tell_how_to_come_back(run: RunDirectory) -> None:
    try:
        status = current_status(run)
    except MamlError:
        return
    if status.state in LIVE_STATES:
        print(f"maml: run {run.id} goes on; come back: maml attach {run.id}", file=sys.stderr)


def require_terminal(
    environment: Mapping[str, str], streams: tuple[TextIO | None, ...] | None = None
) -> None:
    """Make sure that the application has a terminal to draw on and keys to read.

    Args:
        environment: For `TERM`.
        streams: Where it reads and draws; the process's own stdin and stderr if None.

    Raises:
        UsageError: It has not; says what to do instead.
    """
    ends = (sys.__stdin__, sys.__stderr__) if streams is None else streams
    if environment.get("TERM", "") in _UNABLE or not all(end is not None and end.isatty() for end in ends):
        raise UsageError(
            "the application needs a terminal: run `maml train PRESET --plain` to train, `maml attach RUN --plain` "
            "to follow a run, `maml -h` for all commands"
        )


def prepare_textual(environment: MutableMapping[str, str], terminal: Terminal) -> None:
    """Set what Textual reads for itself: over SSH no animations and fewer frames."""
    if not terminal.colourless:
        environment.pop("NO_COLOR", None)  # empty it means nothing, but not to Textual
    if terminal.remote:
        environment.setdefault("TEXTUAL_ANIMATIONS", "none")
        environment.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
        environment.setdefault("TEXTUAL_FPS", "15")


def _encoding(environment: Mapping[str, str]) -> str:
    """Return the locale's encoding. Python (PEP 538, 540) takes the C locale for UTF-8: not where it was asked for."""
    asked_for_c = {"C", "POSIX"} & {environment.get("LC_ALL"), environment.get("LANG")}
    if asked_for_c and sys.flags.utf8_mode:
        return "ascii"
    return locale.getpreferredencoding(do_setlocale=False)


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False


_GRACE_SECONDS = 3.0


def leave_on_signals(leave: Callable[[int], None]) -> None:
    """Call `leave(128 + signal)` on SIGTERM and SIGHUP, even if this process was started with SIGHUP ignored.

    Textual by itself would leave the terminal in the state it set up, or spin on a terminal that is gone. Should
    leaving hang (a terminal that takes no more bytes), the process ends all the same after a few seconds.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _leave, leave, 128 + number)


def terminal_gone() -> bool:
    """Return whether the terminal that keys come from has hung up; no signal tells a process without a session."""
    stream = sys.__stdin__
    if stream is None or stream.closed:
        return False
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(happened & (select.POLLHUP | select.POLLNVAL) for _, happened in poll.poll(0))


def _leave(leave: Callable[[int], None], return_code: int) -> None:
    watchdog = threading.Timer(_GRACE_SECONDS, os._exit, (return_code,))
    watchdog.daemon = True
    watchdog.start()
    leave(return_code)
