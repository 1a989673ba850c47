"""The command `maml` as a process of its own."""

from __future__ import annotations

import subprocess
import sys

from deadline import PATIENCE

MAML = [sys.executable, "-c", "from maml_tui.cli import main; main()"]


def maml(*arguments, **options):
    """Run a command to its end and return the finished process; `options` are those of `subprocess.run`."""
    how = {"capture_output": True, "text": True, "timeout": 4 * PATIENCE, "stdin": subprocess.DEVNULL}
    return subprocess.run([*MAML, *map(str, arguments)], check=False, **{**how, **options})
