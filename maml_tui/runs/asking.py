"""Asking the engine something in a short-lived process of its own, which loads torch so that this one need not."""

from __future__ import annotations

import os
import subprocess
import sys

from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.runs.launch import worker_environment
from engine.text import printable

_ERRORS = {error.exit_code: error for error in (UsageError, ResourceError, DivergedError)}


def ask(module: str, question: str) -> str:
    """Run `python -m module` with `question` on its stdin, and return what it writes to stdout.

    Raises:
        MamlError: It failed; in its own words and with its exit code.
    """
    # -P: a folder called `engine` where the user happens to stand must not be taken for ours.
    command = (sys.executable, "-P", "-m", module)
    environment = worker_environment(os.environ)
    ended = subprocess.run(
        command, input=question, capture_output=True, text=True, check=False, env=environment
    )
    if ended.returncode == 0:
        return ended.stdout
    words = ended.stderr.strip().splitlines() or [f"the process ended with exit status {ended.returncode}"]
    raise _ERRORS.get(ended.returncode, MamlError)(printable(words[-1]))
