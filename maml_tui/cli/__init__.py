"""The command line: what people type. Every way it can fail ends in a sentence and an exit code."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys

from engine.errors import MamlError

INTERRUPTED = 130


def main() -> None:
    """Run `maml` with the arguments of this process, and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ± must not end a run's display
    # An exception, unlike the signal's own action, ends with this process those that it waits for.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code. Whatever goes wrong is told in words."""
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except MamlError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return _reader_gone() if error.errno in (errno.EPIPE, errno.EIO) else _crashed(error)
    except Exception as error:
        return _crashed(error)
    return code


def _dispatch(arguments: list[str]) -> int:
    from maml_tui.cli.root import command

    try:
        command().main(arguments, prog_name="maml")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0


def _say(text: str) -> None:
    from maml_tui.cli.output import say

    say(text)


def _reader_gone() -> int:
    """End quietly when the pipe's reader or the terminal is gone; what is still buffered has nowhere to go."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return 1


def _crashed(error: Exception) -> int:
    if os.environ.get("MAML_DEBUG") == "1":
        raise error
    from maml_tui.cli.output import write_crash_log

    try:
        details = f"details are in {write_crash_log(error)}"
    except MamlError as failure:
        details = f"no details could be kept: {failure}"
    _say(f"unexpected error, a defect of this program: {error!r}; {details}")
    return 1
